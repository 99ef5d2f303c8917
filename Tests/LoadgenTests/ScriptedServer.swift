import TestSupport
import FoundationEssentials

/// A program that plays pooled-echo for `loadgen compare`: a python server with the same command line, which leaves the
/// statistics that it is told to leave. Its file goes away with it.
final class ScriptedServer {
    let path: String

    private init(script: String) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "scripted-server-\(UUID().uuidString)")
        path = url.path(percentEncoded: false)
        try Data(script.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    /// An echo server.
    /// - Parameters:
    ///   - operations: a python expression for the operations, given `n` receives in mode `mode`.
    ///   - fixed: likewise for the operations with a registered buffer.
    ///   - fault: a python statement that may alter the received `data` in mode `mode`.
    convenience init(
        operations: String = "{'accept': 1, 'recv': n, 'send': n}", fixed: String = "0", fault: String = "pass",
        reported: String = "mode", exitStatus: Int = 0
    ) throws {
        try self.init(
            script: """
                #!/usr/bin/env python3
                import json, os, signal, socket, sys, threading
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
                options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
                assert sys.argv[1] == 'echo' and options['--reactors'] == '1' and options['--stats'] == 'json', sys.argv
                mode = options['--buffers']
                listener = socket.create_server((options['--host'], int(options['--port'])), backlog=1024)
                n = received = accepted = 0
                def serve(connection):
                    global n, received
                    while data := connection.recv(65536):
                        n += 1
                        received += len(data)
                        \(fault)
                        connection.sendall(data)
                def accept():
                    global accepted
                    while True:
                        connection, _ = listener.accept()
                        accepted += 1
                        threading.Thread(target=serve, args=[connection], daemon=True).start()
                threading.Thread(target=accept, daemon=True).start()
                print('listening on %s:%d' % listener.getsockname()[:2], flush=True)
                signal.sigwait([signal.SIGTERM])
                print(json.dumps({'buffers': \(reported), 'reactors': 1, 'cpus': sorted(os.sched_getaffinity(0)),
                    'connections': {'accepted': accepted, 'refused': 0, 'cut': 0},
                    'bytes': {'received': received, 'sent': received}, 'operations': \(operations),
                    'pool': {'gets': {}}, 'registeredByteCount': 2097152 if mode == 'registered' else 0,
                    'fixedBufferOperations': \(fixed), 'zeroCopySends': {'count': 0, 'copied': 0}}), flush=True)
                os._exit(\(exitStatus))
                """)
    }

    /// A file server, which reads each file anew, through the page cache.
    /// - Parameters:
    ///   - fault: a python statement that may alter the `data` of a file in mode `mode`.
    ///   - files: a python expression for what it says of how it read files, given `n` responses.
    static func ofFiles(
        fault: String = "pass", files: String = "{'reads': n, 'directReads': 0}"
    ) throws -> ScriptedServer {
        try ScriptedServer(
            script: """
                #!/usr/bin/env python3
                import http.server, json, os, signal, sys, threading
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
                options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
                assert sys.argv[1] == 'files' and options['--reactors'] == '1' and options['--stats'] == 'json', sys.argv
                mode, n, sent, lock = options['--buffers'], 0, 0, threading.Lock()
                class Handler(http.server.BaseHTTPRequestHandler):
                    protocol_version = 'HTTP/1.1'
                    disable_nagle_algorithm = True
                    def log_message(self, *_): pass
                    def do_GET(self):
                        global n, sent
                        with open(sys.argv[2] + self.path, 'rb') as file: data = file.read()
                        \(fault)
                        with lock:
                            n += 1
                            sent += len(data)
                        self.send_response(200)
                        self.send_header('Content-Length', str(len(data)))
                        self.end_headers()
                        self.wfile.write(data)
                server = http.server.ThreadingHTTPServer((options['--host'], int(options['--port'])), Handler)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                print('listening on %s:%d' % server.server_address, flush=True)
                signal.sigwait([signal.SIGTERM])
                print(json.dumps({'buffers': mode, 'reactors': 1, 'connections': {'accepted': 1, 'refused': 0, 'cut': 0},
                    'bytes': {'received': 0, 'sent': sent}, 'operations': {'read': n, 'send': n, 'openat2': n},
                    'registeredByteCount': 0, 'fixedBufferOperations': 0, 'zeroCopySends': {'count': 0, 'copied': 0},
                    'files': \(files)}), flush=True)
                os._exit(0)
                """)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
