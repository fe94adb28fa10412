import Glibc
import TensorEngine

/// Weights that are not learnt, chosen by patterns of their names: `*` stands for any characters, `?` for one, `[ab]` for one of these.
package struct FrozenWeights {
  private let patterns: [String]
  private let layout: ParameterLayout

  package init(_ patterns: [String], of layout: ParameterLayout) {
    self.patterns = patterns
    self.layout = layout
  }

  /// The patterns that match no weight that could be learnt.
  package var unmatched: [Int] {
    patterns.indices.filter { index in !layout.parameters.contains { $0.isTrained && Self.matches(patterns[index], $0.name) } }
  }

  /// The ranges of the learnt floats of the layout, in order: those that no pattern matches.
  package var learnt: [Range<Int>] {
    var ranges: [Range<Int>] = []
    for id in layout.ids where layout[id].isTrained && !isFrozen(layout[id].name) {
      let range = layout.range(id)
      if let last = ranges.last, last.upperBound == range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
      } else {
        ranges.append(range)
      }
    }
    return ranges
  }

  private func isFrozen(_ name: String) -> Bool { patterns.contains { Self.matches($0, name) } }

  private static func matches(_ pattern: String, _ name: String) -> Bool { fnmatch(pattern, name, 0) == 0 }
}
