import JSON
import Foundation
import Glibc
import Robustness
import Testing

/// `temper run`, and what every command has in common.
@Suite struct RunTests {
  @Test("run leaves report, metrics and checkpoints, and prints the table alone") func runLeavesReportMetrics() async throws {
    let space = try Workspace()
    let spec = try space.write(TinySpec.train(gate: 0.2), to: "spec.json")
    let outcome = try await Executable.run("run", spec, "--out", space.path("out"))
    #expect(outcome.code == 0, "\(outcome.errors)")
    let report = try Report(json: space.data("out/report.json"))
    #expect(outcome.output == ReportTable(report).text)
    #expect(report.verdict == .pass)
    #expect(report.gates.count == 1)
    let rows = String(decoding: try space.data("out/metrics.csv"), as: UTF8.self).split(whereSeparator: \.isNewline)
    #expect(rows.first?.hasPrefix("epoch,") == true)
    #expect(rows.count >= 3)
    for role in ["base", "last", "best_robust", "best_clean"] { #expect(space.exists("out/checkpoints/\(role).safetensors")) }
    #expect(outcome.errors.contains("epoch 1/2 base  loss "))
    #expect(outcome.errors.contains("epoch 2/2 retrain  loss "))
    #expect(!outcome.errors.contains("\u{1B}"))
  }

  @Test("run prints the report as JSON and takes the spec from standard input") func runPrintsTheReport() async throws {
    let space = try Workspace()
    let outcome = try await Executable.run(
      "run", "-", "--json", "--threads", "1", "--out", space.path("out"), input: TinySpec.train(gate: 1))
    #expect(outcome.code == 3, "\(outcome.errors)")
    let report = try Report(json: outcome.output.utf8)
    #expect(report.verdict == .fail)
    #expect(try Report(json: space.data("out/report.json")) == report)
    #expect(report.spec["resources"]?["threads"] == 1)
  }

  @Test("a gate within the interval is inconclusive") func gateWithinTheInterval() async throws {
    let space = try Workspace()
    let first = try await Executable.run("run", "-", "--json", "--out", space.path("a"), input: TinySpec.train())
    // Without gates there is no verdict.
    #expect(first.code == 6, "\(first.errors)")
    let measured = try Report(json: first.output.utf8).after.cleanAccuracy.value
    // The same spec and seed measure the same again.
    let second = try await Executable.run("run", "-", "--json", "--out", space.path("b"), input: TinySpec.train(gate: measured))
    #expect(second.code == 6, "\(second.errors)")
    #expect(try Report(json: second.output.utf8).gates.first?.value == measured)
  }

  @Test("a dataset is named by a path relative to the spec") func datasetIsNamed() async throws {
    let space = try Workspace()
    let spec = try space.write(TinySpec.train(dataset: #"{"path": "images", "format": "idx"}"#), to: "spec.json")
    let folder = space.url.appendingPathComponent("images")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (part, count) in [("train", 64), ("t10k", 32)] {
      try IDX.images(count: count).write(to: folder.appendingPathComponent("\(part)-images-idx3-ubyte"))
      try IDX.labels(count: count).write(to: folder.appendingPathComponent("\(part)-labels-idx1-ubyte"))
    }
    let outcome = try await Executable.run("run", spec, "--json", "--out", space.path("out"))
    #expect(outcome.code == 6, "\(outcome.errors)")
    let report = try Report(json: outcome.output.utf8)
    #expect(report.verdict == .inconclusive && report.warnings.contains { $0.code == "no_gates" })
    #expect(report.dataset.shape == [4, 4, 1])
    #expect(report.dataset.testCount == 32)
  }

  @Test("every fault of a spec is told with its pointer, and the code is 2") func everyFaultOfASpec() async throws {
    let space = try Workspace()
    let spec =
      #"{"dataset": {"id": "digits"}, "modle": {}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": -1}}"#
    let outcome = try await Executable.run("run", "-", "--out", space.path("out"), input: spec)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("  /modle: "))
    #expect(outcome.errors.contains("  /threat/epsilon: "))
    #expect(outcome.output.isEmpty)
    #expect(!space.exists("out"))
  }

  @Test("a spec that is no JSON ends with 2 and says where", arguments: ["{", "[1] 2", ""]) func aSpec(text: String)
    async throws
  {
    let outcome = try await Executable.run("run", "-", input: text)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("the spec on standard input is not JSON: line 1"))
  }

  @Test("training that diverges ends with 1 and says why") func trainingThatDivergesEndsWith1() async throws {
    let space = try Workspace()
    // The gradient of a weight grows with the other layers' weights, so that each step multiplies them.
    let spec = TinySpec.train(epochs: 20).replacing(
      #""name": "adam", "learning_rate": 0.01"#, with: #""name": "sgd", "learning_rate": 1000"#
    )
    .replacing(#""architecture": "linear""#, with: #""architecture": "mlp""#)
    let outcome = try await Executable.run("run", "-", "--out", space.path("out"), input: spec)
    #expect(outcome.code == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("the job failed: training diverged"))
    #expect(outcome.output.isEmpty)
  }

  @Test("a job over its time ends with 1") func jobOverItsTime() async throws {
    let space = try Workspace()
    let spec = TinySpec.train(epochs: 50_000).replacing(#""gates""#, with: #""resources": {"max_seconds": 0.5}, "gates""#)
    let outcome = try await Executable.run("run", "-", "--out", space.path("out"), input: spec)
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("the job failed: the job took longer than its resources.max_seconds"))
  }

  @Test("an interrupt cancels within a batch and ends with 4") func interruptCancelsWithin() async throws {
    let space = try Workspace()
    let run = try Executable(["run", "-", "--out", space.path("out")], input: TinySpec.train(epochs: 50_000))
    #expect(try await run.says("epoch 1/"))
    run.send(SIGINT)
    let outcome = try await run.end()
    #expect(outcome.code == 4)
    #expect(
      outcome.errors.hasSuffix(
        "temper: the job was cancelled; the checkpoints so far are in \(space.path("out")), and the same command with --resume goes on from there\n"
      ))
    #expect(outcome.output.isEmpty)
    #expect(space.exists("out/checkpoints/base.safetensors"))
  }

  @Test("an interrupted run goes on with --resume, and ends in the bits of one that was never interrupted")
  func interruptedAndResumed() async throws {
    let space = try Workspace()
    let spec = TinySpec.train(epochs: 120)
    let whole = try await Executable.run("run", "-", "--out", space.path("whole"), input: spec)
    #expect(whole.code == 6, "\(whole.errors)")
    let run = try Executable(["run", "-", "--out", space.path("out")], input: spec)
    #expect(try await run.says("epoch 20/"))
    run.send(SIGINT)
    #expect(try await run.end().code == 4)
    let resumed = try await Executable.run("run", "-", "--resume", "--out", space.path("out"), input: spec)
    #expect(resumed.code == 6, "\(resumed.errors)")
    for name in ["best_robust", "last"].map({ "checkpoints/\($0).safetensors" }) + ["metrics.csv"] {
      #expect(try space.data("out/\(name)") == space.data("whole/\(name)"), "\(name)")
    }
    // Nothing is left to go on from, and the results are not another run's to remove.
    let again = try await Executable.run("run", "-", "--resume", "--out", space.path("out"), input: TinySpec.train())
    #expect(again.code == 2 && again.errors.contains("holds the results of another run"), "\(again.errors)")
    #expect(try space.data("out/metrics.csv") == space.data("whole/metrics.csv"))
  }

  @Test("a folder that another run writes to is refused") func folderInUse() async throws {
    let space = try Workspace()
    let run = try Executable(["run", "-", "--out", space.path("out")], input: TinySpec.train(epochs: 50_000))
    #expect(try await run.says("epoch 1/"))
    let second = try await Executable.run("run", "-", "--out", space.path("out"), input: TinySpec.train())
    #expect(second.code == 2 && second.errors.contains("another run is writing its results to"), "\(second.errors)")
    run.send(SIGINT)
    #expect(try await run.end().code == 4)
    #expect(space.exists("out/checkpoints/base.safetensors"))
  }

  @Test("nothing of an earlier job stays beside the results of a run, and what it begins with is not removed")
  func earlierJob() async throws {
    let space = try Workspace()
    let first = try await Executable.run("run", "-", "--out", space.path("out"), input: TinySpec.train())
    #expect(first.code == 6, "\(first.errors)")
    let weights = space.path("out/checkpoints/best_robust.safetensors")
    let evaluate = """
      {"kind": "evaluate", "dataset": {"id": "digits"}, "model": {"architecture": "linear", "init": "\(weights)"},
       "threat": {"norm": "linf", "epsilon": 0.05}, "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 50, "evidence": false}}
      """
    let refused = try await Executable.run("run", "-", "--out", space.path("out"), input: evaluate)
    #expect(refused.code == 2 && refused.errors.contains("/model/init names \(weights)") && refused.errors.contains("--out"))
    for name in ["report.json", "evidence.tar", "checkpoints/best_robust.safetensors"] { #expect(space.exists("out/\(name)"), "\(name)") }

    let moved = evaluate.replacing(weights, with: space.path("weights.safetensors"))
    try FileManager.default.copyItem(atPath: weights, toPath: space.path("weights.safetensors"))
    let kept = try await Executable.run("run", "-", "--out", space.path("out"), input: moved)
    #expect(kept.code == 2 && kept.errors.contains("--overwrite removes it and begins anew"), "\(kept.errors)")
    #expect(space.exists("out/evidence.tar"))
    let second = try await Executable.run("run", "-", "--overwrite", "--out", space.path("out"), input: moved)
    #expect(second.code == 6, "\(second.errors)")
    #expect(try Report(json: space.data("out/report.json")).before == nil)
    for name in ["evidence.tar", "metrics.csv", "checkpoints/best_robust.safetensors"] { #expect(!space.exists("out/\(name)"), "\(name)") }
    let help = try await Executable.run("run", "--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(help.contains("A DIR that holds another run is refused"))
  }

  // MARK: Usage

  @Test(
    "wrong usage ends with 2 and a word on standard error",
    arguments: [
      ["nonsense"], ["run"], ["run", "a", "b"], ["run", "/nonexistent.json"], ["status", "--wrong"], ["list", "--limit", "0"],
      ["run", "x", "--threads", "0"], ["serve", "--listen", "8080"], ["status", "j", "--server", "ftp://x"],
      ["submit", "-", "--timeout", "5"],
    ])
  func wrongUsageEndsWith2(arguments: [String]) async throws {
    let outcome = try await Executable(arguments, input: "{}").end()
    #expect(outcome.code == 2)
    #expect(outcome.output.isEmpty)
    #expect(!outcome.errors.isEmpty)
  }

  @Test("help and version end with 0, on standard output", arguments: [["--help"], ["--version"], ["run", "--help"], ["help", "serve"]])
  func helpAndVersionEndWith0(arguments: [String]) async throws {
    let outcome = try await Executable(arguments).end()
    #expect(outcome.code == 0)
    #expect(!outcome.output.isEmpty)
    #expect(outcome.errors.isEmpty)
  }

  @Test("a faulty spec is refused whole, whatever the options say") func faultyResources() async throws {
    let spec =
      #"{"dataset": {"id": "digits"}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": "8/0"}, "resources": 5}"#
    let outcome = try await Executable.run("run", "-", "--threads", "1", input: spec)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("/resources: must be an object, not the number 5"))
    #expect(outcome.errors.contains("/threat/epsilon: must be a number, or a fraction of two whole numbers such as \"8/255\""))
  }

  @Test("temper schema prints the JSON Schema of a spec, the page of its fields, or the settings") func schema() async throws {
    let schema = try await Executable.run("schema")
    #expect(try JSONValue(parsing: schema.output)["required"] == ["dataset", "model", "threat"])
    #expect(try await Executable.run("schema", "--markdown").output.contains("| `epsilon` | a finite number of at least 0.0"))
    #expect(try await Executable.run("schema", "--settings").output.contains("\nstorage:\n"))
    #expect(try await Executable.run("schema", "--settings", "--markdown").code == 2)
  }
}

/// Files in MNIST's format: 4 × 4 images of two classes, dark and light.
private enum IDX {
  static func images(count: Int) -> Data {
    Data([0, 0, 8, 3] + [count, 4, 4].flatMap(bytes)) + Data((0..<count).flatMap { [UInt8](repeating: $0 % 2 == 0 ? 20 : 230, count: 16) })
  }

  static func labels(count: Int) -> Data { Data([0, 0, 8, 1] + bytes(count)) + Data((0..<count).map { UInt8($0 % 2) }) }

  private static func bytes(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}
