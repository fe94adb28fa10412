/// An element of a document, written so that readers of XML and of HTML read the same.
struct Markup {
  enum Content {
    case text(String)
    /// Text that is not escaped, as in `style`.
    case raw(String)
    case elements([Markup])
  }

  private let name: String
  private let attributes: [(String, String)]
  private let content: Content

  init(_ name: String, _ attributes: [(String, String)] = [], _ content: Content = .elements([])) {
    self.name = name
    self.attributes = attributes
    self.content = content
  }

  init(_ name: String, _ attributes: [(String, String)] = [], text: String) { self.init(name, attributes, .text(text)) }

  /// Elements of HTML that have no end (WHATWG HTML §13.1.2); every other one is closed by a tag of its own.
  private static let void: Set = ["meta", "img"]

  func text(indent: Int = 0) -> String {
    let space = String(repeating: "  ", count: indent)
    let start = space + "<" + name + attributes.map { " \($0)=\"\(Self.attribute($1))\"" }.joined()
    guard !Self.void.contains(name) else { return start + "/>\n" }
    switch content {
    case .text(let text): return start + ">" + Self.escaped(text) + "</\(name)>\n"
    case .raw(let text): return start + ">" + text + "</\(name)>\n"
    case .elements(let elements):
      guard !elements.isEmpty else { return start + "></\(name)>\n" }
      return start + ">\n" + elements.map { $0.text(indent: indent + 1) }.joined() + space + "</\(name)>\n"
    }
  }

  private static func attribute(_ text: String) -> String {
    // A reader turns line breaks and tabs of an attribute into spaces (XML 1.0 §3.3.3).
    escaped(text).replacing("\n", with: "&#10;").replacing("\t", with: "&#9;")
  }

  /// Without what has a meaning in XML or HTML, and without characters that neither may contain (XML 1.0 §2.2): names are their users'.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
