import Foundation
import JSON
import Jobs
import Models
import Robustness
import TensorEngine
import Testing

@Suite("A job whose network has preprocessing") struct PreprocessingJobTests {
  private static let engine = Engine(threads: 2)
  private static let list: JSONValue = [["type": "bit_depth", "bits": 3], ["type": "jpeg", "quality": 60]]
  private let document = Specs.quick.setting("/model/preprocessing", to: list)

  private func accepted(_ document: JSONValue, in folder: TestFolder) throws -> SpecCheck.Accepted {
    try SpecCheck(LocalCatalogue(folder: folder.url)).accept(document, origin: .commandLine)
  }

  private func whole(_ document: JSONValue, in folder: TestFolder) throws -> Report {
    try JobRunner(engine: Self.engine, catalogue: LocalCatalogue(folder: folder.url))
      .run(accepted(document, in: folder).spec, in: folder.url)
  }

  private func accuracies(_ report: Report) -> [Proportion] {
    var found: [Proportion] = []
    for evaluation in [report.before, report.after].compactMap(\.self) {
      found += [evaluation.cleanAccuracy, evaluation.worstCase]
      found += evaluation.attacks.map(\.robustAccuracy)
      found += evaluation.transfer?.attacks.map(\.robustAccuracy) ?? []
    }
    return found
  }

  @Test("is reported with the attacks that see through it, and beside them with those that do not") func both() throws {
    let folder = try TestFolder()
    let report = try whole(document, in: folder)
    for evaluation in [try #require(report.before), report.after] {
      let transfer = try #require(evaluation.transfer)
      #expect(transfer.attacks.map(\.label) == evaluation.attacks.map(\.label))
      #expect(transfer.worstCase.total == evaluation.worstCase.total)
      #expect(evaluation.worstCase.correct <= transfer.worstCase.correct + 1)
    }
    #expect(!report.warnings.contains { $0.code == "nonadaptive_attack" })
    #expect(try accuracies(Report(json: Array(report.json().utf8))) == accuracies(report))
    #expect(ReportTable(report).text.contains("without seeing the preprocessing"))
    let plain = try whole(Specs.quick, in: try TestFolder())
    #expect(plain.after.transfer == nil)
    #expect(try JSONValue(parsing: Array(plain.json().utf8))["after"]?["transfer"] == nil)
  }

  @Test("is judged by no attack that does not see it: with adaptive false no gate passes") func nonadaptive() throws {
    let gated = document.setting("/gates", to: [["metric": "robust_accuracy", "min": 0]])
    let (adaptive, blind) = (
      try whole(gated, in: try TestFolder()), try whole(gated.setting("/evaluation/adaptive", to: false), in: try TestFolder())
    )
    #expect(blind.after.transfer == nil)
    #expect(blind.after.worstCase == adaptive.after.transfer?.worstCase)
    #expect(blind.warnings.contains { $0.code == "nonadaptive_attack" && $0.discredits })
    #expect(blind.verdict == .inconclusive && blind.gates[0].detail?.contains("nonadaptive_attack") == true)
    // Without preprocessing there is nothing that an attack could not see.
    let plain = try whole(Specs.quick.setting("/evaluation/adaptive", to: false), in: try TestFolder())
    #expect(!plain.warnings.contains { $0.code == "nonadaptive_attack" })
  }

  @Test("goes on where it was when it is stopped within either kind of attack, with noise too", arguments: [false, true])
  func interrupted(hasNoise: Bool) throws {
    var given = document.setting("/evaluation/samples", to: 100)
    if hasNoise {
      given = given.setting("/model/preprocessing", to: [["type": "noise", "sigma": 0.1], ["type": "bit_depth", "bits": 4]])
    }
    let (folder, broken) = (try TestFolder(), try TestFolder())
    let expected = try whole(given, in: folder)
    let runner = JobRunner(engine: Self.engine, catalogue: LocalCatalogue(folder: broken.url))
    let spec = try accepted(given, in: broken).spec
    var (attempts, report): (Int, Report?) = (0, nil)
    while report == nil, attempts < 300 {
      attempts += 1
      let start = JobRunner.savedState(in: broken.url)?.position ?? 0
      let control = RunControl()
      let sink = RunSink(saved: { if $0.position >= start + 3 { control.stop(.pause) } })
      do {
        report = try runner.run(spec, in: broken.url, resume: true, saveInterval: 0, sink: sink, control: control)
      } catch Interruption.pause {}
    }
    #expect(attempts > 1)
    let resumed = try #require(report)
    #expect(accuracies(resumed) == accuracies(expected))
    #expect(resumed.model == expected.model)
  }

  @Test("costs what its attacks cost, those that do not see it too") func estimate() throws {
    let folder = try TestFolder()
    let (plain, defended) = (try accepted(Specs.quick, in: folder), try accepted(document, in: folder))
    let blind = try accepted(document.setting("/evaluation/adaptive", to: false), in: folder)
    // Three steps on 50 images of two models.
    #expect(defended.estimate.gradientEvaluations - blind.estimate.gradientEvaluations == 300)
    #expect(blind.estimate.gradientEvaluations == plain.estimate.gradientEvaluations)
    #expect(blind.estimate.floatingPointOperations > plain.estimate.floatingPointOperations)
    #expect(defended.estimate.parameters == plain.estimate.parameters)
  }

  @Test("leaves weights from which its preprocessing is restored, where a spec does not say another") func restored() throws {
    let folder = try TestFolder()
    _ = try whole(document, in: folder)
    let evaluation = Specs.smallest.setting("/kind", to: "evaluate").setting("/model/init", to: "checkpoints/last.safetensors")
    let accepted = try accepted(evaluation, in: folder)
    let found = accepted.spec
    #expect(found.json["model"]?["preprocessing"] == Self.list)
    #expect(found.model.description.preprocessing == (try Preprocessing.list(Self.list)))
    let bare = try self.accepted(evaluation.setting("/model/preprocessing", to: []), in: folder)
    #expect(bare.spec.model.description.preprocessing.isEmpty)
    // The network is there with and without its preprocessing.
    #expect(accepted.footprint.jobBytes > bare.footprint.jobBytes)
    let other = try self.accepted(evaluation.setting("/model/preprocessing", to: [["type": "median"]]), in: folder).spec
    #expect(other.model.description.preprocessing == (try Preprocessing.list([["type": "median"]])))
  }

  @Test("is refused for weights whose file names a preprocessing that there is not") func damaged() throws {
    let folder = try TestFolder()
    let graph = try ModelDescription(.preset("linear")).graph(input: [8, 8, 1], classes: 10)
    let file = Safetensors(Weights(graph.layout, seed: 1), metadata: ["temper.preprocessing": #"[{"type": "sharpen"}]"#])
    try file.encoded().write(to: folder.url.appendingPathComponent("odd.safetensors"))
    let error = try #require(throws: SpecFaults.self) {
      try accepted(Specs.smallest.setting("/model/init", to: "odd.safetensors"), in: folder)
    }
    #expect(error.faults.map(\.pointer) == ["/model/init"])
    #expect(error.faults[0].detail.contains("temper.preprocessing/0/type: must be one of bit_depth"))
  }
}
