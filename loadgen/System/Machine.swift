import Glibc
import ZeroPool

/// The machine on which something was measured, as a report names it.
struct Machine: Encodable, Sendable {
    let processor: String
    let processorCount: Int
    let memoryByteCount: Int
    /// `Linux 6.18 x86_64`.
    let system: String
    let cLibrary: String
    /// The file name of the mimalloc that was preloaded; nil where none is installed.
    let mimalloc: String?
    let placement: Placement

    init(placement: Placement) {
        self.placement = placement
        let information = FileSystem.contents(ofKernelFile: "/proc/cpuinfo") ?? ""
        processor = Self.model(in: information) ?? "unknown processor"
        processorCount = ProcessBudget.allowedProcessors.count
        memoryByteCount = ProcessBudget.memoryByteCount
        var names = utsname()
        unsafe uname(&names)
        // The release as far as it says what the kernel can.
        let release = Self.text(names.release).split(separator: ".").prefix(2).joined(separator: ".")
        system = "\(Self.text(names.sysname)) \(release) \(Self.text(names.machine))"
        cLibrary = Self.cLibrary
        mimalloc = Mimalloc.version
    }

    /// One line: `AMD EPYC, 2 processors, 23 GiB, Linux 6.18 x86_64, glibc 2.36, libmimalloc.so.2.0`.
    var text: String {
        [
            processor, Format.count(processorCount, "processor"),
            "\(Format.grouped(Double(memoryByteCount) / 1_073_741_824)) GiB", system, cLibrary,
            mimalloc ?? "no mimalloc",
        ].joined(separator: ", ")
    }

    static func model(in information: String) -> String? {
        let line = information.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").dropFirst().first.map { $0.drop { $0 == " " } }.map(String.init)
    }

    /// `glibc 2.36`.
    private static var cLibrary: String {
        var name = [CChar](repeating: 0, count: 64)
        guard unsafe confstr(Int32(_CS_GNU_LIBC_VERSION), &name, name.count) > 0 else { return "unknown C library" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A field of `utsname`.
    private static func text<Field>(_ field: Field) -> String {
        unsafe withUnsafeBytes(of: field) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
