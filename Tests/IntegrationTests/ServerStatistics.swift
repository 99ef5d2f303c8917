/// What `pooled-echo --stats json` prints, as its readers see it: written anew here, so that a renamed key is noticed.
struct ServerStatistics: Decodable {
    struct Connections: Decodable {
        let accepted: Int
        let refused: Int
        let cut: Int
        let stalled: Int
        let idle: Int
        let failed: Int
    }

    struct Bytes: Decodable {
        let received: Int
        let sent: Int
        let discarded: Int
        let receivedWhilePaused: Int
    }

    struct Pool: Decodable {
        struct Gets: Decodable {
            let cache: Int
            let shard: Int
            let fresh: Int
            let transient: Int
            let refused: Int

            var total: Int { cache + shard + fresh + transient }
        }

        struct Class: Decodable {
            let bufferByteCount: Int?
            let gets: Gets
            let outCount: Int
            let maxAwayCount: Int?
        }

        struct HighWaterMarks: Decodable {
            let mappedByteCount: Int
        }

        let gets: Gets
        let outCount: Int
        let mappedByteCount: Int
        let highWater: HighWaterMarks
        let classes: [Class]
    }

    struct ZeroCopySends: Decodable {
        let count: Int
        let copied: Int
    }

    struct Trims: Decodable {
        let count: Int
        let byteCount: Int
        let withdrawnBuffers: Int
    }

    struct Files: Decodable {
        struct Responses: Decodable {
            let successful: Int
            let redirecting: Int
            let clientErrors: Int
            let serverErrors: Int
        }

        let responses: Responses
        let opens: Int
        let openHits: Int
        let listings: Int
        let reads: Int
        let directReads: Int
        let keptResponses: Int
        let oversizedHeads: Int
        let slowHeads: Int
        let slowReaders: Int
        let changedFiles: Int
        let failedReads: Int
        let blockWaits: Int
        let refusedOpens: Int
        let droppedLogLines: Int
    }

    let buffers: String
    let reactors: Int
    let connections: Connections
    let bytes: Bytes
    let maxOwedByteCount: Int
    let pausedReceives: Int
    let starvedReceives: Int
    let scarcities: Int
    let operations: [String: Int]
    let enterCalls: Int
    let pool: Pool
    let registeredByteCount: Int
    let fixedBufferOperations: Int
    let plainFallbacks: Int
    let zeroCopySends: ZeroCopySends
    let trims: Trims
    /// Of a file server.
    let files: Files?
}
