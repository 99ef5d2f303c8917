import Glibc

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
