import ZeroPool
import ZeroPoolReactor

/// Copies a file with several blocks in flight: `copy-example FOLDER NAME NEW-NAME`.
///
/// The copy gets its name when all of it is on the disk: nobody sees half a file.
@main
struct Copy {
    static let blockByteCount = 1 << 20
    static let blocksInFlight = 8

    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 3 else { fatalError("usage: copy-example FOLDER NAME NEW-NAME") }
        var configuration = ReactorGroup.Configuration()
        configuration.reactorCount = 1
        let reactors = try ReactorGroup(pool: BufferPool(), configuration: configuration)
        let reactor = reactors.reactors[0]
        let folder = try Directory(path: arguments[0])
        let byteCount = try await Task(executorPreference: reactor) {
            try await copy(arguments[1], to: arguments[2], in: folder, on: reactor)
        }.value
        print("copied \(byteCount) bytes")
        reactors.drain()
        try await reactors.waitForEnd()
    }

    nonisolated(nonsending) static func copy(
        _ name: String, to newName: String, in folder: Directory, on reactor: Reactor
    ) async throws -> Int {
        let source = try await reactor.open(name, beneath: folder)
        let temporary = newName + ".part"
        let copy = try await reactor.open(temporary, beneath: folder, [.write, .create, .truncate])
        do {
            try await copyBlocks(of: source, to: copy)
            try await copy.sync()
            try await reactor.rename(temporary, in: folder, to: newName)
        } catch {
            try? await reactor.unlink(temporary, in: folder)
            throw error
        }
        return source.status.byteCount
    }

    nonisolated(nonsending) static func copyBlocks(of source: File, to copy: File) async throws {
        let offsets = stride(from: 0, to: source.status.byteCount, by: blockByteCount)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, offset) in offsets.enumerated() {
                // As many are in flight; the next begins when one has ended.
                if index >= blocksInFlight { try await group.next() }
                group.addTask {
                    let buffer = try await source.reactor.buffer(byteCount: blockByteCount)
                    let block = try await source.read(into: buffer, byteCount: blockByteCount, at: offset)
                    _ = try await copy.write(block, at: offset)
                }
            }
            for try await _ in group {}
        }
    }
}
