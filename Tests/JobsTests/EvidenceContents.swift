import Datasets
import Files
import Foundation
import JSON
import Jobs
import Models
import TensorEngine

/// The members of an evidence, to be changed and put together again.
struct EvidenceContents {
  private struct Member {
    let name: String
    var dimensions: [Int]
    var values: Values
  }
  private enum Values {
    case integers([Int])
    case booleans([Bool])
    case floats([Float])
  }

  private var description: JSONValue
  private var arrays: [Member]

  private static let names = [
    "evaluated_ids", "evaluated_labels", "evaluated_clean", "evaluated_withstood", "ids", "labels", "predictions", "attacks", "parts",
    "originals", "images",
  ]

  init(of url: URL) throws {
    let tar = try TarArchive(OpenFile(url))
    var members: [String: Data] = [:]
    while let (name, _) = try tar.nextEntry() {
      var data = Data()
      try tar.forEachPiece { data.append(contentsOf: $0) }
      members[name] = data
    }
    description = try JSONValue(parsing: [UInt8](members["evidence.json"] ?? Data()))
    let npz = url.deletingLastPathComponent().appendingPathComponent("examples.npz")
    try (members["examples.npz"] ?? Data()).write(to: npz)
    defer { try? FileManager.default.removeItem(at: npz) }
    let file = try OpenFile(npz)
    arrays = try Self.names.map { name in
      let array = try NPZArray(name, in: file)
      let values: Values =
        switch array.descriptor {
        case "<i8": .integers(try array.integers())
        case "|b1": .booleans(try array.booleans())
        default: .floats(try array.floats(array.count))
        }
      return Member(name: name, dimensions: array.dimensions, values: values)
    }
  }

  private init(description: JSONValue, arrays: [Member]) {
    self.description = description
    self.arrays = arrays
  }

  // MARK: Reading

  private struct Missing: Error {}

  func integers(_ name: String) throws -> [Int] {
    guard case .integers(let values) = arrays.first(where: { $0.name == name })?.values else { throw Missing() }
    return values
  }

  func booleans(_ name: String) throws -> [Bool] {
    guard case .booleans(let values) = arrays.first(where: { $0.name == name })?.values else { throw Missing() }
    return values
  }

  func floats(_ name: String) throws -> [Float] {
    guard case .floats(let values) = arrays.first(where: { $0.name == name })?.values else { throw Missing() }
    return values
  }

  // MARK: Changing

  mutating func set(_ name: String, _ place: Int, to value: Int) throws {
    var values = try integers(name)
    values[place] = value
    replace(name, .integers(values))
  }

  mutating func set(_ name: String, _ place: Int, to value: Bool) throws {
    var values = try booleans(name)
    values[place] = value
    replace(name, .booleans(values))
  }

  mutating func set(_ name: String, _ place: Int, to value: Float) throws {
    var values = try floats(name)
    values[place] = value
    replace(name, .floats(values))
  }

  private mutating func replace(_ name: String, _ values: Values) {
    for index in arrays.indices where arrays[index].name == name { arrays[index].values = values }
  }

  func setting(_ name: String, _ place: Int, to value: Int) throws -> EvidenceContents {
    var other = self
    try other.set(name, place, to: value)
    return other
  }

  func describing(_ pointer: String, as value: JSONValue?) -> EvidenceContents {
    var other = self
    other.description = description.setting(pointer, to: value)
    return other
  }

  func without(_ name: String) -> EvidenceContents {
    var other = self
    other.arrays.removeAll { $0.name == name }
    return other
  }

  /// With an example fewer in one array.
  func shortened(_ name: String) throws -> EvidenceContents {
    var other = self
    for index in arrays.indices where arrays[index].name == name {
      let size = arrays[index].dimensions.dropFirst().reduce(1, *)
      other.arrays[index].dimensions[0] -= 1
      switch arrays[index].values {
      case .integers(let values): other.arrays[index].values = .integers(values.dropLast(size))
      case .booleans(let values): other.arrays[index].values = .booleans(values.dropLast(size))
      case .floats(let values): other.arrays[index].values = .floats(values.dropLast(size))
      }
    }
    return other
  }

