import Foundation
import Glibc
import Testing

@testable import PooledEcho

@Suite("DirectoryListing")
struct DirectoryListingTests {
    private func entry(_ name: [UInt8], _ mode: mode_t, byteCount: Int = 0) -> DirectoryListing.Entry? {
        var status = stat()
        status.st_mode = mode
        status.st_size = byteCount
        status.st_mtim.tv_sec = 784_111_777
        return DirectoryListing.Entry(name: name, status: status)
    }

    private func listing(_ names: [String]) -> DirectoryListing {
        DirectoryListing(entries: names.compactMap { entry(Array($0.utf8), S_IFREG) }, isCut: false)
    }

    private func html(_ names: [String]) -> String { String(decoding: listing(names).text(.html), as: UTF8.self) }

    @Test("devices, pipes and sockets are left out", arguments: [S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK])
    func others(mode: mode_t) { #expect(entry([65], mode) == nil) }

    @Test("directories come first, then names in the order of their bytes")
    func order() throws {
        let entries = try [("b", S_IFREG), ("a", S_IFLNK), ("z", S_IFDIR), ("y", S_IFDIR)].map {
            try #require(entry(Array($0.0.utf8), $0.1))
        }
        #expect(entries.sorted { $0.precedes($1) }.map(\.name) == ["y", "z", "a", "b"].map { Array($0.utf8) })
    }

    @Test("a name in HTML is text, and its link leads to it and nowhere else")
    func html() {
        let text = html(["<b>&\"'.txt", "javascript:x", "a b%/..", "ü"])
        #expect(text.contains("&lt;b&gt;&amp;&quot;&#39;.txt</a>") && !text.contains("<b>"))
        #expect(text.contains("href=\"./javascript%3Ax\""))
        #expect(text.contains("href=\"./%C3%BC\">ü</a>"))
        #expect(text.contains("1994-11-06 08:49"))
    }

    @Test("JSON has every entry, whatever its name")
    func json() throws {
        struct Listing: Decodable {
            struct Entry: Decodable {
                let name: String
                let type: String
                let size: Int?
                let modified: Int
            }
            let entries: [Entry]
            let truncated: Bool
        }
        let names: [[UInt8]] = [Array("a\"\\\u{1}\n".utf8), [0xff, 0x41], Array("ü/".utf8)]
        let entries =
            try names.map { try #require(entry($0, S_IFREG, byteCount: 7)) } + [
                try #require(entry([65], S_IFDIR))
            ]
        let text = DirectoryListing(entries: entries, isCut: true).text(.json)
        let decoded = try JSONDecoder().decode(Listing.self, from: Data(text))
        #expect(decoded.entries.map(\.name) == ["a\"\\\u{1}\n", "\u{fffd}A", "ü/", "A"])
        #expect(decoded.entries.map(\.type) == ["file", "file", "file", "directory"])
        #expect(decoded.entries.map(\.size) == [7, 7, 7, nil])
        #expect(decoded.truncated && decoded.entries.allSatisfy { $0.modified == 784_111_777 })
        #expect(
            String(decoding: DirectoryListing(entries: [], isCut: false).text(.json), as: UTF8.self).contains("[\n]"))
    }
}
