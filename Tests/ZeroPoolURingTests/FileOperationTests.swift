import TestSupport
import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@Suite("Files by name")
struct FileOperationTests {
    /// A folder with a few files of every kind, and a ring to look at them with.
    private final class Folder {
        private let folder: TemporaryFolder
        var path: String { folder.path }
        let descriptor: Int32
        let ring: Ring
        let pool = BufferPool()
        let ringPool: RingPool

        init() throws {
            folder = try TemporaryFolder()
            descriptor = try check("open", Glibc.open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
            ring = try Ring()
            ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            try check("mkdir", mkdirat(descriptor, "inner", 0o755))
            try write("hello", to: "inner/file")
            try check("mkfifo", mkfifoat(descriptor, "pipe", 0o644))
            try check("symlink", symlinkat("inner/file", descriptor, "link"))
            try check("symlink", symlinkat("/etc/passwd", descriptor, "absolute"))
            try check("symlink", symlinkat("../..", descriptor, "out"))
            try check("symlink", symlinkat("/proc/self/exe", descriptor, "magic"))
        }

        deinit { close(descriptor) }

        func write(_ text: String, to name: String) throws {
            let file = try check("openat", openat(descriptor, name, O_WRONLY | O_CREAT, 0o644))
            defer { close(file) }
            try writeAll(text, to: file)
        }

        /// What an open brings: a descriptor or a negative `errno`.
        func open(_ path: String, flags: Int32 = O_RDONLY, mode: UInt32 = 0) throws -> Int32 {
            ringPool.open(
                path: Array(path.utf8).span.bytes, from: descriptor,
                flags: UInt64(flags | O_NONBLOCK | O_CLOEXEC), mode: mode, resolution: [.beneath, .noMagicLinks],
                context: 3)
            return try result(3)
        }

        /// The result of the one operation that is under way.
        func result(_ context: UInt64) throws -> Int32 {
            guard let completed = ringPool.complete(try ring.reapOne()) else { throw NotOurs() }
            #expect(completed.context == context)
            #expect(completed.fileStatus == nil)
            #expect(completed.descriptor == (completed.result < 0 ? nil : completed.result))
            #expect(ringPool.inFlightCount == 0)
            return completed.result
        }

        func status(of file: Int32) throws -> FileStatus {
            ringPool.status(of: file, context: 4)
            guard let completed = ringPool.complete(try ring.reapOne()), let status = completed.fileStatus else {
                throw NotOurs()
            }
            #expect(completed.result == 0 && completed.context == 4)
            return status
        }

        func bytes(_ path: String) -> [UInt8] { Array(path.utf8) }
    }

    @Test(
        "a file beneath a directory is opened, also through a link that stays within",
        arguments: ["inner/file", "link"])
    func opens(path: String) throws {
        let folder = try Folder()
        let file = try check("openat2", folder.open(path))
        defer { close(file) }
        #expect(try readText(from: file) == "hello")
        #expect(fcntl(file, F_GETFD) & FD_CLOEXEC != 0)
        #expect(folder.ring.operationCount(of: .openAt2) == 1)
    }

    @Test(
        "nothing outside the directory is opened",
        arguments: [
            ("..", EXDEV), ("inner/../../etc", EXDEV), ("/etc/passwd", EXDEV), ("absolute", EXDEV), ("out", EXDEV),
            ("magic", EXDEV), ("absent", ENOENT), ("inner/file/x", ENOTDIR), ("", ENOENT),
        ])
    func refuses(path: String, errno: Int32) throws {
        #expect(try Folder().open(path) == -errno)
    }

    @Test("a status says what stat says, of every kind of file")
    func status() throws {
        let folder = try Folder()
        for (path, kind) in [("inner/file", FileStatus.Kind.regular), ("inner", .directory), ("pipe", .other)] {
            // Opening a pipe to read from would block without `O_NONBLOCK`.
            let file = try check("openat2", folder.open(path))
            defer { close(file) }
            var expected = stat()
            try check("fstat", fstat(file, &expected))
            let status = try folder.status(of: file)
            #expect(status.kind == kind)
            #expect(status.byteCount == expected.st_size)
            #expect(status.number == expected.st_ino)
            #expect(status.modified.seconds == expected.st_mtim.tv_sec)
            #expect(Int(status.modified.nanoseconds) == expected.st_mtim.tv_nsec)
            #expect(status.changed.seconds == expected.st_ctim.tv_sec)
            #expect(Int(status.changed.nanoseconds) == expected.st_ctim.tv_nsec)
        }
    }

    @Test("a change of a file shows in its status, through the same descriptor")
    func change() throws {
        let folder = try Folder()
        let file = try check("openat2", folder.open("inner/file"))
        defer { close(file) }
        let before = try folder.status(of: file)
        // Past the grain of the file system's clock.
        usleep(20_000)
        try folder.write("HELLO", to: "inner/file")
        let after = try folder.status(of: file)
        #expect(after.byteCount == before.byteCount && after.number == before.number)
        #expect(after.modified != before.modified && after.changed != before.changed)
    }

