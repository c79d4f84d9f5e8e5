extension Array {
    /// The number of elements for which a condition holds that holds for a first part of the array
    /// and for nothing behind it: where the second part begins.
    @inlinable
    package func partitionPoint(where isInFirstPart: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isInFirstPart(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the element with that key is, or would be put, in an array sorted by the key.
    @inlinable
    package func position<Key: Comparable>(
        of key: Key, by keyOf: (Element) -> Key
    ) -> (index: Int, isPresent: Bool) {
        let index = partitionPoint { keyOf($0) < key }
        return (index, index < count && keyOf(self[index]) == key)
    }
}

extension Array where Element: Comparable {
    /// Where an element is, or would be put, in a sorted array.
    @inlinable
    package func position(of element: Element) -> (index: Int, isPresent: Bool) {
        position(of: element) { $0 }
    }

    /// Whether a sorted array holds the element.
    @inlinable
    package func containsSorted(_ element: Element) -> Bool { position(of: element).isPresent }

    /// Puts an element into a sorted array; false when it is there already.
    @inlinable
    @discardableResult
    package mutating func insertSorted(_ element: Element) -> Bool {
        let (index, isPresent) = position(of: element)
        if !isPresent { insert(element, at: index) }
        return !isPresent
    }

    /// Takes an element out of a sorted array; false when it is not there.
    @inlinable
    @discardableResult
    package mutating func removeSorted(_ element: Element) -> Bool {
        let (index, isPresent) = position(of: element)
        if isPresent { remove(at: index) }
        return isPresent
    }
}
