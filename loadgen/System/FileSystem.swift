import FoundationEssentials
import Glibc

/// What the system says about where files are.
enum FileSystem {
    /// The kind of the file system that a folder is on, as it was mounted: `ext4`, `tmpfs`; nil where none is told.
    static func kind(ofFolder path: String) -> String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0,
            let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        else { return nil }
        // As gnu_dev_major and gnu_dev_minor have it, which are not imported.
        let device = status.st_dev
        let major = device >> 8 & 0xfff | device >> 32 & ~0xfff
        let minor = device & 0xff | device >> 12 & ~0xff
        return kind(ofDevice: "\(major):\(minor)", in: mounts)
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
