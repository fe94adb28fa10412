import Files
import Foundation

/// A picture as SVG 1.1: on its own, or within a page that has `style` in its style sheet. It has no script and loads nothing.
struct VectorPicture {
  /// What a screen reader says of it.
  let title: String
  let width: Double
  let height: Double
  let elements: [Markup]

  var markup: Markup { markup([]) }

  /// A file.
  var text: String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + markup([Markup("title", text: title), Markup("style", [], .raw(Self.style))]).text()
  }

  /// The Content-Security-Policy of the file: its own style sheet and nothing more.
  static let policy = "default-src 'none'; style-src '\(digest(of: style))'"

  /// As a Content-Security-Policy names a style sheet.
  static func digest(of style: String) -> String {
    let digest = SHA256Digest()
    digest.update(Array(style.utf8))
    return "sha256-\(Data(digest.finish()).base64EncodedString())"
  }

  private func markup(_ head: [Markup]) -> Markup {
    let size = "\(ChartPanel.number(width)) \(ChartPanel.number(height))"
    let background = Markup(
      "path", [("class", "paper"), ("d", "M0 0h\(ChartPanel.number(width))v\(ChartPanel.number(height))h-\(ChartPanel.number(width))z")])
    return Markup(
      "svg",
      [
        ("xmlns", "http://www.w3.org/2000/svg"), ("viewBox", "0 0 \(size)"), ("width", ChartPanel.number(width)),
        ("height", ChartPanel.number(height)), ("role", "img"), ("aria-label", title), ("class", "picture"),
      ], .elements(head + [background] + elements))
  }

  /// Colours by Okabe and Ito (2008, "Color Universal Design"), which people with any kind of colour vision tell apart; paler ones on dark.
  static let style = """
    .picture { font: 13px system-ui, sans-serif; max-width: 100%; height: auto; --ink: #1b1b1b; --dim: #555; --rule: #ddd; --paper: #fff; \
    --c0: #0072b2; --c1: #c44e00; --c2: #00795a; --c3: #a8517f }
    .picture text { fill: var(--ink) }
    .picture .tick { fill: var(--dim); font-size: 12px }
    .picture .strong { font-weight: 600 }
    .picture .on { fill: var(--paper) }
    .picture .paper { fill: var(--paper) }
    .picture .grid { stroke: var(--rule); stroke-width: 1; fill: none }
    .picture .mark { stroke: var(--dim); stroke-width: 1; stroke-dasharray: 3 3; fill: none }
    .picture .look0 { --c: var(--c0) }
    .picture .look1 { --c: var(--c1) }
    .picture .look2 { --c: var(--c2) }
    .picture .look3 { --c: var(--c3) }
    .picture .line { stroke: var(--c); stroke-width: 2.2; fill: none; stroke-linejoin: round }
    .picture .line.look1 { stroke-dasharray: 7 4 }
    .picture .line.look2 { stroke-dasharray: 2 3 }
    .picture .line.look3 { stroke-dasharray: 9 3 2 3 }
    .picture .band { fill: var(--c); fill-opacity: 0.16 }
    .picture .sign { fill: var(--c); stroke: var(--paper); stroke-width: 1 }
    .picture .cell { fill: var(--c0) }
    .picture .right { fill: none; stroke: var(--ink); stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) {
      .picture { --ink: #eee; --dim: #aaa; --rule: #3a3a3a; --paper: #16181c; --c0: #56b4e9; --c1: #f0a030; --c2: #2fc79a; --c3: #e391bd }
    }
    @media print {
      .picture { --ink: #000; --dim: #333; --rule: #ccc; --paper: #fff; --c0: #0072b2; --c1: #c44e00; --c2: #00795a; --c3: #a8517f }
    }
    """

  /// A row of what the lines of a panel are called, from `x` to the right.
  static func legend(_ lines: [ChartPanel.Line], x: Double, y: Double) -> [Markup] {
    var place = x
    return lines.flatMap { line -> [Markup] in
      defer { place += 44 + Double(line.title.count) * 7.2 }
      return [
        ChartPanel.line(place, y, place + 24, y, "line look\(line.look)"), ChartPanel.shape(line.look, place + 12, y),
        ChartPanel.text(place + 30, y + 4.5, "start", line.title, "name"),
      ]
    }
  }
}
