import Testing

@testable import HTTP1

@Suite("Content types")
struct ContentTypeTests {
    private func type(_ name: String) -> String { "\(withSpan(name) { ContentType(ofFile: $0) }.text)" }

    @Test(
        "By the last extension, in either case, of a name or a path",
        arguments: [
            ("index.html", "text/html; charset=utf-8"), ("A.HTM", "text/html; charset=utf-8"),
            ("a/b.c/d.Png", "image/png"),
            ("archive.tar.gz", "application/gzip"), ("a.woff2", "font/woff2"),
            ("a.markdown", "text/markdown; charset=utf-8"),
            ("x.7z", "application/x-7z-compressed"), (".a.css", "text/css; charset=utf-8"),
            ("ä.json", "application/json"),
        ])
    func known(name: String, type: String) {
        #expect(self.type(name) == type)
    }

    @Test(
        "Else bytes",
        arguments: [
            "", "html", ".html", "a/.html", "a.", "a.b/html", "a.unknown", "a.markdowns", "a.html/", "a.htm\0", "a..",
            ".",
        ])
    func unknown(name: String) {
        #expect(type(name) == "application/octet-stream")
    }

    @Test("The table has no extension twice, and no type without a slash")
    func table() {
        #expect(ContentType.known.count > 90)
        for type in ContentType.known.values {
            #expect(type.text.description.contains("/") && type.text.utf8CodeUnitCount < 80)
        }
    }
}
