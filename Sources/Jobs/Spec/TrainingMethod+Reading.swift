import Attacks
import JSON
import Training

extension TrainingMethod {
  /// Reads the settings that the method alone has, by its fields.
  func readSettings(_ reader: SpecReader) -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for field in fields {
      if let value = AttackSettings.read(field, reader) { values[field.name] = value }
    }
    for key in reader.rest { reader.note(key, .unknownField, refusal(of: key)) }
    return values
  }

  private func refusal(of key: String) -> String {
    let known = fields.map(\.name)
    let taken = known.isEmpty ? "it has none; leave settings out" : "it takes \(known.joined(separator: ", "))"
    let hint = Spelling.nearest(to: key, among: known).map { "; did you mean \($0)?" } ?? ""
    let others = MethodCatalogue.all.filter { $0.field(key) != nil }.map(\.name).joined(separator: ", ")
    let owner = others.isEmpty ? "" : " (\(key) belongs to \(others))"
    return "the method \(name) has no setting \"\(key.prefix(60))\"\(owner); \(taken)\(hint)"
  }
}
