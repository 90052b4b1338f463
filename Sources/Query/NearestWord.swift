/// Finds what somebody may have meant.
public enum NearestWord {
  /// The candidate that differs least from a word, if it differs little or goes on where the word stops.
  public static func find(_ word: String, among candidates: [String]) -> String? {
    if word.count >= 3, let longer = candidates.first(where: { $0.hasPrefix(word) }) { return longer }
    let scored = candidates.map { (distance: editDistance(word, $0), name: $0) }
    guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= max(1, word.count / 3) else {
      return nil
    }
    return best.name
  }

  /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment distance).
  private static func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left)
    let right = Array(right)
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
      var row = [i + 1]
      for j in right.indices {
        var least = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, left[i - 1] == right[j], left[i] == right[j - 1] { least = min(least, beforeLast[j - 1] + 1) }
        row.append(least)
      }
      (beforeLast, last) = (last, row)
    }
    return last[right.count]
  }
}
