import FoundationEssentials
import Glibc
import SystemSupport
import Testing
import ZeroPoolURing

@testable import loadgen

/// Where a test has files that can be cold.
enum Disk {
    /// Whether the folder that the system has for such files lets a file go from the page cache.
    static let isAvailable: Bool = {
        let fileCase = FileCase(connections: 1, fileByteCount: 4096, pageCache: .cold)
        guard let folder = try? ServedFolder(for: [fileCase], in: nil) else { return false }
        defer { folder.remove() }
        return (try? folder.file(for: fileCase).makeCold()) == 0
    }()

    /// Whether that folder is on a device that the kernel counts the reads of: an anonymous one has no major number.
    static let isBlockDevice: Bool = {
        var status = stat()
        return stat(FileManager.default.temporaryDirectory.path(percentEncoded: false), &status) == 0
            && status.st_dev >> 8 & 0xfff != 0
    }()
}

@Suite("Files that are served for a comparison")
struct ServedFolderTests {
    private static let small = FileCase(connections: 2, fileByteCount: 4096, pageCache: .hot)
    private static let large = FileCase(connections: 1, fileByteCount: 3 << 20 | 5, pageCache: .cold)

    private func withFolder(in parent: String? = nil, _ body: (ServedFolder) throws -> Void) throws {
        let folder = try ServedFolder(for: [Self.small, Self.large], in: parent)
        defer { folder.remove() }
        try body(folder)
    }

    @Test("They are what every body is compared with, byte for byte, and no two begin alike")
    func content() throws {
        try withFolder { folder in
            let all = try [Self.small, Self.large].map { fileCase in
                let file = folder.file(for: fileCase)
                let bytes = try [UInt8](Data(contentsOf: URL(filePath: file.path)))
                #expect(bytes.count == fileCase.fileByteCount && file.body.byteCount == bytes.count)
                let difference = file.body.firstDifference(from: bytes.span.bytes, at: 0)
                #expect(difference == nil)
                return bytes
            }
            #expect(all[0] != Array(all[1].prefix(all[0].count)))
        }
    }

    @Test("A body that differs from them differs where it does, at any offset")
    func difference() throws {
        let body = ReferenceBody(patternStream: 3, byteCount: 2 << 20)
        let start = BytePattern.period - 10
        var bytes = (0..<100).map { offset in
            BytePattern.shared.run(connection: 3, offset: start + offset, byteCount: 1)[0]
        }
        let same = body.firstDifference(from: bytes.span.bytes, at: start)
        let shifted = body.firstDifference(from: bytes.span.bytes, at: start + 1)
        #expect(same == nil && shifted?.offset == 0)
        bytes[42] ^= 1
        let difference = body.firstDifference(from: bytes.span.bytes, at: start)
        let found = try #require(difference)
        #expect(found.offset == 42 && found.received == bytes[42] && found.expected == bytes[42] ^ 1)
    }

    @Test(
        "A cold file is out of the page cache and a hot one in it, by another call's word too",
        .enabled(if: Disk.isAvailable, "no disk for temporary files"))
    func pageCache() throws {
        try withFolder { folder in
            let file = folder.file(for: Self.large)
            let descriptor = open(file.path, O_RDONLY)
            defer { close(descriptor) }
            func resident() -> Int? {
                PageCache.residentByteCount(of: descriptor, offset: 0, count: file.byteCount)
            }
            #expect(try file.residentByteCount() == file.byteCount)
            #expect(try file.makeCold() == 0)
            #expect(resident() == 0 || resident() == nil)
            #expect(try file.makeHot() == file.byteCount)
            #expect(resident() == file.byteCount || resident() == nil)
            try file.dropFromPageCache()
            #expect(try file.residentByteCount() == 0)
        }
    }

    @Test(
        "A file in a folder in memory is not called cold, and it is said why",
        .enabled(if: ServedFolder.isInMemory("/dev/shm"), "no folder in memory"))
    func inMemory() throws {
        try withFolder(in: "/dev/shm") { folder in
            let error = #expect(throws: PageCacheError.self) { try folder.file(for: Self.large).makeCold() }
            #expect(
                error?.description == """
                    not cold: 3.0 MiB of the file stay in the page cache: its folder is in memory; choose a folder on a disk \
                    with --folder
                    """)
        }
    }

    @Test("The kernel's list of mounts says what a device is, whatever else its lines have")
    func mounts() {
        let mounts = """
            21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
            31 25 0:26 / /dev/shm rw - tmpfs tmpfs rw,size=64k
            32 25 0:27 /a\\040b /x rw master:1 shared:2 - ramfs none rw

            """
        #expect(FileSystem.kind(ofDevice: "254:0", in: mounts) == "ext4")
        #expect(FileSystem.kind(ofDevice: "0:26", in: mounts) == "tmpfs")
        #expect(FileSystem.kind(ofDevice: "0:27", in: mounts) == "ramfs")
        #expect(FileSystem.kind(ofDevice: "0:2", in: mounts) == nil)
        #expect(FileSystem.kind(ofFolder: "/proc") == "proc" && FileSystem.kind(ofFolder: "/no/such") == nil)
    }

    @Test("A folder that can't be made is an error that names where")
    func cannotMake() {
        let error = #expect(throws: SystemError.self) { try withFolder(in: "/no/such/folder") { _ in } }
        #expect(error == SystemError("a folder in /no/such/folder", errno: ENOENT))
    }

    @Test("When it is removed nothing is left")
    func removed() throws {
        let parent = FileManager.default.temporaryDirectory.appending(path: "served-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: parent) }
        func entries(_ path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path) }
        try withFolder(in: parent.path(percentEncoded: false)) { folder in
            let count = try entries(folder.path).count
            #expect(count == 2)
        }
        #expect(try entries(parent.path(percentEncoded: false)).isEmpty)
    }
}
