extension Array {
    /// Where the element with that key is, or would be put, in an array sorted by the key.
    func position<Key: Comparable>(
        of key: Key, by keyOf: (Element) -> Key
    ) -> (index: Int, isPresent: Bool) {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if keyOf(self[middle]) < key { low = middle + 1 } else { high = middle }
        }
        return (low, low < count && keyOf(self[low]) == key)
    }
}

extension Array where Element: Comparable {
    /// Whether a sorted array holds the element.
    func containsSorted(_ element: Element) -> Bool { position(of: element) { $0 }.isPresent }

    /// Puts an element into a sorted array; false when it is there already.
    @discardableResult
    mutating func insertSorted(_ element: Element) -> Bool {
        let (index, isPresent) = position(of: element) { $0 }
        if !isPresent { insert(element, at: index) }
        return !isPresent
    }

    /// Takes an element out of a sorted array; false when it is not there.
    @discardableResult
    mutating func removeSorted(_ element: Element) -> Bool {
        let (index, isPresent) = position(of: element) { $0 }
        if isPresent { remove(at: index) }
        return isPresent
    }
}
