/// What an operation works on: a descriptor of the process, or a slot of the ring's own file table.
///
/// Direct descriptors cost no reference count per operation, exist only inside their ring, and are closed through it.
public enum IODescriptor: Hashable, Sendable {
    /// An ordinary file descriptor.
    case file(Int32)
    /// A slot of the table made by ``Ring/registerSparseFiles(count:)``, as returned by a direct accept.
    case direct(UInt32)

    /// The number that goes into a submission's `fd` field.
    @inline(__always)
    var number: Int32 {
        switch self {
        case .file(let descriptor): descriptor
        case .direct(let slot): Int32(bitPattern: slot)
        }
    }

    @inline(__always)
    var isDirect: Bool {
        if case .direct = self { true } else { false }
    }
}
