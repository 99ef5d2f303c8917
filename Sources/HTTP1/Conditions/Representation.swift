/// What conditions and ranges are held against: a file as it is now.
package struct Representation: Sendable {
    /// Bytes of it.
    package var length: Int
    package var entityTag: EntityTag
    package var lastModified: HTTPDate

    package init(length: Int, entityTag: EntityTag, lastModified: HTTPDate) {
        self.length = length
        self.entityTag = entityTag
        self.lastModified = lastModified
    }
}
