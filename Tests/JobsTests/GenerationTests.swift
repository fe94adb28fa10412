import Attacks
import Datasets
import Files
import Foundation
import JSON
import Jobs
import Models
import Robustness
import TensorEngine
import Testing

@Suite("A job that makes adversarial images")
struct GenerationTests {
  private static let engine = Engine(threads: 2)

  /// Weights that know something of the digits.
  private func trained(in folder: TestFolder) throws -> URL {
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(Specs.quick.setting("/training/base_epochs", to: 5), origin: .commandLine).spec
    _ = try JobRunner(engine: Self.engine, catalogue: catalogue).run(spec, in: folder.url.appendingPathComponent("trained"))
    return folder.url.appendingPathComponent("trained/checkpoints/base.safetensors")
  }

  private func document(_ weights: URL, part: String = "both", steps: Int64 = 3) -> JSONValue {
    [
      "kind": "generate", "dataset": ["id": "digits", "limit": 150],
      "model": ["architecture": "linear", "init": .string(weights.path)], "threat": ["norm": "linf", "epsilon": 0.1],
      "generation": ["attack": ["name": "pgd", "steps": .int(steps)], "part": .string(part)],
    ]
  }

  private func generate(
    _ document: JSONValue, in directory: URL, resume: Bool = false, sink: RunSink = RunSink(), control: RunControl = RunControl()
  ) throws -> GeneratedImages {
    let catalogue = LocalCatalogue(folder: directory)
    let spec = try SpecCheck(catalogue).accept(document, origin: .commandLine).spec
    return try JobRunner(engine: Self.engine, catalogue: catalogue).generate(
      spec, in: directory, resume: resume, saveInterval: 0, sink: sink, control: control)
  }

  private func integers(_ name: String, in directory: URL) throws -> [Int] {
    try NPZArray(name, in: OpenFile(GeneratedImages.url(in: directory))).integers()
  }

  @Test("leaves a data set whose images are of the source's, within epsilon, with their true labels, ids, and the outcome of each")
  func images() throws {
    let folder = try TestFolder()
    let directory = folder.url.appendingPathComponent("made")
    let images = try generate(document(try trained(in: folder)), in: directory)
    let digits = try VerifiedData.load("digits", format: nil)
    let made = try DatasetSource.load(format: .npz, path: GeneratedImages.url(in: directory))
    #expect(made.sha256 == images.sha256 && made.sourceBytes == images.bytes)
    #expect(made.imageShape == digits.imageShape && made.train.count == 150 && made.test.count == digits.test.count)
    for (name, part, source) in [("train", made.train, digits.train), ("test", made.test, digits.test)] {
      let ids = try integers("ids_\(name)", in: directory)
      #expect(part.labels(at: part.labels.indices) == source.labels(at: ids))
      let (found, clean) = (try part.images(at: Array(0..<part.count)), try source.images(at: ids))
      let distances = Threat(norm: .linf, epsilon: 0.1).distances(of: found, from: clean)
      #expect(distances.allSatisfy { $0 <= 0.1 + 1e-6 })
      let (outcomes, predictions) = (try integers("outcomes_\(name)", in: directory), try integers("predictions_\(name)", in: directory))
      for (row, outcome) in outcomes.enumerated() {
        switch outcome {
        case 0: #expect(predictions[row] == part.labels(at: [row])[0] && distances[row] > 0)
        case 1: #expect(predictions[row] != part.labels(at: [row])[0] && distances[row] > 0)
        default: #expect(outcome == 2 && predictions[row] == -2 && distances[row] == 0)
        }
      }
      let counts = try #require(images.parts.first { $0.part == name })
      #expect(counts.images == ids.count && counts.misclassified == outcomes.count { $0 == 1 } && counts.misclassified > 0)
      #expect(counts.withstood == outcomes.count { $0 == 0 } && counts.wrongBefore == outcomes.count { $0 == 2 })
    }
  }

  @Test("leaves the images aside that the makers of the source set aside")
  func aside() throws {
    let folder = try TestFolder()
    let digits = try VerifiedData.load("digits", format: nil)
    let source = folder.url.appendingPathComponent("source.npz")
    _ = try AtomicFile.write(to: source) { file in
      let npz = try NPZWriter { try file.append($0) }
      for (name, rows) in [("train", 0..<60), ("val", 60..<80), ("test", 80..<100)] {
        try npz.add("y_\(name)", digits.train.labels(at: Array(rows)))
        let images = try digits.train.images(at: Array(rows))
        try npz.add("x_\(name)", .float32, [rows.count] + digits.imageShape.dimensions) { write in try images.values.withUnsafeBytes(write)
        }
      }
      try npz.finish()
    }
    let directory = folder.url.appendingPathComponent("made")
    let document = self.document(try trained(in: folder)).setting(
      "/dataset", to: ["path": .string(source.path), "format": "npz", "limit": 30])
    let images = try generate(document, in: directory)
    let made = try DatasetSource.load(format: .npz, path: GeneratedImages.url(in: directory))
    #expect(made.train.count == 50 && made.givenValidation == 20 && made.test.count == 20)
    #expect(try integers("ids_val", in: directory) == Array(0..<20))
    let ids = try integers("ids_train", in: directory) + Array(60..<80)
    let (found, clean) = (try made.train.images(at: Array(0..<50)), try digits.train.images(at: ids))
    let distances = Threat(norm: .linf, epsilon: 0.1).distances(of: found, from: clean)
    #expect(distances.allSatisfy { $0 <= 0.1 + 1e-6 } && distances.suffix(20).contains { $0 > 0 })
    let outcomes = try integers("outcomes_train", in: directory) + integers("outcomes_val", in: directory)
    #expect(images.parts.first { $0.part == "train" }?.misclassified == outcomes.count { $0 == 1 })
  }

