/// What an echo server is asked to be, beside what every server is.
package struct EchoConfiguration: Sendable {
    /// As many bytes as one connection may owe before it is no longer received from; nil for a mebibyte, or four buffers
    /// where those are larger.
    package var maxOwedByteCount: Int?

    package init() {}
}
