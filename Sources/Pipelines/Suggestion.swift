/// The nearest of known words to one that is not known.
enum Suggestion {
  /// The known word that `word` most likely means: at most two slips away (one in short words), or nil.
  static func nearest(to word: String, among known: some Sequence<String>) -> String? {
    let written = Array(word.lowercased())
    let allowed = written.count <= 4 ? 1 : 2
    var best: (word: String, slips: Int)?
    for candidate in known {
      let slips = distance(written, Array(candidate.lowercased()))
      if slips <= allowed, slips < best?.slips ?? .max { best = (candidate, slips) }
    }
    return best?.word
  }

  /// `did you mean 'x'?`, or the known words if none is near.
  static func remedy(for word: String, among known: [String]) -> String {
    if let nearest = nearest(to: word, among: known) { return "did you mean '\(nearest)'?" }
    if known.isEmpty { return "remove it" }
    return "known here: \(known.joined(separator: ", "))"
  }

  /// Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment distance.
  static func distance(_ left: [Character], _ right: [Character]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for i in 1...left.count {
      var current = [i] + [Int](repeating: 0, count: right.count)
      for j in 1...right.count {
        let replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
        current[j] = min(last[j] + 1, current[j - 1] + 1, replaced)
        if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
          current[j] = min(current[j], beforeLast[j - 2] + 1)
        }
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
