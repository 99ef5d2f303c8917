import Glibc

/// What the kernel says of the process's memory.
enum ResidentMemory {
    /// Page faults so far that read nothing from a disk.
    static var pageFaultCount: Int {
        var usage = rusage()
        let status = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        precondition(status == 0, "getrusage failed: \(errno)")
        return usage.ru_minflt
    }

    /// Bytes that stand on transparent huge pages.
    static var hugeByteCount: Int {
        for line in lines(of: "/proc/self/smaps_rollup") where line.hasPrefix("AnonHugePages:") {
            return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
        }
        return 0
    }

    private static func lines(of path: String) -> [String] {
        guard let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        var lines: [String] = []
        var line = [CChar](repeating: 0, count: 4096)
        while unsafe fgets(&line, Int32(line.count), file) != nil {
            lines.append(String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return lines
    }
}
