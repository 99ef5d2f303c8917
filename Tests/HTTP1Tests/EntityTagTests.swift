import Testing

@testable import HTTP1

@Suite("Entity tags")
struct EntityTagTests {
    private let strong = EntityTag(0x1f, 0, 0x5e3)
    private let weak = EntityTag(0x1f, 0, 0x5e3, isWeak: true)

    private func text(_ tag: EntityTag) -> String { String { tag.append(to: &$0) } }

    @Test("A tag is its numbers in hexadecimal, in quotes")
    func texts() {
        #expect(text(strong) == "\"1f-0-5e3\"" && text(weak) == "W/\"1f-0-5e3\"")
        let longest = EntityTag(.max, .max, .max, isWeak: true)
        #expect(text(longest) == "W/\"ffffffffffffffff-ffffffffffffffff-ffffffffffffffff\"")
        #expect(text(longest).utf8.count == EntityTag.maxByteCount)
        #expect(text(EntityTag(0x10, 0xff, 1 << 63)) == "\"10-ff-8000000000000000\"")
    }

    @Test("Strong and weak comparison, as the table of RFC 9110, 8.8.3.2, has them")
    func comparison() {
        let cases: [(EntityTag, String, strong: Bool, weak: Bool)] = [
            (weak, text(weak), false, true), (weak, "W/\"2\"", false, false), (weak, text(strong), false, true),
            (strong, text(strong), true, true), (strong, text(weak), false, true),
        ]
        for (tag, other, isStrong, isWeak) in cases {
            #expect(withSpan(other) { tag.matches($0, .strong) } == isStrong)
            #expect(withSpan(other) { tag.matches($0, .weak) } == isWeak)
        }
    }

    @Test(
        "Only a whole tag is one",
        arguments: [
            "", "1f-0-5e3", "\"1f-0-5e3", "1f-0-5e3\"", "\"1f-0-5e3\" ", " \"1f-0-5e3\"", "w/\"1f-0-5e3\"",
            "\"1F-0-5E3\"", "*", "W/",
        ])
    func malformed(text: String) {
        #expect(!withSpan(text) { strong.matches($0, .weak) })
    }

    @Test(
        "Lists",
        arguments: [
            ("*", true), ("\"1f-0-5e3\"", true), ("\"a\", \"1f-0-5e3\"", true), ("\"a\",W/\"1f-0-5e3\",\"b\"", true),
            (",, \"a\" ,\t\"1f-0-5e3\"", true), ("\"a,1f-0-5e3\", \"b\"", false), ("\"a\"", false), ("", false),
            ("**", false),
            ("\"\u{e9}\", \"1f-0-5e3\"", true), ("a, \"1f-0-5e3\"", false), ("\"a b\", \"1f-0-5e3\"", false),
            ("\"1f-0-5e3\", x", true), ("1f-0-5e3", false),
        ])
    func lists(list: String, isListed: Bool) {
        #expect(withSpan(list) { strong.isListed(in: $0, .weak) } == isListed)
    }
}
