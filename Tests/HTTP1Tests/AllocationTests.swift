import Foundation
import Testing

@testable import HTTP1
import TestSupport

/// What a plain GET costs of the allocator: nothing, from the received bytes to the line in the log.
///
/// The test runs itself again in a process of its own, with a library before the C library that counts allocations.
@Suite("Allocations of HTTP1", .disabled(if: Sanitizer.isActive, "the sanitizers have allocators of their own"))
struct AllocationTests {
    private static let counter = """
        #define _GNU_SOURCE
        #include <stddef.h>
        extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
        extern void *__libc_memalign(size_t, size_t);
        static __thread long count;
        long zeropool_allocation_count(void) { return count; }
        void *malloc(size_t n) { count++; return __libc_malloc(n); }
        void *calloc(size_t n, size_t m) { count++; return __libc_calloc(n, m); }
        void *realloc(void *p, size_t n) { count++; return __libc_realloc(p, n); }
        void *memalign(size_t a, size_t n) { count++; return __libc_memalign(a, n); }
        void *aligned_alloc(size_t a, size_t n) { count++; return __libc_memalign(a, n); }
        int posix_memalign(void **p, size_t a, size_t n) { count++; *p = __libc_memalign(a, n); return *p ? 0 : 12; }
        """

    private typealias Count = @convention(c) () -> Int

    /// Tells the number of allocations of this thread so far; nil where nobody counts.
    private static var allocationCount: Count? {
        dlsym(nil, "zeropool_allocation_count").map { unsafeBitCast($0, to: Count.self) }
    }

    @Test("A plain GET is parsed, decided and answered without an allocation")
    func plainGet() throws {
        guard let allocationCount = Self.allocationCount else { return try Self.runCounted() }
        let exchange = PlainExchange()
        // What is made once is made now.
        #expect(exchange.run())
        var areRight = true
        let start = allocationCount()
        for _ in 0..<100 where !exchange.run() { areRight = false }
        let count = allocationCount() - start
        #expect(areRight)
        print("allocations counted: \(count)")
        // The counter counts.
        let before = allocationCount()
        #expect([UInt8](repeating: 1, count: count + 10).count == count + 10)
        #expect(allocationCount() > before)
    }

    private static func runCounted() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appending(path: "counter.c")
        let library = folder.appending(path: "counter.so")
        try counter.write(to: source, atomically: true, encoding: .utf8)
        _ = try output(of: ["cc", "-shared", "-fPIC", "-fno-builtin", "-O1", "-o", library.path, source.path])
        let text = try output(
            of: CommandLine.arguments.prefix(1) + [
                "--testing-library", "swift-testing", "--filter", "AllocationTests",
            ],
            environment: ["LD_PRELOAD": library.path])
        #expect(text.contains("allocations counted: 0"), "\(text)")
    }

    /// Runs a program to its end, which has to be a good one.
    private static func output(of arguments: [String], environment: [String: String] = [:]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = environment.map { "\($0)=\($1)" } + ["timeout", "60"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(text)")
        return text
    }
}

/// A request and all that is made of it, in memory that is there already.
private final class PlainExchange {
    private let request = Array(
        """
        GET /files/a%20b.html?x=1 HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: test/1.0\r\nAccept: */*\r
        Accept-Encoding: gzip, br\r\nConnection: keep-alive\r\nIf-None-Match: "1-2-3"\r\nRange: bytes=0-99\r\n\r\n
        """.utf8)
    private let client = Array("127.0.0.1".utf8)
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 16)
    private let now = HTTPDate(secondsSinceEpoch: 1_700_000_000)

    deinit { memory.deallocate() }

    /// - Returns: Whether it went as it should.
    func run() -> Bool {
        var output = OutputRawSpan(buffer: memory, initializedCount: 0)
        // Spans are of variables that nobody else can change.
        let (request, client) = (request, client)
        let bytes = request.span.bytes
        var parser = RequestParser()
        guard case .head(let head) = parser.parse(bytes) else { return false }
        let path = RequestPath.append(decoding: bytes.extracting(head.path), to: &output)
        guard case .decoded = path else { return false }
        let type = ContentType(ofFile: output.bytes)
        let file = Representation(length: 1000, entityTag: EntityTag(9, 9, 9), lastModified: now)
        guard case .part(let part) = head.decision(in: bytes, for: file, now: now) else {
            return false
        }
        var response = ResponseHead(.partialContent)
        response.date = HTTPDate.Text(now)
        response.contentType = type
        response.contentLength = part.count
        response.contentRange = .part(part, of: file.length)
        response.entityTag = file.entityTag
        response.lastModified = file.lastModified
        return response.append(to: &output)
            && CommonLog.append(
                client: client.span.bytes, date: now, requestLine: bytes.extracting(head.requestLine),
                status: response.status, bodyByteCount: part.count, to: &output)
    }
}
