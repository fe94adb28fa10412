import Files
import Foundation
import JSON
import Jobs
import Models
import Robustness
import Synchronization
import TensorEngine
import Testing
import Training

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

  @Test("a run waits while the disk is full and says so once, until it is told to stop; nothing else makes it wait")
  func fullDisk() throws {
    let control = RunControl()
    let told = Mutex<[String]>([])
    let room = RoomForRun(control, pause: 0) { warning in told.withLock { $0.append(warning.code) } }
    var failures = 3
    let written = try waitingOutShortage(room.wait) {
      failures -= 1
      if failures > 0 { throw StorageError("it cannot be written", errno: ENOSPC) }
      return 7
    }
    #expect(written == 7 && failures == 0)
    #expect(told.withLock { $0 } == ["disk_full"])
    #expect(throws: StorageError.self) { try room.wait(for: StorageError("it cannot be written", errno: EACCES)) }
    control.stop(.cancel)
    #expect(throws: Interruption.cancel) { try room.wait(for: StorageError("it cannot be written", errno: ENOSPC)) }
  }

  @Test("a run removes what an earlier one left, of whatever kind, before it begins, and no other file", arguments: ["train", "generate"])
  func earlierResults(kind: String) throws {
    let folder = try TestFolder()
    let out = folder.url.appendingPathComponent("out")
    let catalogue = LocalCatalogue(folder: folder.url)
    let weights = folder.url.appendingPathComponent("weights.safetensors")
    let layout = try ModelDescription(.preset("linear")).graph(input: [8, 8, 1], classes: 10).layout
    try Safetensors(Weights(layout, seed: 1)).encoded().write(to: weights)
    let own = ["report.json", "metrics.csv", "evidence.tar", "dataset.npz"]
    let roles = ["base", "last", "best_robust", "best_clean"].map { "checkpoints/\($0).safetensors" }
    let others = ["notes.txt", "report.html", "checkpoints/mine.safetensors", "train.npz"]
    try FileManager.default.createDirectory(at: out.appendingPathComponent("checkpoints"), withIntermediateDirectories: true)
    for name in own + roles + others { try Data("earlier".utf8).write(to: out.appendingPathComponent(name)) }
    let stopped = RunControl()
    stopped.stop(.cancel)
    let run = LocalRun(engine: Engine(threads: 1), catalogue: catalogue)
    let images: JSONValue = [
      "kind": "generate", "dataset": ["id": "digits"], "model": ["architecture": "linear", "init": .string(weights.path)],
      "threat": ["norm": "linf", "epsilon": 0.1],
    ]
    let spec = try SpecCheck(catalogue).accept(kind == "train" ? Specs.quick : images, origin: .commandLine).spec
    #expect(throws: Interruption.cancel) {
      if kind == "train" {
        _ = try run.run(spec, in: out, control: stopped)
      } else {
        _ = try run.generate(spec, in: out, control: stopped)
      }
    }
    let left = (own + roles + others).filter { FileManager.default.fileExists(atPath: out.appendingPathComponent($0).path) }
    #expect(left == others)
  }

  @Test("a folder with the name of a result is no result: it stays, and the run does not begin")
  func folderOfThatName() throws {
    let folder = try TestFolder()
    let inner = folder.url.appendingPathComponent("report.json/mine")
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    let catalogue = LocalCatalogue(folder: folder.url)
    let spec = try SpecCheck(catalogue).accept(Specs.quick, origin: .commandLine).spec
    let error = try #require(throws: StorageError.self) {
      try LocalRun(engine: Engine(threads: 1), catalogue: catalogue).run(spec, in: folder.url)
    }
    #expect(error.description.hasPrefix("report.json of an earlier run cannot be removed"))
    #expect(FileManager.default.fileExists(atPath: inner.path))
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("metrics.csv").path))
  }
}
