extension SeededGenerator {
    /// A whole number from `low` to `high`, both included.
    mutating func integer(_ low: Int, _ high: Int) -> Int { low + Int(next() % UInt64(high - low + 1)) }

    mutating func chance(_ probability: Double) -> Bool {
        Double(next() >> 11) < probability * Double(1 << 53)
    }

    mutating func element<Element>(_ elements: [Element]) -> Element { elements[integer(0, elements.count - 1)] }

    /// One of several, each as often as its weight says. The weights are not all 0.
    mutating func weighted<Element>(_ elements: [(element: Element, weight: Int)]) -> Element {
        var rest = integer(1, elements.reduce(0) { $0 + $1.weight })
        for (element, weight) in elements {
            rest -= weight
            if rest <= 0 { return element }
        }
        preconditionFailure("the weights are all 0")
    }
}
