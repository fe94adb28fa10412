import Datasets
import Files
import TensorEngine

/// The arrays of an evidence: see `Evidence`. What is read here fits together by its lengths and ranges; whether it is true is for the
/// replay.
struct EvidenceExamples {
  /// Of every example that was evaluated.
  let evaluatedIDs, evaluatedLabels: [Int]
  let clean: [Bool]
  /// By attack, then example.
  let withstood: [[Bool]]
  /// Of every image.
  let ids, labels, predictions, attacks, parts: [Int]
  private let file: OpenFile
  private let shape: Shape

  /// - Throws: `DatasetError`, `EvidenceError`.
  init(_ file: OpenFile, shape: Shape, classes: Int, attacks attackCount: Int) throws {
    self.file = file
    self.shape = shape
    evaluatedIDs = try NPZArray("evaluated_ids", in: file).integers()
    let evaluated = evaluatedIDs.count
    evaluatedLabels = try Self.integers("evaluated_labels", file, count: evaluated)
    clean = try Self.booleans("evaluated_clean", file, [evaluated])
    let flat = try Self.booleans("evaluated_withstood", file, [attackCount, evaluated])
    withstood = (0..<attackCount).map { Array(flat[$0 * evaluated..<($0 + 1) * evaluated]) }
    ids = try NPZArray("ids", in: file).integers()
    labels = try Self.integers("labels", file, count: ids.count)
    predictions = try Self.integers("predictions", file, count: ids.count)
    attacks = try Self.integers("attacks", file, count: ids.count)
    parts = try Self.integers("parts", file, count: ids.count)
    try Self.requireRising("evaluated_ids", evaluatedIDs)
    try Self.requireRising("ids", ids)
    if let id = evaluatedIDs.first, id < 0 { throw Self.fault("evaluated_ids", "the example \(id) has no index; the first one is 0") }
    try Self.require("evaluated_labels", evaluatedLabels, of: evaluatedIDs, in: 0..<classes, "a class")
    try Self.require("labels", labels, of: ids, in: 0..<classes, "a class")
    try Self.require("attacks", attacks, of: ids, in: 0..<attackCount, "the place of an attack in \(Evidence.description)")
    for name in Self.imageArrays { _ = try Self.images(name, file, [count] + shape.dimensions) }
  }

  private static func fault(_ array: String, _ what: String) -> EvidenceError { EvidenceError("\(Evidence.examples), \(array): \(what)") }

  private static func requireRising(_ array: String, _ ids: [Int]) throws {
    guard let (first, second) = zip(ids, ids.dropFirst()).first(where: { $0 >= $1 }) else { return }
    throw fault(array, "the example \(second) comes after \(first); each must be there once, in rising order")
  }

  private static func require(_ array: String, _ values: [Int], of ids: [Int], in range: Range<Int>, _ what: String) throws {
    guard let (value, id) = zip(values, ids).first(where: { !range.contains($0.0) }) else { return }
    let expected = range.isEmpty ? "there is none" : "it must be from 0 to \(range.upperBound - 1)"
    throw fault(array, "the example \(id) has \(value), which is not \(what): \(expected)")
  }

  var count: Int { ids.count }

  private static let imageArrays = ["originals", "images"]

  /// Reads originals and images side by side, so many at a time.
  func forEach(_ step: Int, _ body: (Range<Int>, _ originals: Tensor, _ images: Tensor) throws -> Void) throws {
    let arrays = try Self.imageArrays.map { try Self.images($0, file, [count] + shape.dimensions) }
    for start in stride(from: 0, to: count, by: step) {
      let rows = start..<min(start + step, count)
      let tensors = try arrays.map { Tensor(shape.batched(rows.count), values: try $0.floats(rows.count * shape.count)) }
      try body(rows, tensors[0], tensors[1])
    }
    for array in arrays { try array.end() }
  }

  // MARK: Arrays

  private static func array(_ name: String, _ file: OpenFile, _ dimensions: [Int]) throws -> NPZArray {
    let array = try NPZArray(name, in: file)
    guard array.dimensions == dimensions else {
      throw fault(
        name, "it has the dimensions \(array.dimensions); by the other arrays and \(Evidence.description) they must be \(dimensions)")
    }
    return array
  }

  private static func integers(_ name: String, _ file: OpenFile, count: Int) throws -> [Int] { try array(name, file, [count]).integers() }

  private static func booleans(_ name: String, _ file: OpenFile, _ dimensions: [Int]) throws -> [Bool] {
    try array(name, file, dimensions).booleans()
  }

  private static func images(_ name: String, _ file: OpenFile, _ dimensions: [Int]) throws -> NPZArray {
    let array = try array(name, file, dimensions)
    guard array.descriptor == "<f4" else { throw fault(name, "its elements are of the type \(array.descriptor); they must be float32") }
    return array
  }
}
