import Datasets
import Files
import Foundation
import JSON
import Jobs
import Models
import Robustness
import TensorEngine
import Testing

@Suite("The evidence of an evaluation")
struct EvidenceTests {
  private static let engine = Engine(threads: 2)
  private let document = Specs.quick.setting("/evaluation/samples", to: 120)
    .setting("/evaluation/attacks", to: [["name": "fgsm"], ["name": "pgd", "steps": 3]])

  private func run(
    _ folder: TestFolder, resume: Bool = false, sink: RunSink = RunSink(), control: RunControl = RunControl()
  ) throws -> Report {
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(document, origin: .commandLine).spec
    return try JobRunner(engine: Self.engine, catalogue: catalogue).run(
      spec, in: folder.url, resume: resume, saveInterval: 0, sink: sink, control: control)
  }

  private func check(_ folder: TestFolder, model: String = "best_robust", dataset: Dataset? = nil) throws -> EvidenceCheck {
    try EvidenceCheck(
      Evidence.url(in: folder.url), model: folder.url.appendingPathComponent("checkpoints/\(model).safetensors"), dataset: dataset,
      engine: Self.engine)
  }

  @Test("agrees with the weights and the data that it is of, and counts what the report counts")
  func agrees() throws {
    let folder = try TestFolder()
    let after = try run(folder).after
    let check = try check(folder, dataset: VerifiedData.load("digits", format: nil))
    #expect(check.agrees, "\(check.json.serialised(pretty: true))")
    #expect(check.evaluated == 120 && check.correct == after.cleanAccuracy.correct && check.withstood == after.worstCase.correct)
    #expect(check.images == check.correct - check.withstood && check.images > 0)
    #expect(check.agreeing == check.images)
    #expect(check.survivors > 0 && check.survivors <= check.images)
  }

  @Test("a few of its images are shown without unpacking it: of several classes, each with what it is and what it is taken for")
  func sheet() throws {
    let folder = try TestFolder()
    let report = try run(folder)
    let sheet = try ExampleSheet(evidence: OpenFile(Evidence.url(in: folder.url)))
    #expect(sheet.shape == [8, 8, 1] && sheet.examples.count == ExampleSheet.mostExamples)
    #expect(Set(sheet.examples.map(\.trueClass)).count >= 3)
    let digits = try VerifiedData.load("digits", format: nil)
    let all = try digits.test.images(at: Array(0..<digits.test.count))
    for example in sheet.examples {
      #expect(example.trueClass != example.predictedClass && digits.classNames.contains(example.predictedClass))
      #expect(report.after.attacks.map(\.label).contains(example.attack))
      var largest: Float = 0
      for (clean, adversarial) in zip(example.clean, example.adversarial) { largest = max(largest, abs(clean - adversarial)) }
      #expect(largest > 0 && Double(largest) <= report.after.threat.epsilon + 1e-6)
      let place = try #require((0..<digits.test.count).first { Array(all[example: $0]) == example.clean })
      #expect(digits.classNames[Int(digits.test.labels[place])] == example.trueClass)
    }
    #expect(try sheet.png() != nil)
  }

  @Test("has the same bytes after every kill and resume", arguments: [1, 4])
  func interrupted(_ positions: Int) throws {
    let (folder, broken) = (try TestFolder(), try TestFolder())
    _ = try run(folder)
    var (attempts, isOver) = (0, false)
    while !isOver, attempts < 300 {
      attempts += 1
      let start = JobRunner.savedState(in: broken.url)?.position ?? 0
      let control = RunControl()
      do {
        _ = try run(
          broken, resume: true, sink: RunSink(saved: { if $0.position >= start + positions { control.stop(.pause) } }), control: control)
        isOver = true
      } catch Interruption.pause {}
    }
    #expect(attempts > 1)
    #expect(try Data(contentsOf: Evidence.url(in: broken.url)) == Data(contentsOf: Evidence.url(in: folder.url)))
  }

  @Test("of other weights is refused by their digest, and nothing is replayed")
  func otherWeights() throws {
    let folder = try TestFolder()
    _ = try run(folder)
    let check = try check(folder, model: "base")
    #expect(!check.agrees && check.agreeing == 0 && check.disagreements.isEmpty)
    #expect(check.faults.count == 1 && check.faults[0].contains("these are other weights"))
  }

  @Test("of other data is told so")
  func otherData() throws {
    let folder = try TestFolder()
    _ = try run(folder)
    let digits = try VerifiedData.load("digits", format: nil)
    let other = Dataset(
      name: "other", imageShape: digits.imageShape, classNames: digits.classNames, train: digits.train, test: digits.test,
      sha256: String(repeating: "0", count: 64), sourceBytes: 1)
    let check = try check(folder, dataset: other)
    #expect(check.faults.count == 1 && check.faults[0].contains("this is other data"))
    #expect(check.agreeing == check.images)
  }

