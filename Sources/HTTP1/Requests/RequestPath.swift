/// The path of a request, decoded to the relative path of a file.
package enum RequestPath {
    /// What is to be known of a path beside its bytes.
    package struct Decoded: Equatable, Sendable {
        /// Whether it was written with a slash at its end, as the root is: it means a directory.
        package var endsInSlash: Bool
        /// Whether a segment begins with a dot.
        package var hasHiddenSegment: Bool
    }

    package enum Outcome: Equatable, Sendable {
        case decoded(Decoded)
        case refused(PathRefusal)
    }

    /// Decodes a path, and appends it without slashes at its ends: `/a%20b//c/` is `a b/c`, and `/` is nothing.
    ///
    /// Percent escapes are decoded once: `%252e` is the name `%2e`. What comes out is valid UTF-8 without NUL, and no segment
    /// of it is empty, `.` or `..`, also where `\` separates segments. Empty segments are dropped. An escaped slash is refused:
    /// no name has one.
    /// - Parameters:
    ///   - path: As in `RequestHead.path`: empty, or with a slash at its start.
    ///   - output: Left as it was when the path is refused. Room for `path.byteCount` is always enough.
    /// - Returns: `.refused(.tooLong)` when the room does not suffice.
    package static func append(decoding path: RawSpan, to output: inout OutputRawSpan) -> Outcome {
        let start = output.byteCount
        do throws(PathRefusal) {
            var decoder = PathDecoder(start: start)
            let decoded = try decoder.append(path, to: &output)
            guard UTF8Text.isValid(output.bytes.extracting(start..<output.byteCount)) else { throw .notUTF8 }
            return .decoded(decoded)
        } catch {
            output.removeLast(output.byteCount - start)
            return .refused(error)
        }
    }
}
