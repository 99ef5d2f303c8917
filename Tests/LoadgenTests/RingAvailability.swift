import ZeroPoolURing

/// Whether this machine lets us make a ring: containers often do not.
enum RingAvailability {
    static let isAvailable: Bool = {
        do {
            _ = try Ring()
            return true
        } catch {
            return false
        }
    }()
}
