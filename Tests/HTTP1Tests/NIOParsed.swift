import NIOCore
import NIOEmbedded
import NIOHTTP1

/// What swift-nio's parser, which is llhttp, makes of some bytes.
struct NIOParsed {
    private(set) var heads: [HTTPRequestHead] = []
    /// Requests of which it has seen the end.
    private(set) var endCount = 0
    private(set) var error: (any Error)?

    init(_ bytes: [UInt8]) {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        do {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            self.error = error
        }
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): heads.append(head)
            case .body: break
            case .end: endCount += 1
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
