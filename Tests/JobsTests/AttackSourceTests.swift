import Foundation
import JSON
import Jobs
import TensorEngine
import Testing
import Training

@Suite("The source of a training's attack") struct AttackSourceTests {
  private static let base = Specs.quick.setting("/training/attack/source", to: "base")

  private func faults(_ document: JSONValue) -> [FieldFault] {
    do {
      _ = try JobSpec(reading: document)
      return []
    } catch {
      return error.faults
    }
  }

  @Test(
    "images of the base model are refused in words where there is none, or where none can be made",
    arguments: [
      (["/training/base_epochs": 0], "no base model"), (["/training/method": "free", "/training/attack": ["source": "base"]], "carries"),
      (["/training/bn_in_attack": "train"], "running statistics"),
    ] as [([String: JSONValue], String)])
  func refused(_ changes: [String: JSONValue], _ words: String) {
    let document = changes.sorted { $0.key > $1.key }.reduce(Self.base) { $0.setting($1.key, to: $1.value) }
    let found = faults(document)
    #expect(found.map(\.pointer) == ["/training/attack/source"], "\(found)")
    #expect(found.first?.detail.contains(words) == true, "\(found)")
    #expect(faults(Self.base) == [])
    let standard = faults(Specs.quick.setting("/training", to: ["method": "standard", "attack": ["source": "base"]]))
    #expect(standard.map(\.pointer) == ["/training/attack"] && standard.first?.detail.contains("attacks nothing") == true)
  }

  @Test("the estimate counts the attack once for each image, and the memory a block of them") func estimate() throws {
    let check = SpecCheck(LocalCatalogue(folder: URL(fileURLWithPath: "/")))
    let epochs = Specs.quick.setting("/training/epochs", to: 9)
    let current = try check.accept(epochs)
    let base = try check.accept(epochs.setting("/training/attack/source", to: "base"))
    // 180 images, two steps each: in one round instead of nine.
    #expect(current.estimate.gradientEvaluations - base.estimate.gradientEvaluations == 180 * 2 * 8)
    #expect(base.footprint.jobBytes >= current.footprint.jobBytes)
  }

  @Test("a job learns from images of its base model, and so from the same in a second run") func runs() throws {
    let folder = try TestFolder()
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(Self.base).spec
    let digests = try (0..<2).map { number -> String in
      let out = folder.url.appendingPathComponent("\(number)")
      let report = try LocalRun(engine: Engine(threads: 1 + number), catalogue: catalogue).run(spec, in: out)
      #expect(!FileManager.default.fileExists(atPath: out.appendingPathComponent(TrainingRun.baseImagesName).path))
      return report.model.sha256
    }
    #expect(digests[0] == digests[1])
  }
}
