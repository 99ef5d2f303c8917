import Glibc

/// A program as a user without privileges, whose locked memory the system counts.
enum Unprivileged {
    /// The command that turns into it. Every call makes up another user, whom nobody else is: the limit counts what all
    /// processes of a user have locked.
    static func launcher(memlockByteCount: Int) -> [String] {
        let limit = ["prlimit", "--memlock=\(memlockByteCount):\(memlockByteCount)"]
        guard geteuid() == 0 else { return limit }
        let user = Int.random(in: 40_000..<60_000)
        return limit + ["setpriv", "--reuid=\(user)", "--regid=65534", "--clear-groups"]
    }
}
