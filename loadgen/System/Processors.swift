import FoundationEssentials

/// What the system says about its processors.
enum Processors {
    /// The processors that share a core with this one, itself included.
    static func siblings(of processor: Int) -> [Int] {
        let path = "/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [processor] }
        return list(text)
    }

    /// The kernel's list format: `0-3,8`.
    static func list(_ text: String) -> [Int] {
        text.split { $0 == "," || $0 == "\n" }.flatMap { part -> [Int] in
            let bounds = part.split(separator: "-").compactMap { Int($0) }
            guard let first = bounds.first, let last = bounds.last, first <= last else { return [] }
            return Array(first...last)
        }
    }
}
