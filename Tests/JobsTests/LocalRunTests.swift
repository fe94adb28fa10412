import Foundation
import Jobs
import Models
import Robustness
import Synchronization
import TensorEngine
import Testing

@Suite struct LocalRunTests {
  @Test("a run without a store leaves its report, its metrics and its checkpoints, and nothing else")
  func files() throws {
    let folder = try TestFolder()
    let out = folder.url.appendingPathComponent("out")
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(Specs.quick, origin: .commandLine).spec
    let fractions = Mutex<[Double]>([])
    let sink = RunSink(progress: { progress in fractions.withLock { $0.append(progress.fraction) } })
    let report = try LocalRun(engine: Engine(threads: 1), catalogue: catalogue).run(spec, in: out, sink: sink)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: out.path).sorted() == [
        "checkpoints", "evidence.tar", "metrics.csv", "report.json",
      ])
    let weights = try FileManager.default.contentsOfDirectory(atPath: out.appendingPathComponent("checkpoints").path).sorted()
    #expect(weights == ["base.safetensors", "best_clean.safetensors", "best_robust.safetensors", "last.safetensors"])
    let stored = try Report(json: Data(contentsOf: out.appendingPathComponent("report.json")))
    #expect(try stored.json() == report.json())
    let rows = try String(contentsOf: out.appendingPathComponent("metrics.csv"), encoding: .utf8).split(separator: "\r\n")
    #expect(rows.count == 3)
    let seen = fractions.withLock { $0 }
    #expect(seen == seen.sorted())
    #expect(seen.last == 1)
  }

  @Test("a run that is told to stop says so")
  func stop() throws {
    let folder = try TestFolder()
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(Specs.long, origin: .commandLine).spec
    let control = RunControl()
    let sink = RunSink(metrics: { if $0.epoch == 2 { control.stop(.cancel) } })
    #expect(throws: Interruption.cancel) {
      try LocalRun(engine: Engine(threads: 1), catalogue: catalogue).run(spec, in: folder.url, sink: sink, control: control)
    }
  }
}