  /// A float of an array of images, and what a check says of it.
  static let changes: [(array: String, value: Float, reason: String)] = [
    ("images", 0, "from the clean image in linf, beyond 0.1"), ("images", .nan, "a pixel of the image is not in [0, 1]"),
    ("images", 2, "a pixel of the image is not in [0, 1]"), ("originals", -1, "a pixel of the clean image is not in [0, 1]"),
  ]

  @Test("names the example whose image was changed, whether or not its digests were made to fit", arguments: changes, [false, true])
  func changed(_ change: (array: String, value: Float, reason: String), isRefitted: Bool) throws {
    let folder = try TestFolder()
    _ = try run(folder)
    var contents = try EvidenceContents(of: Evidence.url(in: folder.url))
    let ids = try contents.integers("ids")
    let place = ids.count / 2
    // A pixel in the middle of the image; where 0 is meant to be far away, one that is bright in the clean image.
    let clean = try contents.floats("originals")
    let pixel = try #require((place * 64..<(place + 1) * 64).first { clean[$0] > 0.5 })
    try contents.set(change.array, pixel, to: change.value)
    try contents.write(to: Evidence.url(in: folder.url), refitting: isRefitted)
    let check = try check(folder)
    #expect(check.disagreements.map(\.id) == [ids[place]])
    #expect(check.disagreements.first?.reasons.contains { $0.contains(change.reason) } == true, "\(check.disagreements)")
    #expect(check.faults.contains { $0.contains("was changed") } == !isRefitted)
    #expect(check.agreeing == check.images - 1)
  }