  @Test("keeps the clean images of the part that it is not asked for", arguments: ["train", "test"])
  func onePart(_ part: String) throws {
    let folder = try TestFolder()
    let directory = folder.url.appendingPathComponent("made")
    let images = try generate(document(try trained(in: folder), part: part), in: directory)
    #expect(images.parts.map(\.part) == [part])
    let digits = try VerifiedData.load("digits", format: nil)
    let made = try DatasetSource.load(format: .npz, path: GeneratedImages.url(in: directory))
    let (kept, source) = part == "train" ? (made.test, digits.test) : (made.train, digits.train)
    let ids = try integers("ids_\(part == "train" ? "test" : "train")", in: directory)
    #expect(try kept.images(at: Array(0..<kept.count)) == source.images(at: ids))
  }

  @Test("leaves the same bytes after every kill and resume", arguments: [1, 2])
  func interrupted(_ positions: Int) throws {
    let folder = try TestFolder()
    let weights = try trained(in: folder)
    let (whole, broken) = (folder.url.appendingPathComponent("whole"), folder.url.appendingPathComponent("broken"))
    _ = try generate(document(weights, steps: 2_000), in: whole)
    var (attempts, isOver) = (0, false)
    while !isOver, attempts < 300 {
      attempts += 1
      let start = JobRunner.savedState(in: broken)?.position ?? 0
      let control = RunControl()
      do {
        let sink = RunSink(saved: { if $0.position >= start + positions { control.stop(.pause) } })
        _ = try generate(document(weights, steps: 2_000), in: broken, resume: true, sink: sink, control: control)
        isOver = true
      } catch Interruption.pause {}
    }
    #expect(attempts > 1)
    for url in [GeneratedImages.url, Evidence.url] { #expect(try Data(contentsOf: url(broken)) == Data(contentsOf: url(whole))) }
    JobRunner.removeState(in: broken)
    #expect(Folder.names(in: broken) == ["dataset.npz", "evidence.tar"])
  }

  @Test("is refused without weights, with an evaluation or gates, with a sequence of attacks or one of another norm")
  func faults() throws {
    let folder = try TestFolder()
    let whole = document(try trained(in: folder))
    let catalogue = LocalCatalogue(folder: folder.url)
    let faulty: [(JSONValue, String)] = [
      (whole.setting("/model/init", to: nil), "/model/init"), (whole.setting("/evaluation", to: ["samples": 5]), "/evaluation"),
      (whole.setting("/gates", to: [["metric": "clean_accuracy", "min": 0.5]]), "/gates"),
      (whole.setting("/training", to: [:]), "/training"), (whole.setting("/precision", to: "mixed"), "/precision"),
      (whole.setting("/generation/attack", to: ["name": "autoattack"]), "/generation/attack/name"),
      (whole.setting("/generation/part", to: "validation"), "/generation/part"),
      (Specs.quick.setting("/generation", to: [:]), "/generation"),
    ]
    for (document, pointer) in faulty {
      do throws(SpecFaults) {
        _ = try SpecCheck(catalogue).accept(document, origin: .commandLine)
        Issue.record("\(pointer) is accepted")
      } catch {
        #expect(error.faults.map(\.pointer).contains(pointer), "\(error)")
      }
    }
    let spec = try SpecCheck(catalogue).accept(whole, origin: .commandLine).spec
    #expect(try JobSpec(reading: spec.json, origin: .commandLine) == spec)
    #expect(spec.json["evaluation"] == .null && spec.json["generation"]?["part"] == "both")
  }

  @Test("a limit that leaves a class without a training image is refused before anything is computed, with a number that is enough")
  func limit() throws {
    let folder = try TestFolder()
    let whole = document(try trained(in: folder))
    let check = SpecCheck(LocalCatalogue(folder: folder.url))
    let error = try #require(throws: SpecFaults.self) { try check.accept(whole.setting("/dataset/limit", to: 3), origin: .commandLine) }
    #expect(error.faults.map(\.pointer) == ["/dataset/limit"] && error.faults.map(\.code) == [.outOfRange])
    let detail = try #require(error.faults.first?.detail)
    #expect(detail.contains("leave 7 of the 10 classes without any"), "\(detail)")
    let enough = try #require(detail.firstMatch(of: /([0-9]+) are enough/).flatMap { Int64($0.output.1) })
    #expect((10...20).contains(enough))
    #expect(throws: SpecFaults.self) { try check.accept(whole.setting("/dataset/limit", to: .int(enough - 1)), origin: .commandLine) }
    let document = whole.setting("/dataset/limit", to: .int(enough))
    let made = folder.url.appendingPathComponent("made")
    _ = try generate(document, in: made)
    let data = try DatasetSource.load(format: .npz, path: GeneratedImages.url(in: made))
    #expect(data.train.count == Int(enough) && data.train.countsPerClass(10).allSatisfy { $0 > 0 })
    // Training needs no image of each class.
    let few = Specs.quick.setting("/dataset", to: ["id": "digits", "limit": 3, "validation_fraction": 0])
    #expect(throws: Never.self) { try check.accept(few, origin: .commandLine) }
  }
}
