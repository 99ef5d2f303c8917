import CAllocatorWorker
import COpaque
import Glibc

/// Which library this process's `malloc` is of, so that a comparison cannot compare the same thing twice.
struct LoadedAllocator {
    /// The file that the symbol `malloc` stands in.
    let path: String
    /// As the library tells it; empty when it has no way to.
    let version: String
    /// Whether a block that was just allocated shows in the library's own account; nil when it keeps none to ask.
    let isUsed: Bool?

    init() {
        path = LoadedAllocator.file(of: "malloc")
        if let symbol = unsafe dlsym(nil, "mi_version") {
            let version = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)()
            self.version = "\(version / 100).\(version / 10 % 10).\(version % 10)"
            isUsed = LoadedAllocator.isKnownToMimalloc()
        } else if unsafe dlsym(nil, "mallctl") != nil {
            version = LoadedAllocator.jemallocVersion
            let before = LoadedAllocator.jemallocByteCount
            let block = unsafe LoadedAllocator.block()
            isUsed = LoadedAllocator.jemallocByteCount >= before + 65536
            unsafe free(block)
        } else {
            version = unsafe String(cString: libc_version())
            isUsed = nil
        }
    }

    var json: String {
        "{\"path\": \"\(path)\", \"version\": \"\(version)\", \"isUsed\": \(isUsed.map { "\($0)" } ?? "null")}"
    }

    private static func file(of symbol: String) -> String {
        unsafe file_of_symbol(symbol).map { unsafe String(cString: $0) } ?? ""
    }

    /// Fresh memory of 64 KiB; the compiler, which may leave out an allocation that nobody uses, takes it for used.
    private static func block() -> UnsafeMutableRawPointer {
        let block = unsafe malloc(65536)!
        unsafe opaque_use(block)
        return unsafe block
    }

    private static func isKnownToMimalloc() -> Bool {
        guard let symbol = unsafe dlsym(nil, "mi_is_in_heap_region") else { return false }
        let isInHeapRegion = unsafe unsafeBitCast(symbol, to: (@convention(c) (UnsafeRawPointer?) -> Bool).self)
        let block = unsafe block()
        defer { unsafe free(block) }
        return unsafe isInHeapRegion(block)
    }

    private typealias Mallctl =
        @convention(c) (
            UnsafePointer<CChar>, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?, UnsafeMutableRawPointer?, Int
        ) -> Int32

    /// What jemalloc answers to `name`; `initial` when it does not know it.
    private static func jemallocValue<Value: BitwiseCopyable>(_ name: String, initial: Value) -> Value {
        let mallctl = unsafe unsafeBitCast(dlsym(nil, "mallctl"), to: Mallctl.self)
        var value = initial
        var byteCount = MemoryLayout<Value>.size
        _ = unsafe mallctl(name, &value, &byteCount, nil, 0)
        return value
    }

    private static var jemallocByteCount: UInt64 { jemallocValue("thread.allocated", initial: 0) }

    private static var jemallocVersion: String {
        guard let text = unsafe jemallocValue("version", initial: nil as UnsafePointer<CChar>?) else { return "" }
        return unsafe String(cString: text).split(separator: "-").first.map(String.init) ?? ""
    }
}
