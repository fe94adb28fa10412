/// Which known word a misspelt one was probably meant to be.
enum Spelling {
  /// The nearest of `words` by edit distance, when no more than a third of the word's letters (at least one, at most three) differ.
  static func nearest(to word: String, among words: [String]) -> String? {
    guard word.count <= 60 else { return nil }
    let bound = min(3, max(1, word.count / 3))
    let ranked = Set(words).map { (distance: distance(word, $0), word: $0) }.sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }
    return ranked.first.flatMap { $0.distance <= bound ? $0.word : nil }
  }

  /// The distance by optimal string alignment: insertions, deletions, substitutions, and neighbours swapped, each counted as one.
  static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var rows = [Array(0...other.count)]
    for (i, letter) in one.enumerated() {
      var row = [i + 1]
      for (j, second) in other.enumerated() {
        var least = min(rows[i][j] + (letter == second ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, letter == other[j - 1], one[i - 1] == second { least = min(least, rows[i - 1][j - 1] + 1) }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[one.count][other.count]
  }
}
