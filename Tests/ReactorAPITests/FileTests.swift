import FoundationEssentials
import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Files")
    struct FileTests {
        @Test("What is written at offsets is read at offsets, behind what a lease already has")
        func readAndWrite() async throws {
            let folder = try TemporaryFolder()
            try await onReactor { reactor in
                let file = try await reactor.open("new", beneath: folder.directory, [.read, .write, .create])
                #expect(file.status.byteCount == 0 && file.status.kind == .regular)
                let bytes = pattern(200_000)
                for start in stride(from: 0, to: bytes.count, by: 50_000) {
                    let lease = try await file.write(
                        reactor.pool.lease(bytes), range: start..<start + 50_000, at: start)
                    #expect(lease.count == bytes.count)
                }
                #expect(try await file.currentStatus().byteCount == 200_000)
                var buffer = reactor.pool.lease([1, 2, 3])
                buffer = try await file.read(into: buffer, byteCount: 100, at: 150_000)
                #expect(Array(copying: buffer) == [1, 2, 3] + bytes[150_000..<150_100])
                // Short at the end, and empty beyond it.
                var rest = try await reactor.buffer(byteCount: 65_536)
                rest = try await file.read(into: rest, at: 190_000)
                #expect(Array(copying: rest) == Array(bytes[190_000...]))
                rest.removeAll()
                rest = try await file.read(into: rest, at: 300_000)
                #expect(rest.count == 0)
                #expect(file.isResident(0..<200_000))
                try await file.sync(dataOnly: true)
                try await file.sync()
            }
            #expect(try folder.contents(of: "new") == pattern(200_000))
        }

        @Test("Many reads and writes of one file are in flight at once")
        func parallel() async throws {
            let folder = try TemporaryFolder()
            let bytes = pattern(64 * 4096)
            try await onReactor { reactor in
                let file = try await reactor.open("blocks", beneath: folder.directory, [.read, .write, .create])
                try await withThrowingTaskGroup { group in
                    for block in 0..<64 {
                        group.addTask {
                            let lease = reactor.pool.lease(Array(bytes[block * 4096..<(block + 1) * 4096]))
                            let back = try await file.write(lease, at: block * 4096)
                            _ = consume back
                            let buffer = try await reactor.buffer(byteCount: 4096)
                            let read = try await file.read(into: buffer, byteCount: 4096, at: block * 4096)
                            #expect(Array(copying: read) == Array(bytes[block * 4096..<(block + 1) * 4096]))
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try folder.contents(of: "blocks") == bytes)
        }

        @Test("A file that is not in the page cache is read with one operation per block")
        func coldRead() async throws {
            let folder = try TemporaryFolder(onDisk: true)
            let bytes = pattern(4 << 20)
            try folder.write(bytes, to: "cold")
            let descriptor = open(folder.path + "/cold", O_RDONLY)
            fsync(descriptor)
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
            let pool = BufferPool()
            let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration())
            let reactor = reactors.reactors[0]
            try await Task(executorPreference: reactor) {
                let file = try await reactor.open("cold", beneath: folder.directory)
                for offset in stride(from: 0, to: bytes.count, by: 1 << 20) {
                    let buffer = try await file.read(into: reactor.buffer(byteCount: 1 << 20), at: offset)
                    #expect(Array(copying: buffer) == Array(bytes[offset..<offset + (1 << 20)]))
                }
            }.value
            reactors.drain()
            let statistics = try await reactors.waitForEnd()
            let readCount = (statistics.operations["read"] ?? 0) + (statistics.operations["read_fixed"] ?? 0)
            // A block that is read in part is read on: never by asking again and again.
            #expect(readCount <= 16, "\(statistics.operations)")
            #expect(pool.leasedBufferCount == 0)
        }

        @Test("Reads and writes past the page cache work where the file system has them")
        func direct() async throws {
            let folder = try TemporaryFolder(onDisk: true)
            try await onReactor { reactor in
                let file: File
                do throws(IOError) {
                    file = try await reactor.open(
                        "direct", beneath: folder.directory, [.read, .write, .create, .direct])
                } catch {
                    // A file system without O_DIRECT says so.
                    expect(error, .open, .system, EINVAL)
                    return
                }
                let bytes = pattern(65_536)
                _ = try await file.write(reactor.pool.lease(bytes), at: 65_536)
                var buffer = try await reactor.buffer(byteCount: 65_536)
                buffer = try await file.read(into: buffer, at: 65_536)
                #expect(Array(copying: buffer) == bytes)
            }
        }

        @Test(
            "No path leads out of the directory, whatever it is asked for",
            arguments: ["../outside", "a/../../outside", "link", "chain/outside", "/etc/hostname", "root/etc/hostname"])
        func escape(path: String) async throws {
            let folder = try TemporaryFolder()
            try folder.write([1], to: "inside/file")
            try folder.write([1], to: "outside")
            let inside = try Directory(path: folder.path + "/inside")
            mkdir(folder.path + "/inside/a", 0o755)
            symlink("../outside", folder.path + "/inside/link")
            symlink("..", folder.path + "/inside/chain")
            symlink("/", folder.path + "/inside/root")
            try await onReactor { reactor in
                expect(
                    await failure { () async throws(IOError) in _ = try await reactor.open(path, beneath: inside) },
                    .open, .system, EXDEV)
                // A link itself is a name in the directory: removing it is no escape.
                if path != "link" {
                    let unlinked = await failure { () async throws(IOError) in
                        try await reactor.unlink(path, in: inside)
                    }
                    expect(unlinked, .unlink, .system, EXDEV)
                    let renamed = await failure { () async throws(IOError) in
                        try await reactor.rename("file", in: inside, to: path)
                    }
                    expect(renamed, .rename, .system, EXDEV)
                    let stolen = await failure { () async throws(IOError) in
                        try await reactor.rename(path, in: inside, to: "stolen")
                    }
                    expect(stolen, .rename, .system, EXDEV)
                    let made = await failure { () async throws(IOError) in
                        try await reactor.makeDirectory(path + ".new", in: inside)
                    }
                    expect(made, .makeDirectory, .system, EXDEV)
                }
            }
            #expect(try folder.contents(of: "outside") == [1] && folder.contents(of: "inside/file") == [1])
        }

        @Test("Names are renamed, replaced, removed and made, also below other directories")
        func names() async throws {
            let folder = try TemporaryFolder()
            try folder.write([1], to: "one")
            try folder.write([2], to: "two")
            try await onReactor { reactor in
                try await reactor.makeDirectory("below", in: folder.directory, mode: 0o700)
                try await reactor.makeDirectory("below/deeper", in: folder.directory)
                try await reactor.rename("one", in: folder.directory, to: "below/deeper/one")
                try await reactor.rename("below/deeper/one", in: folder.directory, to: "two")
                #expect(try folder.contents(of: "two") == [1])
                try await reactor.unlink("two", in: folder.directory)
                try await reactor.unlink("below/deeper", in: folder.directory, isDirectory: true)
                let deeper = try await reactor.open("below", beneath: folder.directory, .directory)
                #expect(deeper.status.kind == .directory)
                try await reactor.unlink("below", in: folder.directory, isDirectory: true)
                expect(
                    await failure { () async throws(IOError) in
                        try await reactor.unlink("two", in: folder.directory)
                    }, .unlink, .system, ENOENT)
                expect(
                    await failure { () async throws(IOError) in
                        try await reactor.rename("two", in: folder.directory, to: "three")
                    }, .rename, .system, ENOENT)
                expect(
                    await failure { () async throws(IOError) in
                        try await reactor.makeDirectory("no/where", in: folder.directory)
                    }, .makeDirectory, .system, ENOENT)
                try await reactor.makeDirectory("twice", in: folder.directory)
                expect(
                    await failure { () async throws(IOError) in
                        try await reactor.makeDirectory("twice", in: folder.directory)
                    }, .makeDirectory, .system, EEXIST)
            }
        }

        @Test("Open options are the kernel's")
        func options() async throws {
            let folder = try TemporaryFolder()
            try folder.write([1, 2, 3], to: "there")
            try await onReactor { reactor in
                func error(_ path: String, _ options: OpenOptions) async -> Int32? {
                    await failure { () async throws(IOError) in
                        _ = try await reactor.open(path, beneath: folder.directory, options)
                    }?.errno
                }
                #expect(await error("there", [.write, .create, .exclusive]) == EEXIST)
                #expect(await error("there", .directory) == ENOTDIR)
                #expect(await error("absent", .read) == ENOENT)
                #expect(await error("", .read) == ENOENT)
                #expect(await error("a\0b", .read) == EINVAL)
                #expect(await error(String(repeating: "x", count: 5000), .read) == ENAMETOOLONG)
                let file = try await reactor.open("there", beneath: folder.directory)
                expect(
                    await failure { () async throws(IOError) in
                        _ = try await file.write(reactor.pool.lease([4]), at: 0)
                    }, .write, .system, EBADF)
                _ = try await reactor.open("there", beneath: folder.directory, [.write, .truncate])
                #expect(try await file.currentStatus().byteCount == 0)
                let made = try await reactor.open("made", beneath: folder.directory, [.write, .create], mode: 0o600)
                _ = made
            }
            var status = stat()
            stat(folder.path + "/made", &status)
            #expect(status.st_mode & 0o777 == 0o600)
        }

        @Test("A pipe without a writer, or with one that is silent, does not hang its reader")
        func pipe() async throws {
            let folder = try TemporaryFolder()
            mkfifo(folder.path + "/pipe", 0o600)
            try await onReactor { reactor in
                let file = try await reactor.open("pipe", beneath: folder.directory)
                #expect(file.status.kind == .other)
                let buffer = try await file.read(into: reactor.buffer(byteCount: 4096), at: 0)
                #expect(buffer.count == 0)
                let writer = open(folder.path + "/pipe", O_WRONLY | O_NONBLOCK)
                defer { close(writer) }
                let error = await failure { () async throws(IOError) in
                    _ = try await file.read(
                        into: reactor.buffer(byteCount: 4096), at: 0,
                        deadline: reactor.deadline(after: .milliseconds(200)))
                }
                #expect(error?.operation == .read && error != nil)
            }
        }

        @Test("A file is closed with its last reference, on any thread")
        func closing() async throws {
            let folder = try TemporaryFolder()
            try folder.write([1], to: "file")
            try await onReactor { reactor in
                let path = folder.path + "/file"
                var files: [File] = []
                for _ in 0..<50 { files.append(try await reactor.open("file", beneath: folder.directory)) }
                #expect(openDescriptorCount(of: path) == 50)
                let box = Box(files.removeLast())
                files.removeAll()
                try await reactor.sleep(for: .milliseconds(10))
                #expect(openDescriptorCount(of: path) == 1)
                // The last reference goes elsewhere.
                await Task.detached { box.value = nil }.value
                #expect(openDescriptorCount(of: path) == 0)
            }
        }

        @Test("Operations with a deadline that has passed don't begin")
        func pastDeadline() async throws {
            let folder = try TemporaryFolder()
            try folder.write([1, 2, 3], to: "file")
            try await onReactor { reactor in
                let directory = folder.directory
                let file = try await reactor.open("file", beneath: directory, [.read, .write])
                let past = reactor.deadline(after: .zero)
                try await reactor.sleep(for: .milliseconds(200))
                let errors = [
                    await failure { () async throws(IOError) in
                        _ = try await reactor.open("new", beneath: directory, [.write, .create], deadline: past)
                    },
                    await failure { () async throws(IOError) in _ = try await file.currentStatus(deadline: past) },
                    await failure { () async throws(IOError) in
                        _ = try await file.read(into: reactor.pool.get(4096), at: 0, deadline: past)
                    },
                    await failure { () async throws(IOError) in
                        _ = try await file.write(reactor.pool.lease([9]), at: 0, deadline: past)
                    },
                    await failure { () async throws(IOError) in try await file.sync(deadline: past) },
                    await failure { () async throws(IOError) in
                        try await reactor.rename("file", in: directory, to: "other", deadline: past)
                    },
                    await failure { () async throws(IOError) in
                        try await reactor.unlink("file", in: directory, deadline: past)
                    },
                    await failure { () async throws(IOError) in
                        try await reactor.makeDirectory("new", in: directory, deadline: past)
                    },
                ]
                #expect(
                    errors.map { $0?.operation } == [
                        .open, .status, .read, .write, .sync, .rename, .unlink, .makeDirectory,
                    ])
                #expect(errors.allSatisfy { $0?.reason == .deadline && $0?.errno == ETIMEDOUT })
            }
            #expect(try folder.contents(of: "file") == [1, 2, 3])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
        }

        @Test("A directory that is none, or is not there, is an error")
        func directories() throws {
            let folder = try TemporaryFolder()
            try folder.write([1], to: "file")
            #expect(throws: IOError(.open, errno: ENOTDIR)) { try Directory(path: folder.path + "/file") }
            #expect(throws: IOError(.open, errno: ENOENT)) { try Directory(path: folder.path + "/absent") }
        }
    }
}

final class Box<Value>: @unchecked Sendable {
    var value: Value?

    init(_ value: Value) { self.value = value }
}

/// A folder that is removed with its value.
final class TemporaryFolder: Sendable {
    let path: String
    let directory: Directory

    /// - Parameter onDisk: where the package is built, which is no memory file system.
    init(onDisk: Bool = false) throws {
        let parent = onDisk ? FileManager.default.currentDirectoryPath + "/.build" : "/tmp"
        path = "\(parent)/zeropool-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        directory = try Directory(path: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let parent = (path + "/" + name).split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(atPath: "/" + parent, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: path + "/" + name, contents: Data(bytes)) else {
            throw SystemError("write")
        }
    }

    func contents(of name: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path + "/" + name) else { throw SystemError("read") }
        return Array(data)
    }
}
