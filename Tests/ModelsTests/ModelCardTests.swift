import Models
import TensorEngine
import Testing

@Suite("Model cards")
struct ModelCardTests {
  static let cards: [ModelCard] = [
    ModelCard(
      model: ModelDescription(.preset("lenet")), input: [8, 8, 1], classes: 10,
      classNames: ["0", "1/2", "é", "3", "4", "5", "6", "7", "8", "9"]),
    ModelCard(
      model: ModelDescription(
        .preset("mlp", parameters: ["hidden": [3]]), normalization: Normalization(mean: [0.1307], std: [0.3081])),
      input: [4], classes: 2),
    ModelCard(
      model: ModelDescription(
        .layers([.residual(layers: [.conv(filters: 2, kernel: 3, padding: 1)]), .dropout(rate: 0.1), .flatten, .linear(units: 3)])),
      input: [5, 4, 2], classes: 3),
    ModelCard(
      model: ModelDescription(
        .preset("lenet"), preprocessing: Preprocessed.all, normalization: Normalization(mean: [0.1307], std: [0.3081])),
      input: [8, 8, 1], classes: 10),
  ]

  @Test("a network is rebuilt from its file's metadata", arguments: cards) func rebuilds(card: ModelCard) throws {
    let read = try #require(try ModelCard(metadata: card.metadata()))
    #expect(read.model == (try card.model.completed()))
    #expect(read.input == card.input)
    #expect(read.classNames == card.classNames)
    #expect(try read.metadata() == card.metadata())
    #expect(try read.graph().nodes.map(\.operation.label) == card.graph().nodes.map(\.operation.label))
    #expect(try read.graph().layout == card.graph().layout)
  }

  @Test("the metadata spell a preset out for readers that do not know it") func spellsPresetsOut() throws {
    let metadata = try ModelCard(model: ModelDescription(.preset("linear")), input: [2, 2, 1], classes: 3).metadata()
    #expect(
      metadata == [
        "format": "pt", "temper.format": "1", "temper.architecture": #"{"architecture":"linear"}"#,
        "temper.layers": #"[{"type":"flatten"},{"bias":true,"type":"linear","units":3}]"#, "temper.input": "[2,2,1]", "temper.classes": "3",
      ])
  }

  @Test("the metadata name the preprocessing, and only where there is one") func namesPreprocessing() throws {
    let metadata = try Self.cards[3].metadata()
    #expect(
      metadata["temper.preprocessing"]
        == #"[{"bits":4,"type":"bit_depth"},{"size":3,"type":"median"},{"sigma":0.5,"type":"gaussian_blur"},"#
        + #"{"quality":75,"type":"jpeg"},{"sigma":0.1,"type":"noise"}]"#)
    #expect(try ModelCard.preprocessing(metadata) == Preprocessed.all)
    #expect(try Self.cards[0].metadata()["temper.preprocessing"] == nil)
  }

  @Test("a file from elsewhere has no card") func otherFilesHaveNone() throws {
    #expect(try ModelCard(metadata: ["format": "pt"]) == nil)
  }

  @Test(
    "faulty metadata are refused with the entry's name",
    arguments: [
      ("temper.format", "2"), ("temper.architecture", "{"), ("temper.architecture", #"{"layers": [{"type": "swish"}]}"#),
      ("temper.architecture", #"{"architecture": "mlp", "hidden": "many"}"#), ("temper.architecture", "{}"),
      ("temper.input", "[28, 28.5]"), ("temper.input", ""), ("temper.classes", "ten"), ("temper.classes", "0"),
      ("temper.classes", "99999999"), ("temper.class_names", #"["one"]"#), ("temper.normalization", #"{"mean": [0]}"#),
      ("temper.preprocessing", #"[{"type": "median", "size": 4}]"#), ("temper.preprocessing", "{}"),
    ])
  func refusesFaultyMetadata(key: String, value: String) throws {
    var metadata = try Self.cards[0].metadata()
    metadata[key] = value
    let error = #expect(throws: ModelCardError.self) { try ModelCard(metadata: metadata) }
    #expect(error?.description.contains(key) == true)
  }

  @Test("a missing entry is named", arguments: ["temper.architecture", "temper.input", "temper.classes"])
  func namesWhatIsMissing(key: String) throws {
    var metadata = try Self.cards[0].metadata()
    metadata[key] = nil
    let error = #expect(throws: ModelCardError.self) { try ModelCard(metadata: metadata) }
    #expect(error?.description == "the metadata lack \(key)")
  }

  @Test("shapes that no network can have are refused when the graph is built", arguments: ["[]", "[-3]", "[99999999,99999999,9]", "[1,2]"])
  func refusesImpossibleShapes(shape: String) throws {
    var metadata = try Self.cards[0].metadata()
    metadata["temper.input"] = shape
    let card = try #require(try ModelCard(metadata: metadata))
    #expect(throws: ModelError.self) { try card.graph() }
  }
}
