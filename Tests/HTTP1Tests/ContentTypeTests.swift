@testable import HTTP1
import Testing

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

@Suite("How much a media type is wanted")
struct MediaQualityTests {
    @Test(
        "the most specific range that has the type says it, in thousandths",
        arguments: [
            ([], 1000), ([""], 0), (["text/html"], 0), (["application/json"], 1000), (["*/*"], 1000),
            (["*/*;q=0.1"], 100), (["application/*;q=0.25"], 250), (["*/*, application/*;q=0.25"], 250),
            (["application/*;q=0.25, */*"], 250), (["application/json;q=0"], 0), (["*/*", "application/json;q=0"], 0),
            (["application/json ; q=0.5 , text/html"], 500), (["APPLICATION/JSON;Q=0.75"], 750),
            (["application/json;charset=utf-8;q=0.3"], 300), (["application/json;q=1.000"], 1000),
            (["application/json;q=0.5, application/*;q=0.25"], 500),
            (["application/*;q=0.25, application/json;q=0.5"], 500),
            (["application/json;q=0.3;q=0.9"], 300), (["application/json\t;\tq=0.5\t"], 500), ([";", ";q=0.5, ,"], 0),
            (["application/jsonp"], 0), (["xapplication/json"], 0), (["application/json;q=0."], 0),
        ] as [([String], Int)])
    func values(fields: [String], expected: Int) {
        #expect(quality(fields) == expected)
    }

    @Test(
        "what is not as it should be is passed over",
        arguments: ["q=2", "q=1.001", "q=-1", "q=", "q=0.1234", "q=.5", "q=0x1", "q=1.0a"])
    func malformed(parameter: String) {
        #expect(quality(["application/json;\(parameter), */*;q=0.125"]) == 125)
    }

    @Test("of two types that are wanted alike the one that is named goes first")
    func named() {
        func isJSONAbove(_ fields: [String]) -> Bool {
            media("application/json", fields).isAbove(media("text/html", fields))
        }
        #expect(isJSONAbove(["application/json, text/plain, */*"]))
        #expect(isJSONAbove(["text/html;q=0.5, application/json;q=0.6"]))
        #expect(!isJSONAbove([]))
        #expect(!isJSONAbove(["*/*"]))
        #expect(!isJSONAbove(["application/json, text/html"]))
        #expect(!isJSONAbove(["application/json;q=0, */*"]))
    }

    private func quality(_ fields: [String]) -> Int { media("application/json", fields).value }

    private func media(_ type: String, _ fields: [String]) -> MediaQuality {
        var quality = MediaQuality(of: type)
        for field in fields { quality.add(Array(field.utf8).span.bytes) }
        return quality
    }
}
