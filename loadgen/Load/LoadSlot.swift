/// A connection of a thread, with its socket.
struct LoadSlot {
    var descriptor: Int32 = -1
    /// The number that the exchange knows it by: different in every thread.
    let number: Int
    var connection: LoadConnection
}