  // MARK: Writing

  /// - Parameter refitting: whether the description gives the digest of what is written.
  func write(to url: URL, refitting: Bool) throws {
    var bytes: [UInt8] = []
    let npz = try NPZWriter { bytes += $0 }
    for array in arrays {
      switch array.values {
      case .integers(let values): try npz.add(array.name, values, dimensions: array.dimensions)
      case .booleans(let values): try npz.add(array.name, values, dimensions: array.dimensions)
      case .floats(let values):
        try npz.add(array.name, .float32, array.dimensions) { write in try values.withUnsafeBytes(write) }
      }
    }
    try npz.finish()
    let document =
      refitting && description["members"]?["examples.npz"] != nil
      ? description.setting("/members/examples.npz/sha256", to: .string(SHA256Digest.hex(of: bytes))) : description
    try AtomicFile.write(to: url) { file in
      let tar = try ArchiveWriter(.tar) { try file.append($0) }
      try tar.add("evidence.json", Data(document.serialised().utf8))
      try tar.add("examples.npz", bytes)
      try tar.finish()
    }
  }

  // MARK: By hand

  /// Weights of a network of one pixel that says 1 above a threshold, and an evidence of images of it that are above.
  static func ofOnePixel(threshold: Float, images: [Float], in folder: URL) throws {
    let spec = try JobSpec(
      reading: [
        "kind": "evaluate", "dataset": ["id": "digits"], "model": ["architecture": "linear", "init": "model.safetensors"],
        "threat": ["norm": "linf", "epsilon": 0.1], "evaluation": ["attacks": [["name": "fgsm"]]],
      ], origin: .commandLine)
    let layout = try spec.model.description.graph(input: [1], classes: 2).layout
    let parameters = Parameters(layout)
    for (id, specification) in zip(layout.ids, layout.parameters) {
      // Logits are [threshold, pixel].
      parameters[id] = Tensor(specification.shape, values: specification.shape.rank == 2 ? [0, 1] : [threshold, 0])
    }
    let weights = Safetensors(Weights(parameters)).encoded()
    try weights.write(to: folder.appendingPathComponent("model.safetensors"))
    let count = images.count
    func all<Value>(_ value: Value) -> [Value] { [Value](repeating: value, count: count) }
    let arrays: [Member] = [
      Member(name: "evaluated_ids", dimensions: [count], values: .integers([Int](0..<count))),
      Member(name: "evaluated_labels", dimensions: [count], values: .integers(all(0))),
      Member(name: "evaluated_clean", dimensions: [count], values: .booleans(all(true))),
      Member(name: "evaluated_withstood", dimensions: [1, count], values: .booleans(all(false))),
      Member(name: "ids", dimensions: [count], values: .integers([Int](0..<count))),
      Member(name: "labels", dimensions: [count], values: .integers(all(0))),
      Member(name: "predictions", dimensions: [count], values: .integers(all(1))),
      Member(name: "attacks", dimensions: [count], values: .integers(all(0))),
      Member(name: "parts", dimensions: [count], values: .integers(all(-1))),
      Member(name: "originals", dimensions: [count, 1], values: .floats(all(threshold - 0.01))),
      Member(name: "images", dimensions: [count, 1], values: .floats(images)),
    ]
    let settings: JSONValue = if case .array(let attacks) = spec.json["evaluation"]?["attacks"] { attacks.first ?? nil } else { nil }
    let description: JSONValue = [
      "format": "temper-evidence", "version": 1, "model": ["sha256": .string(SHA256Digest.hex(of: weights))],
      "dataset": ["id": nil, "sha256": "", "shape": [1], "classes": ["dark", "bright"]],
      "threat": ["norm": "linf", "epsilon": 0.1], "attacks": [["label": "fgsm", "settings": settings, "parts": []]],
      "spec": spec.json,
      "members": ["examples.npz": ["sha256": ""]],
    ]
    try EvidenceContents(description: description, arrays: arrays).write(to: Evidence.url(in: folder), refitting: true)
  }
}
