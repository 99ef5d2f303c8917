import Foundation
import Glibc
import Testing

@testable import PooledEcho

@Suite("DirectoryListing")
struct DirectoryListingTests {
    private func entry(
        _ name: [UInt8], _ mode: mode_t, byteCount: Int = 0, showsDotfiles: Bool = false
    ) -> DirectoryListing.Entry? {
        var status = stat()
        status.st_mode = mode
        status.st_size = byteCount
        status.st_mtim.tv_sec = 784_111_777
        return DirectoryListing.Entry(name: name, status: status, showsDotfiles: showsDotfiles)
    }

    private func listing(_ names: [String]) -> DirectoryListing {
        DirectoryListing(entries: names.compactMap { entry(Array($0.utf8), S_IFREG) }, isCut: false)
    }

    private func html(_ names: [String]) -> String { listing(names).text(.html) }

    @Test("devices, pipes and sockets are left out", arguments: [S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK])
    func others(mode: mode_t) { #expect(entry([65], mode) == nil) }

    @Test("names that are hidden, or that no target can have, are left out", arguments: [false, true])
    func names(showsDotfiles: Bool) {
        func isListed(_ name: [UInt8]) -> Bool { entry(name, S_IFREG, showsDotfiles: showsDotfiles) != nil }
        #expect(!isListed([0xff, 0xfe]) && !isListed([0x61, 0xc3]))
        for name in [".", "..", "a\\..", "..\\a"] { #expect(!isListed(Array(name.utf8)), "\(name)") }
        for name in [".a", "...", "a\\.b"] { #expect(isListed(Array(name.utf8)) == showsDotfiles, "\(name)") }
        for name in ["a.", "a..b", "%2e%2e", "a\\b", "\n", "ü"] { #expect(isListed(Array(name.utf8)), "\(name)") }
    }

    @Test("directories come first, then names in the order of their bytes")
    func order() throws {
        let entries = try [("b", S_IFREG), ("a", S_IFLNK), ("z", S_IFDIR), ("y", S_IFDIR)].map {
            try #require(entry(Array($0.0.utf8), $0.1))
        }
        #expect(entries.sorted { $0.precedes($1) }.map(\.name) == ["y", "z", "a", "b"])
    }

    @Test("a name in HTML is text, and its link leads to it and nowhere else")
    func html() {
        let text = html(["<b>&\"'.txt", "javascript:x", "a b%/..", "ü"])
        #expect(text.contains("&lt;b&gt;&amp;&quot;&#39;.txt</bdi></a>") && !text.contains("<b>"))
        #expect(text.contains("href=\"./javascript%3Ax\""))
        #expect(text.contains("href=\"./%C3%BC\"><bdi>ü</bdi></a>"))
        #expect(text.contains("1994-11-06 08:49"))
    }

    @Test("bytes are written in groups of three digits")
    func groups() throws {
        for (byteCount, text) in [
            (0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (9_876_543_210, "9,876,543,210"),
        ] {
            let entries = [try #require(entry([65], S_IFREG, byteCount: byteCount))]
            #expect(DirectoryListing(entries: entries, isCut: false).text(.html).contains("<td>\(text)</td>"))
        }
    }

    @Test("a name shows what would have it read as another, and its slash stays behind it")
    func direction() throws {
        let text = html(["photo\u{202e}gnp.exe"])
        #expect(text.contains("<bdi>photo\u{fffd}gnp.exe</bdi>") && text.contains("href=\"./photo%E2%80%AEgnp.exe\""))
        let directory = DirectoryListing(entries: [try #require(entry(Array("مجلد".utf8), S_IFDIR))], isCut: false)
        #expect(directory.text(.html).contains("<bdi>مجلد</bdi>/</a>"))
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
        let names: [[UInt8]] = [Array("a\"\\\u{1}\n".utf8), Array("x\u{202e}y".utf8), Array("ü".utf8)]
        let entries =
            try names.map { try #require(entry($0, S_IFREG, byteCount: 7)) } + [
                try #require(entry([65], S_IFDIR))
            ]
        let text = DirectoryListing(entries: entries, isCut: true).text(.json)
        let decoded = try JSONDecoder().decode(Listing.self, from: Data(text.utf8))
        #expect(decoded.entries.map(\.name) == ["a\"\\\u{1}\n", "x\u{202e}y", "ü", "A"])
        #expect(decoded.entries.map(\.type) == ["file", "file", "file", "directory"])
        #expect(decoded.entries.map(\.size) == [7, 7, 7, nil])
        #expect(decoded.truncated && decoded.entries.allSatisfy { $0.modified == 784_111_777 })
        #expect(
            DirectoryListing(entries: [], isCut: false).text(.json).contains("[\n]"))
    }
}
