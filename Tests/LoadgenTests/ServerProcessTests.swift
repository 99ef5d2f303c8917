import FoundationEssentials
import Glibc
import Testing

@testable import loadgen

/// Children that are real processes: small shell programs.
@Suite("Server as a child")
struct ServerProcessTests {
    private func start(_ script: String) throws -> ServerProcess {
        try ServerProcess(path: "/bin/sh", arguments: ["-c", script])
    }

    @Test("It is ready when it says where it listens, and ends when it is asked to")
    func readyAndStop() throws {
        let server = try start(
            """
            echo preparing; echo 'listening on 127.0.0.1:7777 (1 reactor)'
            trap 'echo last words; exit 0' TERM
            while :; do sleep 0.01; done
            """)
        #expect(try server.waitUntilReady(timeoutSeconds: 5) == Endpoint(host: "127.0.0.1", port: 7777))
        #expect(server.stop(timeoutSeconds: 5) == .exited(0))
        #expect(server.standardOutput.hasSuffix("\nlast words\n"))
    }

    @Test("A half-written line is not taken for the endpoint")
    func halfLine() {
        #expect(ServerProcess.readyEndpoint(in: "listening on 127.0.0.1:77") == nil)
        #expect(ServerProcess.readyEndpoint(in: "listening on [::1]:7777\n") == Endpoint(host: "::1", port: 7777))
        #expect(ServerProcess.readyEndpoint(in: "x listening on 127.0.0.1:7777\n") == nil)
    }

    @Test("Its exit status tells what happened")
    func exitStatus() throws {
        let server = try start("trap 'exit 3' TERM; echo 'listening on 127.0.0.1:1'; while :; do sleep 0.01; done")
        _ = try server.waitUntilReady(timeoutSeconds: 5)
        #expect(server.stop(timeoutSeconds: 5) == .exited(3))
        #expect(server.stop(timeoutSeconds: 5) == .exited(3))
    }

    @Test("One that ends before it is ready is an error that shows what it said")
    func endsEarly() throws {
        let server = try start("echo 'port 7777 is in use' >&2; exit 1")
        let error = #expect(throws: ServerError.self) { try server.waitUntilReady(timeoutSeconds: 5) }
        #expect(error == .notReady(reason: "it ended with exit status 1", output: "port 7777 is in use\n"))
    }

    @Test("One that never gets ready is an error after the time")
    func neverReady() throws {
        let server = try start("exec sleep 30")
        #expect(throws: ServerError.self) { try server.waitUntilReady(timeoutSeconds: 0.1) }
        #expect(server.stop(timeoutSeconds: 5) == .signalled(SIGTERM))
    }

    @Test("One that ignores the request to end is killed")
    func killed() throws {
        let server = try start("trap '' TERM; echo 'listening on 127.0.0.1:1'; while :; do sleep 0.01; done")
        _ = try server.waitUntilReady(timeoutSeconds: 5)
        #expect(server.stop(timeoutSeconds: 0.1) == .killed)
        #expect(kill(server.id, 0) == -1)
    }

    @Test("A forgotten server does not outlive its value")
    func endsWithItsValue() throws {
        let id = try start("exec sleep 30").id
        #expect(kill(id, 0) == -1)
    }

    @Test("A program that is not there is an error that names it")
    func notFound() {
        let error = #expect(throws: ServerError.self) {
            try ServerProcess(path: "/no/such/pooled-echo", arguments: [])
        }
        #expect(error == .notFound(path: "/no/such/pooled-echo"))
        #expect(error?.description.contains("/no/such/pooled-echo") == true)
    }

    @Test("It never waits for a reader of what it prints")
    func manyLines() throws {
        let server = try start(
            """
            i=0; while [ $i -lt 20000 ]; do echo 'a line of some length, to fill any pipe'; i=$((i+1)); done
            echo 'listening on 127.0.0.1:5'; exec sleep 30
            """)
        #expect(try server.waitUntilReady(timeoutSeconds: 20).port == 5)
    }

    @Test("CPU time and peak memory are those of the child, at their highest")
    func resources() throws {
        let server = try ServerProcess(
            path: "/usr/bin/env",
            arguments: [
                "python3", "-c",
                """
                import time
                memory = bytearray(b'x' * (64 << 20))
                del memory
                print('listening on 127.0.0.1:5', flush=True)
                time.sleep(30)
                """,
            ])
        let before = try #require(Clock.processorNanoseconds(ofProcess: server.id))
        _ = try server.waitUntilReady(timeoutSeconds: 20)
        let after = try #require(Clock.processorNanoseconds(ofProcess: server.id))
        #expect(after - before > 1_000_000)
        let peak = try #require(server.peakResidentByteCount)
        #expect((64 << 20..<512 << 20).contains(peak))
        _ = server.stop(timeoutSeconds: 5)
        #expect(server.peakResidentByteCount == nil)
        #expect(Clock.processorNanoseconds(ofProcess: server.id) == nil)
    }

    @Test("Statistics are the last line; further keys are allowed, missing or broken ones are an error")
    func statistics() throws {
        let line = """
            {"buffers":"registered","reactors":1,"connections":{"accepted":2,"refused":0,"cut":1,"later":5},\
            "bytes":{"received":10,"sent":9},"operations":{"recv":3,"write_fixed":4},"registeredByteCount":2097152,\
            "fixedBufferOperations":4,"zeroCopySends":{"count":1,"copied":1},"pool":{"gets":{"cache":1}},"new":[1]}
            """
        let statistics = try ServerStatistics.read(fromOutput: "listening on x:1\n\(line)\n\n")
        #expect(statistics.connections == .init(accepted: 2, refused: 0, cut: 1))
        #expect(statistics.bytes == .init(received: 10, sent: 9))
        #expect(statistics.operations == ["recv": 3, "write_fixed": 4])
        #expect(statistics.registeredByteCount == 2_097_152 && statistics.fixedBufferOperations == 4)
        #expect(statistics.zeroCopySends == .init(count: 1, copied: 1))
        #expect(throws: ServerError.self) { try ServerStatistics.read(fromOutput: "") }
        #expect(throws: ServerError.self) { try ServerStatistics.read(fromOutput: "bye\n") }
        #expect(throws: ServerError.self) { try ServerStatistics.read(fromOutput: "{\"buffers\":\"malloc\"}\n") }
    }
}
