/// A row of the table of operators: how one becomes nodes of this project.
///
/// To add one is to add its row to one of the lists below, each in a file of its own.
struct ONNXOperator: Sendable {
  let name: String
  /// What the opsets read here changed in it; empty where nothing that matters to a network.
  let changes: String
  let lower: @Sendable (inout ONNXTranslation, ONNXNode) throws -> Void

  init(_ name: String, changes: String = "", _ lower: @escaping @Sendable (inout ONNXTranslation, ONNXNode) throws -> Void) {
    self.name = name
    self.changes = changes
    self.lower = lower
  }

  static let all: [ONNXOperator] = layers + pooling + elementwise + shaping + resizing
  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  static func named(_ name: String) -> ONNXOperator? { byName[name] }
}
