import Glibc
import Synchronization
import SystemSupport
import ZeroPoolReactor

/// Makes files of directories' listings on threads of their own: io_uring has no operation that reads a directory, and one on
/// a slow disk must not hold a reactor up.
final class DirectoryLister: Sendable {
    /// A file without a name, with the listing in it.
    private struct Listing: Sendable {
        let descriptor: Int32
        let status: FileStatus
    }

    private struct Failure: Error {
        let errno: Int32
    }

    private let showsDotfiles: Bool
    /// The most entries of a listing. It says when there are more.
    private let maxEntryCount: Int
    private let threads = BlockingPool(threadLimit: 1)

    init(showsDotfiles: Bool, maxEntryCount: Int) {
        self.showsDotfiles = showsDotfiles
        self.maxEntryCount = maxEntryCount
    }

    /// The listing of an open directory, as a file of `reactor`.
    nonisolated(nonsending) func list(
        _ directory: File, as format: ListingFormat, on reactor: Reactor
    ) async throws(IOError) -> File {
        // The thread closes its own.
        let descriptor = try directory.duplicate()
        let result = try await threads.run { [self] in outcome(of: descriptor, format) }
        switch result {
        case .success(let listing): return File(listing.descriptor, status: listing.status, of: reactor)
        case .failure(let failure): throw IOError(.block, errno: failure.errno)
        }
    }

    private func outcome(of directory: Int32, _ format: ListingFormat) -> Result<Listing, Failure> {
        do throws(Failure) {
            let (entries, isCut) = try entries(of: directory)
            let text = DirectoryListing(entries: entries, isCut: isCut).text(format)
            return .success(try Self.file(of: text))
        } catch {
            return .failure(error)
        }
    }

    /// What a directory has, in the order of its names, directories first.
    private func entries(of directory: Int32) throws(Failure) -> (entries: [DirectoryListing.Entry], isCut: Bool) {
        guard let stream = unsafe fdopendir(directory) else {
            let errno = errno
            _ = close(directory)
            throw Failure(errno: errno)
        }
        defer { _ = unsafe closedir(stream) }
        var entries: [DirectoryListing.Entry] = []
        var isCut = false
        while let next = unsafe readdir(stream) {
            let name = unsafe Self.name(of: next)
            var status = stat()
            let result = unsafe name.withUnsafeBytes { name in
                unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { text in
                    unsafe UnsafeMutableRawBufferPointer(text).copyMemory(from: name)
                    unsafe text[name.count] = 0
                    return unsafe fstatat(directory, text.baseAddress!, &status, AT_SYMLINK_NOFOLLOW)
                }
            }
            // It is gone by now.
            guard result == 0,
                let entry = DirectoryListing.Entry(name: name, status: status, showsDotfiles: showsDotfiles)
            else { continue }
            guard entries.count < maxEntryCount else {
                isCut = true
                break
            }
            entries.append(entry)
        }
        entries.sort { $0.precedes($1) }
        return (entries, isCut)
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe Array(bytes.prefix { $0 != 0 })
        }
    }

    private static let nameCount = Atomic<Int>(0)

    /// A file in memory, without a name.
    private static func file(of text: String) throws(Failure) -> Listing {
        let name = "/pooled-echo-\(getpid())-\(nameCount.add(1, ordering: .relaxed).newValue)"
        let descriptor = unsafe shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        _ = unsafe shm_unlink(name)
        let text = Array(text.utf8)
        var offset = 0
        while offset < text.count {
            let count = unsafe text.withUnsafeBytes { bytes in
                unsafe write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            }
            guard count > 0 else {
                let errno = errno
                _ = close(descriptor)
                throw Failure(errno: errno)
            }
            offset += count
        }
        let never = FileStatus.Time(seconds: 0)
        return Listing(
            descriptor: descriptor,
            status: FileStatus(kind: .regular, byteCount: text.count, number: 0, modified: never, changed: never))
    }
}
