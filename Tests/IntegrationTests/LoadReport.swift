/// What `loadgen echo --json` writes, as its readers see it.
struct LoadReport: Decodable {
    struct Errors: Decodable {
        let connect: Int
        let lost: Int
        let unanswered: Int
    }

    let requests: Int
    let requestsPerSecond: Double
    let messageByteCount: Int
    let verifiedByteCount: Int
    let latencyMicroseconds: [String: Double]
    let errors: Errors
    let problems: [String]
}
