import Foundation

/// For what the images of each class are taken, clean and under attack: a row for each class, a column for each prediction.
struct ConfusionMatrix {
  private let confusion: Confusion
  private let classes: [String]

  init(_ confusion: Confusion, classes: [String]) {
    self.confusion = confusion
    self.classes = classes
  }

  /// Beyond so many classes cells have no number and rows no name.
  private static let mostNamed = 24

  private var isNamed: Bool { classes.count <= Self.mostNamed }
  private var cell: Double { isNamed ? min(40, max(22, 340 / Double(classes.count))) : max(4, 400 / Double(classes.count)) }
  /// The room for names: an em of 13 pixels holds about 1.9 letters.
  private var room: Double { isNamed ? 24 + 7 * Double(min(classes.map(\.count).max() ?? 0, Self.longest)) : 24 }
  private static let longest = 12

  var picture: VectorPicture {
    let side = cell * Double(classes.count)
    let isWide = isNamed && classes.contains { $0.count > 2 }
    let (left, top) = (room + 22, 56 + (isWide ? room * 0.75 : 20))
    let step = left + side + 24
    let parts = [("Clean", confusion.clean), ("Under attack", confusion.attacked)]
    let elements = parts.enumerated().flatMap { index, part in
      matrix(part.1, part.0, left: left + Double(index) * step, top: top, slanted: isWide)
    }
    return VectorPicture(title: spoken, width: max(2 * step + 8, 320), height: top + side + 34, elements: elements)
  }

  private func matrix(_ counts: [[Int]], _ title: String, left: Double, top: Double, slanted: Bool) -> [Markup] {
    let size = ChartPanel.number(cell - 1)
    var elements = [ChartPanel.text(left, 22, "start", title, "strong")]
    elements += [
      ChartPanel.text(left + cell * Double(classes.count) / 2, top + cell * Double(classes.count) + 20, "middle", "predicted", "tick")
    ]
    for (row, counts) in counts.enumerated() {
      let total = counts.reduce(0, +)
      let y = top + Double(row) * cell
      if isNamed { elements.append(ChartPanel.text(left - 6, y + cell / 2 + 4, "end", shown(classes[row]), "tick")) }
      if isNamed { elements.append(columnTitle(row, left: left, top: top, slanted: slanted)) }
      for (column, count) in counts.enumerated() {
        let share = total > 0 ? Double(count) / Double(total) : 0
        let x = left + Double(column) * cell
        let box = "M\(ChartPanel.number(x)) \(ChartPanel.number(y))h\(size)v\(size)h-\(size)z"
        // From a trace to the full colour, so that a single example shows.
        let opacity = count == 0 ? 0.04 : 0.12 + 0.88 * share
        elements.append(Markup("path", [("class", "cell"), ("fill-opacity", String(format: "%.2f", opacity)), ("d", box)]))
        if row == column { elements.append(Markup("path", [("class", "right"), ("d", box)])) }
        if isNamed, count > 0 {
          elements.append(ChartPanel.text(x + (cell - 1) / 2, y + cell / 2 + 4, "middle", "\(count)", opacity > 0.6 ? "tick on" : "tick"))
        }
      }
    }
    return elements
  }

  private func columnTitle(_ column: Int, left: Double, top: Double, slanted: Bool) -> Markup {
    let (x, y) = (ChartPanel.number(left + (Double(column) + 0.5) * cell), ChartPanel.number(top - 6))
    let turn = slanted ? [("transform", "rotate(-50 \(x) \(y))")] : []
    return Markup(
      "text", [("class", "tick"), ("x", x), ("y", y), ("text-anchor", slanted ? "start" : "middle")] + turn, text: shown(classes[column]))
  }

  private func shown(_ name: String) -> String { name.count > Self.longest ? name.prefix(Self.longest - 1) + "…" : name }

  private var spoken: String {
    func correct(_ counts: [[Int]]) -> String {
      let total = counts.reduce(0) { $0 + $1.reduce(0, +) }
      return "\(counts.indices.reduce(0) { $0 + counts[$1][$1] }) of \(total) right"
    }
    return "Predictions by class: clean \(correct(confusion.clean)), under attack \(correct(confusion.attacked))"
  }
}
