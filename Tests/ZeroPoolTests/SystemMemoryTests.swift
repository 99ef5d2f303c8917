import Glibc
import Testing

@testable import ZeroPool

@Suite("Pinned memory")
struct PinnedMemoryTests {
    /// What of the process is locked, in bytes.
    private static var lockedByteCount: Int {
        let line = ProcessFile.lines("/proc/self/status").first { $0.hasPrefix("VmLck:") }
        return Int(line!.split { $0 == " " || $0 == "\t" }[1])! * 1024
    }

    @Test("a pool that does not lock wants nothing locked")
    func notWanted() {
        let pool = BufferPool.builder().build()
        do { _ = pool.get(65536) }
        #expect(pool.statistics().pinning == BufferPool.Statistics.Pinning())
    }

    @Test("all that is mapped is locked where the limit allows it, and what is freed is unlocked")
    func lockedAndUnlocked() async {
        await #expect(processExitsWith: .success) {
            Limit.setMemlock(byteCount: 6 << 20, isPrivileged: false)
            let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).pinnedMemory(true).build()
            let small = LeaseBox(pool.get(4096))
            do {
                let large = LeaseBox(pool.get(4 << 20))
                let pinning = pool.statistics().pinning
                precondition(pinning.wantedByteCount == 6 << 20 && pinning.pinnedByteCount == 6 << 20)
                precondition(pinning.limitByteCount == 6 << 20)
                precondition(Self.lockedByteCount == 6 << 20, "\(Self.lockedByteCount) bytes are locked")
                _ = large
            }
            precondition(Self.lockedByteCount == 2 << 20, "\(Self.lockedByteCount) bytes are locked")
            small.buffer = nil
            precondition(Self.lockedByteCount == 0 && pool.statistics().pinning.pinnedByteCount == 0)
        }
    }

    @Test("past the limit the pool works, and says what it wanted and what it may")
    func refused() async {
        await #expect(processExitsWith: .success) {
            Limit.setMemlock(byteCount: 3 << 20, isPrivileged: false)
            let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).pinnedMemory(true).build()
            let leases = (0..<3).map { _ in LeaseBox(pool.get(2 << 20)) }
            for lease in leases {
                lease.buffer?.withUnsafeMutableBytes { bytes in bytes[bytes.count - 1] = 7 }
            }
            let pinning = pool.statistics().pinning
            precondition(pinning.wantedByteCount == 6 << 20, "\(pinning)")
            precondition(pinning.pinnedByteCount == 2 << 20, "\(pinning)")
            precondition(pinning.limitByteCount == 3 << 20, "\(pinning)")
            precondition(Self.lockedByteCount == 2 << 20, "\(Self.lockedByteCount) bytes are locked")
        }
    }

    @Test("who may lock without limit is told of none", .enabled(if: geteuid() == 0, "only root may lock all"))
    func privileged() async {
        await #expect(processExitsWith: .success) {
            Limit.setMemlock(byteCount: 1 << 20, isPrivileged: true)
            let pool = BufferPool.builder().pinnedMemory(true).build()
            let lease = LeaseBox(pool.get(65536))
            let pinning = pool.statistics().pinning
            precondition(pinning.limitByteCount == nil && pinning.pinnedByteCount == 2 << 20, "\(pinning)")
            _ = lease
        }
    }

    @Test("locking touches nothing: a page comes with its first use")
    func onFault() async {
        await #expect(processExitsWith: .success) {
            Limit.setMemlock(byteCount: 6 << 20, isPrivileged: false)
            let pool = BufferPool.builder().pinnedMemory(true).hugePages(false).build()
            var lease = pool.get(4 << 20)
            let base = UInt(bitPattern: lease.baseAddress)
            precondition(pool.statistics().pinning.pinnedByteCount == 4 << 20)
            let before = ProcessFile.memoryByteCount("Rss:", at: base)
            precondition(before == 0, "\(before) bytes are in memory")
            lease.withUnsafeMutableBytes { bytes in bytes[12345] = 1 }
            let after = ProcessFile.memoryByteCount("Rss:", at: base)
            precondition(after == 4096, "\(after) bytes are in memory")
        }
    }
}

@Suite("Huge pages")
struct HugePageTests {
    @Test(
        "arenas are backed by huge pages when they are advised to, and never when not",
        .enabled(if: ProcessFile.hasHugePages, "this machine has no transparent huge pages to give"),
        arguments: [true, false])
    func advised(hugePages: Bool) {
        let pool = BufferPool.builder().hugePages(hugePages).build()
        var lease = pool.get(8 << 20)
        let base = UInt(bitPattern: lease.baseAddress)
        lease.withUnsafeMutableBytes { bytes in
            for offset in stride(from: 0, to: bytes.count, by: 4096) { bytes[offset] = 1 }
        }
        let hugeByteCount = ProcessFile.memoryByteCount("AnonHugePages:", at: base)
        // The system may lack a free one, so not all of it must be.
        #expect(hugePages ? hugeByteCount > 0 : hugeByteCount == 0)
        #expect(ProcessFile.memoryByteCount("Rss:", at: base) >= 8 << 20)
    }
}

/// What the limit on locked memory is, for child processes.
private enum Limit {
    /// Ends root's privilege to lock without limit where that is wanted.
    static func setMemlock(byteCount: Int, isPrivileged: Bool) {
        var limit = rlimit(rlim_cur: rlim_t(byteCount), rlim_max: rlim_t(byteCount))
        let limited = setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
        precondition(limited == 0, "the hard limit is lower than the test needs")
        guard !isPrivileged, geteuid() == 0 else { return }
        let changed = setuid(65534)
        precondition(changed == 0, "root becomes another user")
    }
}

/// What the kernel says of this process.
enum ProcessFile {
    static func lines(_ path: String) -> [Substring] {
        guard let file = fopen(path, "r") else { return [] }
        defer { _ = fclose(file) }
        var text = ""
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, 4096, file) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return text.split(separator: "\n")
    }

    /// A field of `smaps` for the mapping that holds `address`, in bytes.
    static func memoryByteCount(_ field: String, at address: UInt) -> Int {
        var isInside = false
        for line in lines("/proc/self/smaps") {
            let words = line.split(separator: " ")
            let bounds = words[0].split(separator: "-")
            if bounds.count == 2, let start = UInt(bounds[0], radix: 16), let end = UInt(bounds[1], radix: 16) {
                isInside = (start..<end).contains(address)
            } else if isInside, words[0] == field {
                return Int(words[1])! * 1024
            }
        }
        return 0
    }

    /// Whether the system gives huge pages on advice.
    static let hasHugePages: Bool = {
        let setting = lines("/sys/kernel/mm/transparent_hugepage/enabled").first ?? "[never]"
        return !setting.contains("[never]")
    }()
}
