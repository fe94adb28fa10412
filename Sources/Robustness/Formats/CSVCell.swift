/// A cell of comma-separated values (RFC 4180).
package enum CSVCell {
  /// Quoted where it has to be.
  package static func text(_ text: String) -> String {
    // A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"), and names come from whoever uploads a data set.
    let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
    let safe = isFormula ? "'" + text : text
    guard safe.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return safe }
    // By scalars: a quote with an accent is a quote.
    return "\"" + safe.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
  }
}