  @Test("names the example of which it says something else", arguments: ["labels", "predictions", "ids", "attacks"])
  func lies(_ array: String) throws {
    let folder = try TestFolder()
    _ = try run(folder)
    var contents = try EvidenceContents(of: Evidence.url(in: folder.url))
    let (ids, values) = (try contents.integers("ids"), try contents.integers(array))
    let evaluated = try contents.integers("evaluated_ids")
    switch array {
    case "ids": try contents.set("ids", 0, to: try #require((0..<ids[0]).first { !evaluated.contains($0) }))
    case "attacks": try contents.set("attacks", 0, to: 1 - values[0])
    default: try contents.set(array, 0, to: (values[0] + 1) % 10)
    }
    try contents.write(to: Evidence.url(in: folder.url), refitting: true)
    let check = try check(folder)
    let named = try contents.integers("ids")[0]
    #expect(!check.agrees && check.disagreements.contains { $0.id == named }, "\(check.disagreements)")
    #expect(check.agreeing == check.images - 1)
  }

  @Test(
    "whose description says another thing than its spec or its arrays is told so",
    arguments: [
      "/examples/evaluated", "/examples/correct", "/examples/withstood", "/examples/misclassified", "/seed", "/attacks",
    ])
  func contradictsItself(_ pointer: String) throws {
    let folder = try TestFolder()
    _ = try run(folder)
    let contents = try EvidenceContents(of: Evidence.url(in: folder.url))
    try contents.describing(pointer, as: pointer == "/attacks" ? [["label": "a", "parts": []], ["label": "b", "parts": []]] : 77_777).write(
      to: Evidence.url(in: folder.url), refitting: true)
    let check = try check(folder)
    #expect(check.faults.count == 1 && check.faults.first?.contains("is not what") == true, "\(check.faults)")
  }

  @Test("whose outcomes, labels or indices are not those of the data names the example", arguments: ["wrong", "right", "label", "index"])
  func outcomesOfTheData(_ kind: String) throws {
    let folder = try TestFolder()
    _ = try run(folder)
    var contents = try EvidenceContents(of: Evidence.url(in: folder.url))
    let (ids, clean) = (try contents.integers("evaluated_ids"), try contents.booleans("evaluated_clean"))
    let fallen = Set(try contents.integers("ids"))
    let named: Int
    switch kind {
    case "wrong":
      let place = try #require(ids.indices.first { clean[$0] && !fallen.contains(ids[$0]) })
      try contents.set("evaluated_clean", place, to: false)
      for attack in 0..<(try contents.booleans("evaluated_withstood").count / ids.count) {
        try contents.set("evaluated_withstood", attack * ids.count + place, to: false)
      }
      named = ids[place]
    case "right":
      let place = try #require(ids.indices.first { !clean[$0] })
      try contents.set("evaluated_clean", place, to: true)
      for attack in 0..<(try contents.booleans("evaluated_withstood").count / ids.count) {
        try contents.set("evaluated_withstood", attack * ids.count + place, to: true)
      }
      named = ids[place]
    case "label":
      let place = try #require(ids.indices.first { !fallen.contains(ids[$0]) })
      try contents.set("evaluated_labels", place, to: (try contents.integers("evaluated_labels")[place] + 1) % 10)
      named = ids[place]
    default:
      named = 1_000_000_000
      let place = ids.count - 1
      try contents.set("evaluated_ids", place, to: named)
    }
    try contents.write(to: Evidence.url(in: folder.url), refitting: true)
    let check = try check(folder, dataset: VerifiedData.load("digits", format: nil))
    #expect(check.disagreements.contains { $0.id == named }, "\(check.disagreements) \(check.faults)")
  }

  @Test("of anyone's making is refused with a sentence, and never ends the process")
  func hostile() throws {
    let folder = try TestFolder()
    _ = try run(folder)
    let url = Evidence.url(in: folder.url)
    let whole = try Data(contentsOf: url)
    let contents = try EvidenceContents(of: url)
    let files: [EvidenceContents] = [
      contents.describing("/dataset/shape", as: [8, 8]), contents.describing("/dataset/shape", as: [1_000_000, 1_000_000, 1_000_000]),
      contents.describing("/dataset/shape", as: [8, 8, 2]), contents.describing("/dataset/classes", as: []),
      contents.describing("/dataset/classes", as: ["a", "b"]), contents.describing("/attacks", as: []),
      contents.describing("/attacks", as: 7), contents.describing("/threat/epsilon", as: 1), contents.describing("/spec", as: [:]),
      contents.describing("/spec/model", as: ["architecture": "madry_cnn"]), contents.describing("/version", as: 2),
      contents.describing("/format", as: nil), contents.describing("/model", as: nil), contents.describing("/members", as: []),
      contents.without("images"), contents.without("evaluated_ids"), try contents.shortened("labels"), try contents.shortened("images"),
      try contents.setting("attacks", 0, to: -1), try contents.setting("attacks", 0, to: .max),
      try contents.setting("labels", 0, to: 1_000),
      try contents.setting("ids", 0, to: .max), try contents.setting("evaluated_ids", 0, to: -5),
    ]
    for (number, file) in files.enumerated() {
      try file.write(to: url, refitting: true)
      #expect(throws: (any Error).self, "\(number)") { try check(folder) }
    }
    for count in [0, 1, 511, 512, 1_000, 1_536, whole.count / 2, whole.count - 2_000] {
      try whole.prefix(count).write(to: url)
      #expect(throws: EvidenceError.self, "\(count) bytes") { try check(folder) }
    }
    // A byte that is wrong is found, or is one that says nothing.
    for place in stride(from: 0, to: whole.count, by: max(1, whole.count / 300)) {
      var bytes = whole
      bytes[place] ^= 0x41
      try bytes.write(to: url)
      _ = try? check(folder)
    }
  }

  private func refusal(_ folder: TestFolder) throws -> String {
    let error = try #require(throws: EvidenceError.self) { try check(folder) }
    return error.description
  }

  @Test("that contradicts itself is refused with the array, the example and what would be right")
  func namedRefusals() throws {
    let folder = try TestFolder()
    _ = try run(folder)
    let url = Evidence.url(in: folder.url)
    let contents = try EvidenceContents(of: url)
    let (ids, evaluated) = (try contents.integers("ids"), try contents.integers("evaluated_ids"))
    let (last, place) = (ids.count - 1, evaluated.count / 2)
    let cases: [(EvidenceContents, String)] = [
      (
        try contents.setting("labels", last, to: 10),
        "examples.npz, labels: the example \(ids[last]) has 10, which is not a class: it must be from 0 to 9"
      ),
      (
        try contents.setting("evaluated_labels", place, to: -3),
        "examples.npz, evaluated_labels: the example \(evaluated[place]) has -3, which is not a class: it must be from 0 to 9"
      ),
      (
        try contents.setting("attacks", last, to: 2),
        "examples.npz, attacks: the example \(ids[last]) has 2, which is not the place of an attack in evidence.json: it must be from 0 to 1"
      ),
      (
        try contents.setting("ids", last, to: ids[last - 1]),
        "examples.npz, ids: the example \(ids[last - 1]) comes after \(ids[last - 1]); each must be there once, in rising order"
      ),
      (try contents.setting("evaluated_ids", 0, to: -5), "examples.npz, evaluated_ids: the example -5 has no index; the first one is 0"),
      (
        try contents.shortened("labels"),
        "examples.npz, labels: it has the dimensions [\(last)]; by the other arrays and evidence.json they must be [\(last + 1)]"
      ),
      (contents.describing("/version", as: 2), "evidence.json has the version 2 of the format; this temper reads version 1"),
      (contents.without("images"), "examples.npz, images: the archive has 0 arrays of this name; it must have one"),
    ]
    for (file, expected) in cases {
      try file.write(to: url, refitting: true)
      #expect(try refusal(folder) == expected)
    }
  }

  @Test("that was cut off is refused with the place, and one whose arrays were compressed with that cause")
  func causes() throws {
    let folder = try TestFolder()
    _ = try run(folder)
    let url = Evidence.url(in: folder.url)
    let whole = try Data(contentsOf: url)
    let npz = try #require(whole.range(of: Data("examples.npz".utf8), options: .backwards)).lowerBound
    for (count, expected) in [
      (0, "no tar archive"), (600, "evidence.json"), (npz, "the archive lacks examples.npz, and it does not end as an archive does"),
      (whole.count / 2, "examples.npz"), (whole.count - 2_000, "within its entry examples.npz of"),
    ] {
      try whole.prefix(count).write(to: url)
      let refusal = try refusal(folder)
      #expect(refusal.contains(expected) && (count == 0 || refusal.contains("cut off")), "\(count): \(refusal)")
    }
    // The method of each entry is in its own header and in the archive's directory.
    var bytes = whole
    for (signature, offset) in [([0x50, 0x4B, 3, 4], 8), ([0x50, 0x4B, 1, 2], 10)] as [([UInt8], Int)] {
      var start = npz
      while let found = bytes.range(of: Data(signature), in: start..<bytes.count) {
        bytes[found.lowerBound + offset] = 8
        start = found.upperBound
      }
    }
    try bytes.write(to: url)
    #expect(try refusal(folder).contains("examples.npz, evaluated_ids: the array is compressed"))
  }

  @Test("images without any that fell are an empty array, and agree")
  func empty() throws {
    let folder = try TestFolder()
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(document.setting("/evaluation/attacks", to: []), origin: .commandLine).spec
    _ = try JobRunner(engine: Self.engine, catalogue: catalogue).run(spec, in: folder.url)
    let check = try check(folder)
    #expect(check.agrees && check.images == 0 && check.survivors == 0 && check.evaluated == 120)
  }

  @Test("is not kept where the spec wants none, or where nobody asks and it would be large")
  func unwanted() throws {
    let folder = try TestFolder()
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(document.setting("/evaluation/evidence", to: false), origin: .commandLine).spec
    _ = try JobRunner(engine: Self.engine, catalogue: catalogue).run(spec, in: folder.url)
    #expect(!FileManager.default.fileExists(atPath: Evidence.url(in: folder.url).path))
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("evaluation.images").path))
    #expect(try SpecCheck(catalogue).accept(document).spec.json["evaluation"]?["evidence"] == true)
    #expect(try SpecCheck(LargeImages()).accept(document).spec.json["evaluation"]?["evidence"] == false)
    let asked = document.setting("/evaluation/evidence", to: true)
    #expect(try SpecCheck(LargeImages()).accept(asked).spec.json["evaluation"]?["evidence"] == true)
  }

  /// On a network of one pixel that says 1 above a threshold, an image rounds to the number of 255ths that is nearest, and survives where
  /// that is above the threshold.
  @Test("counts the images that survive rounding to 8 bits as a linear model does in closed form")
  func survivors() throws {
    let folder = try TestFolder()
    let threshold: Float = 0.4
    // The threshold is 102/255; the images lie a twentieth of 1/255 above it, and then a tenth further each.
    let steps = (0..<40).map { 0.05 + 0.1 * Double($0) }
    let images = steps.map { threshold + Float($0) / 255 }
    let expected = steps.count { (102 + $0).rounded() > 102 }
    #expect(expected == 35)
    try EvidenceContents.ofOnePixel(threshold: threshold, images: images, in: folder.url)
    let check = try EvidenceCheck(
      Evidence.url(in: folder.url), model: folder.url.appendingPathComponent("model.safetensors"), engine: Self.engine)
    #expect(check.agrees, "\(check.json.serialised(pretty: true))")
    #expect(check.agreeing == 40 && check.survivors == expected)
  }
}

/// Images of 1,000 × 1,000 pixels, which nobody has.
private struct LargeImages: Catalogue {
  func facts(of dataset: DatasetSection.Reference) throws -> DatasetFacts? {
    var facts = DatasetFacts(try VerifiedData.load("digits", format: nil))
    facts.shape = [1_000, 1_000, 3]
    return facts
  }

  func weights(_ id: String) throws -> StoredWeights? { nil }
  func outline(ofWeights id: String) throws -> [TensorOutline]? { nil }
  func metadata(ofWeights id: String) throws -> [String: String]? { nil }
  func pinned(_ name: String) -> String { name }
  func weights(labelled labels: [String: String]) throws -> String? { nil }
  func load(_ dataset: DatasetSection.Reference) throws -> Dataset { throw NotFound("images") }
}
