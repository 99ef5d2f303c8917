/// How large the head of a message may be. A head that is larger is refused as soon as that is seen.
package struct HeadLimits: Sendable {
    /// Bytes of a whole head, the empty line at its end included: past it 431, or 414 when not even the request line fits.
    package var headByteCount: Int
    /// Bytes of a request's target: past it 414.
    package var targetByteCount: Int

    /// Traps unless both are positive, and a head is at most 1 GiB.
    package init(headByteCount: Int = 16 << 10, targetByteCount: Int = 8 << 10) {
        precondition((1...1 << 30).contains(headByteCount) && targetByteCount > 0, "a head is from 1 B to 1 GiB")
        self.headByteCount = headByteCount
        self.targetByteCount = targetByteCount
    }
}
