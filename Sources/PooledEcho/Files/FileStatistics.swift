/// What a file server did beside moving bytes. The names are those of the JSON that users get.
package struct FileStatistics: Sendable, Codable {
    /// Responses by the first digit of their status.
    package struct Responses: Sendable, Codable {
        package var successful = 0
        package var redirecting = 0
        package var clientErrors = 0
        package var serverErrors = 0
    }

    package var responses = Responses()
    /// Files that were opened, or looked for in vain, since they were not among the open ones.
    package var opens = 0
    /// Paths that were found among the open ones.
    package var openHits = 0
    /// Directories that were listed.
    package var listings = 0
    /// Blocks that were read.
    package var reads = 0
    /// Of these, past the page cache.
    package var directReads = 0
    /// Responses that were sent again as they had been made, without a read.
    package var keptResponses = 0
    /// Heads refused for their size (414, 431).
    package var oversizedHeads = 0
    /// Heads that took too long (408).
    package var slowHeads = 0
    /// Connections cut since their peer took less than it has to.
    package var slowReaders = 0
    /// Connections cut since a file ended early, or changed, while it was sent.
    package var changedFiles = 0
    /// Connections cut since a file could not be read.
    package var failedReads = 0
    /// Responses that waited for a block.
    package var blockWaits = 0
    /// Opens refused for want of descriptors or memory.
    package var refusedOpens = 0
    /// Lines that the access log did not get, since its disk was too slow.
    package var droppedLogLines = 0

    mutating func add(_ other: FileStatistics) {
        responses.successful += other.responses.successful
        responses.redirecting += other.responses.redirecting
        responses.clientErrors += other.responses.clientErrors
        responses.serverErrors += other.responses.serverErrors
        opens += other.opens
        openHits += other.openHits
        listings += other.listings
        reads += other.reads
        directReads += other.directReads
        keptResponses += other.keptResponses
        droppedLogLines += other.droppedLogLines
        oversizedHeads += other.oversizedHeads
        slowHeads += other.slowHeads
        slowReaders += other.slowReaders
        changedFiles += other.changedFiles
        failedReads += other.failedReads
        blockWaits += other.blockWaits
        refusedOpens += other.refusedOpens
    }
}
