import Glibc

/// What peers send: bytes known by connection and offset, so that any of them can be checked by itself.
///
/// One table of random bytes, in which each connection begins at another place. Its length is prime and more than what a
/// peer has outstanding, so that bytes out of order, lost, doubled, or of another connection do not match.
enum StreamPattern {
    private static let period = 65_521

    // SAFETY: written once, before anybody else sees it; never freed.
    private nonisolated(unsafe) static let table: UnsafeMutablePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * period)
        var generator = SeededGenerator(seed: 0x5eed)
        for index in 0..<period {
            table[index] = UInt8(truncatingIfNeeded: generator.next())
            table[index + period] = table[index]
        }
        return table
    }()

    private static func start(_ connection: Int, _ offset: Int) -> Int { (connection * 7919 + offset) % period }

    static func copy(_ connection: Int, from offset: Int, to bytes: UnsafeMutableRawBufferPointer) {
        var done = 0
        while done < bytes.count {
            let count = min(period, bytes.count - done)
            memcpy(bytes.baseAddress! + done, table + start(connection, offset + done), count)
            done += count
        }
    }

    static func matches(_ connection: Int, from offset: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = min(period, bytes.count - done)
            guard memcmp(bytes.baseAddress! + done, table + start(connection, offset + done), count) == 0 else {
                return false
            }
            done += count
        }
        return true
    }
}
