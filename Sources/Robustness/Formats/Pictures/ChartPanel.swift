import Foundation

/// A rectangle of a picture with two axes, in which lines are drawn.
struct ChartPanel {
  struct Point {
    let x: Double
    let y: Double
    /// Its interval, drawn as a band.
    var interval: ConfidenceInterval?

    init(_ x: Double, _ y: Double, _ interval: ConfidenceInterval? = nil) {
      self.x = x
      self.y = y
      self.interval = interval
    }
  }

  struct Line {
    let title: String
    /// Which of the colours, shapes and dashes of `ChartStyle` it has: told apart without colours too.
    let look: Int
    /// By rising x.
    let points: [Point]
    /// Whether each point has a mark: where there are few.
    var marks = true
  }

  let title: String
  let x: ClosedRange<Double>
  let y: ClosedRange<Double>
  /// Whether values of y are parts of 1, shown in percent.
  var isShare = false
  let lines: [Line]
  /// Places of x that have a line of their own, with what stands beside it.
  var marked: [(x: Double, title: String)] = []
  /// What stands below the axis of x; without it neither are its numbers there.
  var xTitle: String?
  /// The room of the plot in the picture.
  let left, top, width, height: Double

  func elements() -> [Markup] {
    grid + marks + lines.flatMap(band) + lines.flatMap(drawn) + [Self.text(left, top - 8, "start", title, "strong")]
  }

  // MARK: Axes

  private var grid: [Markup] {
    let rows = Self.ticks(y, about: height > 120 ? 5 : 2).flatMap { tick -> [Markup] in
      [
        Self.line(left, place(y: tick), left + width, place(y: tick), "grid"),
        Self.text(left - 6, place(y: tick) + 4, "end", isShare ? "\(Self.short(tick * 100)) %" : Self.short(tick), "tick"),
      ]
    }
    let columns = Self.ticks(x, about: 8).flatMap { tick -> [Markup] in
      [Self.line(place(x: tick), top, place(x: tick), top + height, "grid")]
        + (xTitle == nil ? [] : [Self.text(place(x: tick), top + height + 17, "middle", Self.short(tick), "tick")])
    }
    let below = xTitle.map { [Self.text(left + width / 2, top + height + 36, "middle", $0, "tick")] } ?? []
    return rows + columns + below
  }

  private var marks: [Markup] {
    marked.filter { x.contains($0.x) }.flatMap { mark -> [Markup] in
      let place = place(x: mark.x)
      let isLate = place > left + width * 0.7
      return [
        Self.line(place, top, place, top + height, "mark"),
        Self.text(place + (isLate ? -5 : 5), top + height - 7, isLate ? "end" : "start", mark.title, "tick"),
      ]
    }
  }

  /// Round values within a range (Heckbert 1990, "Nice numbers for graph labels"): 1, 2 or 5 times a power of ten apart.
  static func ticks(_ range: ClosedRange<Double>, about count: Int) -> [Double] {
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite else { return [range.lowerBound] }
    let rough = span / Double(count)
    let power = pow(10, floor(log10(rough)))
    let step = ([1, 2, 5, 10].first { $0 * power >= rough * 0.999 } ?? 10) * power
    let first = Int((range.lowerBound / step - 1e-9).rounded(.up)), last = Int((range.upperBound / step + 1e-9).rounded(.down))
    return first <= last ? (first...last).map { Double($0) * step } : []
  }

  /// A number without the noise of its last bits.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    return String(format: abs(value) < 1e-3 && value != 0 ? "%.2g" : "%.6g", value == 0 ? 0 : value)
  }

  // MARK: Lines

  private func place(x value: Double) -> Double {
    let span = x.upperBound - x.lowerBound
    return left + (span > 0 ? (value - x.lowerBound) / span : 0.5) * width
  }

  private func place(y value: Double) -> Double {
    let span = y.upperBound - y.lowerBound
    return top + height - (span > 0 ? min(max((value - y.lowerBound) / span, 0), 1) : 0.5) * height
  }

  private func band(_ line: Line) -> [Markup] {
    let banded = line.points.compactMap { point in point.interval.map { (x: point.x, interval: $0) } }
    guard banded.count > 1 else { return [] }
    let upper = banded.map { "\(Self.number(place(x: $0.x))) \(Self.number(place(y: $0.interval.high)))" }
    let lower = banded.reversed().map { "\(Self.number(place(x: $0.x))) \(Self.number(place(y: $0.interval.low)))" }
    return [Markup("path", [("class", "band look\(line.look)"), ("d", "M" + (upper + lower).joined(separator: "L") + "Z")])]
  }

  private func drawn(_ line: Line) -> [Markup] {
    // A value that is no number breaks the line.
    var path = ""
    var isBroken = true
    for point in line.points {
      guard point.y.isFinite else {
        isBroken = true
        continue
      }
      path += "\(isBroken ? "M" : "L")\(Self.number(place(x: point.x))) \(Self.number(place(y: point.y)))"
      isBroken = false
    }
    let shapes = line.marks ? line.points.filter(\.y.isFinite).map { Self.shape(line.look, place(x: $0.x), place(y: $0.y)) } : []
    return (path.isEmpty ? [] : [Markup("path", [("class", "line look\(line.look)"), ("d", path)])]) + shapes
  }

  /// A sign for a value: a disc, a square, a diamond, a triangle.
  static func shape(_ look: Int, _ x: Double, _ y: Double) -> Markup {
    let (x, y) = (number(x), number(y))
    let path =
      switch look % 4 {
      case 0: "M\(x) \(y)m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"
      case 1: "M\(x) \(y)m-3.6 -3.6h7.2v7.2h-7.2z"
      case 2: "M\(x) \(y)m0 -5l5 5l-5 5l-5 -5z"
      default: "M\(x) \(y)m0 -5l4.6 8.4h-9.2z"
      }
    return Markup("path", [("class", "sign look\(look)"), ("d", path)])
  }

  // MARK: Elements

  static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> Markup {
    Markup("path", [("class", style), ("d", "M\(number(x1)) \(number(y1))L\(number(x2)) \(number(y2))")])
  }

  static func text(_ x: Double, _ y: Double, _ anchor: String, _ text: String, _ style: String) -> Markup {
    Markup("text", [("class", style), ("x", number(x)), ("y", number(y)), ("text-anchor", anchor)], text: text)
  }

  static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
