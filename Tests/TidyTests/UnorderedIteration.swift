/// Finds loops over dictionaries and sets by their declared names within one file.
///
/// A reading aid, not a type checker: it knows the names that the file declares with a dictionary
/// or set type, and flags an iteration over them that is not sorted on the same line.
enum UnorderedIteration {
    static func findings(in file: SourceTree.File) -> [String] {
        let names = declaredNames(in: file)
        guard !names.isEmpty else { return [] }
        var findings: [String] = []
        for (number, line) in file.code.enumerated() {
            for name in names where line.contains(name) && iterates(over: name, in: line) {
                findings.append(
                    "\(file.path):\(number + 1) iterates over `\(name)`, which has no order")
            }
        }
        return findings
    }

    private static func declaredNames(in file: SourceTree.File) -> Set<String> {
        var names: Set<String> = []
        for line in file.code where line.contains("var ") || line.contains("let ") {
            let typed = line.matches(
                of:
                    /\b(?:var|let) (\w+)\s*:\s*(?:\[[^\[\](]*(?:\[[^\]]*\])?[^\[\](]*:\s|Set<|Dictionary<)/
            )
            for match in typed { names.insert(String(match.1)) }
            let made = line.matches(
                of: /\b(?:var|let) (\w+)\s*=\s*(?:Set<|Set\(|Dictionary|\[\w+: )/)
            for match in made { names.insert(String(match.1)) }
        }
        return names
    }

    private static func iterates(over name: String, in line: String) -> Bool {
        if line.contains("sorted") { return false }
        let subject = "(?:\\w+\\.)*" + name + "(?:\\.keys|\\.values)?"
        let patterns = [
            "for .* in " + subject + "\\s*(?:\\{|where|$)",
            "\\b" + name
                + "(?:\\.keys|\\.values)?\\.(?:map|compactMap|flatMap|forEach|filter|reduce|first|enumerated|min|max|allSatisfy|prefix|randomElement)\\b",
            "Array\\(" + subject + "\\)",
        ]
        for pattern in patterns {
            guard let expression = try? Regex(pattern) else { return true }
            if line.firstMatch(of: expression) != nil { return true }
        }
        return false
    }
}
