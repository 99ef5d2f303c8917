import FoundationEssentials
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

/// What the system says about where files are.
enum FileSystem {
    /// The kind of the file system that a folder is on, as it was mounted: `ext4`, `tmpfs`; nil where none is told.
    static func kind(ofFolder path: String) -> String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0,
            let mounts = contents(ofKernelFile: "/proc/self/mountinfo")
        else { return nil }
        // As gnu_dev_major and gnu_dev_minor have it, which are not imported.
        let device = status.st_dev
        let major = device >> 8 & 0xfff | device >> 32 & ~0xfff
        let minor = device & 0xff | device >> 12 & ~0xff
        return kind(ofDevice: "\(major):\(minor)", in: mounts)
    }

    /// All of a file that the kernel makes while it is read; nil where there is none.
    ///
    /// Such a file has no length, and a read may be short before its end, which Foundation takes for the end.
    static func contents(ofKernelFile path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &part, part.count)
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes += part[..<count]
        }
    }

    /// The kernel's list: the third field of a line is the device, the first after a lone hyphen the kind.
    static func kind(ofDevice device: String, in mounts: String) -> String? {
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == device, let hyphen = fields.firstIndex(of: "-") else { continue }
            return fields.dropFirst(hyphen + 1).first.map { String($0) }
        }
        return nil
    }
}