    @Test("a descriptor that is none has no status")
    func noStatus() throws {
        let folder = try Folder()
        folder.ringPool.status(of: -1, context: 0)
        #expect(try folder.result(0) == -EBADF)
    }

    @Test("a path longer than the kernel takes is refused by it, and no memory is asked for it")
    func longPath() throws {
        let folder = try Folder()
        for byteCount in [4095, 4096, 4097, 100_000] {
            #expect(
                try folder.open(String(repeating: "./", count: byteCount).prefix(byteCount - 1) + "x")
                    == (byteCount < 4096 ? -ENOENT : -ENAMETOOLONG))
        }
    }

    @Test("a path with a zero byte traps")
    func zeroByte() async {
        await #expect(processExitsWith: trap) { _ = try Folder().open("inner\0/file") }
    }

    @Test("the caller's bytes may change as soon as an operation is prepared")
    func pathIsCopied() throws {
        let folder = try Folder()
        var path = folder.bytes("inner/file")
        folder.ringPool.open(path: path.span.bytes, from: folder.descriptor, flags: UInt64(O_RDONLY), context: 5)
        for index in path.indices { path[index] = UInt8(ascii: "x") }
        close(try check("openat2", folder.result(5)))
    }

    @Test("names are made, renamed and removed, and a file is created, written, synced and closed")
    func names() throws {
        let folder = try Folder()
        func run(_ prepare: (UInt64) -> UInt64) throws -> Int32 {
            _ = prepare(9)
            return try folder.result(9)
        }
        let root = folder.descriptor
        #expect(
            try run {
                folder.ringPool.makeDirectory(path: folder.bytes("new").span.bytes, in: root, mode: 0o700, context: $0)
            }
                == 0)
        #expect(
            try run { folder.ringPool.makeDirectory(path: folder.bytes("new").span.bytes, in: root, context: $0) }
                == -EEXIST)
        let file = try check("openat2", folder.open("new/file", flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600))
        var lease = folder.pool.get(4096)
        lease.append(copying: folder.bytes("content").span.bytes)
        folder.ringPool.write(lease, to: .file(file), offset: 0, context: 8)
        #expect(try folder.result(8) == 7)
        #expect(try run { folder.ringPool.sync(.file(file), context: $0) } == 0)
        #expect(try run { folder.ringPool.sync(.file(file), isDataOnly: true, context: $0) } == 0)
        #expect(try folder.status(of: file).byteCount == 7)
        #expect(try run { folder.ringPool.close(.file(file), context: $0) } == 0)
        #expect(fcntl(file, F_GETFD) == -1)
        #expect(
            try run {
                folder.ringPool.rename(
                    path: folder.bytes("new/file").span.bytes, in: root, to: folder.bytes("moved").span.bytes, in: root,
                    context: $0)
            } == 0)
        #expect(access("\(folder.path)/moved", F_OK) == 0)
        #expect(try run { folder.ringPool.unlink(path: folder.bytes("moved").span.bytes, in: root, context: $0) } == 0)
        #expect(
            try run { folder.ringPool.unlink(path: folder.bytes("new").span.bytes, in: root, context: $0) } == -EISDIR)
        #expect(
            try run {
                folder.ringPool.unlink(path: folder.bytes("new").span.bytes, in: root, isDirectory: true, context: $0)
            }
                == 0)
        #expect(access("\(folder.path)/new", F_OK) == -1)
    }

    @Test("a socket connects to an address that the caller forgets, and fails where nobody listens")
    func connects() throws {
        let ring = try Ring()
        let ringPool = try RingPool(ring: ring, pool: BufferPool(), shard: 0, registersBuffers: false)
        let listener = try LoopbackListener()
        func connect(_ address: sockaddr_in) throws -> Int32 {
            let client = try check("socket", socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
            defer { close(client) }
            withUnsafeBytes(of: address) { _ = ringPool.connect(.file(client), to: $0.bytes, context: 6) }
            return try ringPool.reapOne(from: ring).result
        }
        #expect(try connect(listener.address) == 0)
        var nobody = listener.address
        nobody.sin_port = 0
        #expect(try connect(nobody) < 0)
    }

    @Test("the pool's end closes what an open brought that nobody took")
    func openAtTheEnd() async {
        // In a process of its own, where nobody else opens descriptors.
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            let next = dup(0)
            close(next)
            folder.ringPool.open(
                path: folder.bytes("inner/file").span.bytes, from: folder.descriptor, flags: UInt64(O_RDONLY),
                context: 0)
            try folder.ring.submit()
            folder.ringPool.close()
            let after = dup(0)
            try #require(after == next)
            close(after)
        }
    }
}
