import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@Suite("Files by name")
struct FileOperationTests {
    /// A folder with a few files of every kind, and a ring to look at them with.
    private final class Folder {
        let path: String
        let descriptor: Int32
        let ring: Ring
        let pool = BufferPool()
        let ringPool: RingPool

        init() throws {
            var name = Array("/tmp/zeropool-folder-XXXXXX".utf8CString)
            path = try #require(mkdtemp(&name).map { String(cString: $0) })
            descriptor = try check("open", Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
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

        deinit {
            close(descriptor)
            for name in ["inner/file", "pipe", "link", "absolute", "out", "magic"] { unlink("\(path)/\(name)") }
            rmdir("\(path)/inner")
            rmdir(path)
        }

        func write(_ text: String, to name: String) throws {
            let file = try check("openat", openat(descriptor, name, O_WRONLY | O_CREAT, 0o644))
            defer { close(file) }
            try writeAll(text, to: file)
        }

        func lease(_ text: String) -> PooledBuffer {
            var lease = pool.get(4096)
            lease.append(copying: Array(text.utf8).span.bytes)
            return lease
        }

        /// What an open brings: a descriptor or a negative `errno`.
        func open(_ path: String) throws -> Int32 {
            ringPool.open(
                lease(path), from: descriptor, flags: UInt64(O_RDONLY | O_NONBLOCK | O_CLOEXEC),
                resolution: [.beneath, .noMagicLinks], context: 3)
            let outcome = try ringPool.reapOne(from: ring)
            #expect(outcome.context == 3)
            #expect(outcome.text == path)
            return outcome.result
        }

        func status(of file: Int32) throws -> FileStatus {
            ringPool.status(of: file, into: lease("kept"), context: 4)
            guard var completed = ringPool.complete(try ring.reapOne()), let lease = completed.lease.take() else {
                throw NotOurs()
            }
            #expect(completed.result == 0 && completed.context == 4)
            #expect(Array(copying: lease) == Array("kept".utf8))
            return FileStatus(of: lease)
        }
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
        folder.ringPool.status(of: -1, into: folder.lease(""), context: 0)
        #expect(try folder.ringPool.reapOne(from: folder.ring).result == -EBADF)
    }

    @Test("a lease without room for the operation traps")
    func noRoom() async {
        await #expect(processExitsWith: trap) {
            let folder = try Folder()
            var lease = folder.pool.get(4096)
            lease.append { $0.append(repeating: 65, count: 3800, as: UInt8.self) }
            folder.ringPool.status(of: 0, into: lease, context: 0)
        }
    }
}
