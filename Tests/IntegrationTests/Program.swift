import TestSupport
import FoundationEssentials
import Glibc

/// Where the programs are that the tests run.
enum Program {
    /// The package's own, which the build has put beside this test program.
    static let pooledEcho = Machine.builtProgram("pooled-echo")
    static let loadgen = Machine.builtProgram("loadgen")

    /// A python program of the folder Peers.
    static func peer(_ name: String) -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers")
        return folder.appending(path: "\(name).py").path(percentEncoded: false)
    }

    /// Whether `PATH` leads to a program of this name.
    static func isPresent(_ name: String) -> Bool {
        let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        return folders.contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    /// Whether the programs under test carry a sanitizer, as this one does: their resident memory says nothing then.
    static let isSanitized = dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil
}
