import Files
import Foundation
import Robustness
import Synchronization
import TensorEngine
import Training

/// Runs a job in this process without a store, for `temper run`. It writes `report.json`, `metrics.csv`, `evidence.tar` and
/// `checkpoints/`. While the disk is full it waits.
package struct LocalRun: Sendable {
  private let runner: JobRunner

  package init(engine: Engine, catalogue: any Catalogue) { runner = JobRunner(engine: engine, catalogue: catalogue) }

  /// Runs on the calling thread. What an earlier run left in `directory` is removed first, where that is wanted.
  ///
  /// - Parameters:
  ///   - earlier: what to do with what another run has left in `directory`.
  ///   - sink: gets every report after the files are written.
  /// - Throws: `FolderInUse` when another run writes there, `FolderHoldsRun`; as `JobRunner.run`.
  package func run(
    _ spec: JobSpec, in directory: URL, earlier: EarlierRun = .overwrite, sink: RunSink = RunSink(), control: RunControl? = nil
  ) throws -> Report {
    let control = control ?? RunControl(seconds: spec.resources.maxSeconds)
    let history = Mutex<[MetricsPoint]>([])
    var told = sink
    let lock = try RunFolderLock(directory)
    defer { lock.release() }
    let results = RunResults(in: directory)
    let resume = try Self.goesOn(with: earlier, results, in: directory)
    let room = RoomForRun(control, warn: sink.warning)
    told.metrics = { metrics in
      let points = history.withLock { history in
        history.append(MetricsPoint(metrics))
        return history
      }
      do {
        try waitingOutShortage(room.wait) { try AtomicFile.write(Data(MetricsTable(points).csv.utf8), to: results.metrics) }
      } catch {
        control.fail(with: error)
      }
      sink.metrics(metrics)
    }
    told.beganAgain = {
      history.withLock { $0 = [] }
      sink.beganAgain()
    }
    let report = try runner.run(spec, in: directory, resume: resume, sink: told, control: control, waitForRoom: room.wait)
    try waitingOutShortage(room.wait) { try AtomicFile.write(Data(report.json().utf8), to: results.report) }
    // The saved state is removed last, so that a run that is killed before its report exists still has it.
    JobRunner.removeState(in: directory)
    return report
  }

  /// Makes room for the results.
  ///
  /// - Returns: whether there is a state to go on from.
  private static func goesOn(with earlier: EarlierRun, _ results: RunResults, in directory: URL) throws -> Bool {
    let hasState = JobRunner.savedState(in: directory) != nil
    switch earlier {
    case .resume where hasState: return true
    case .resume where results.areWhole, .refuse where hasState || results.areThere:
      throw FolderHoldsRun(folder: directory.relativePath, canGoOn: hasState)
    default:
      try results.remove()
      return false
    }
  }

  /// Makes adversarial images, on the calling thread: leaves `dataset.npz`, which a spec can name by path, and `evidence.tar`,
  /// in the place of what an earlier run left.
  package func generate(
    _ spec: JobSpec, in directory: URL, earlier: EarlierRun = .overwrite, sink: RunSink = RunSink(), control: RunControl? = nil
  ) throws -> GeneratedImages {
    let control = control ?? RunControl(seconds: spec.resources.maxSeconds)
    let lock = try RunFolderLock(directory)
    defer { lock.release() }
    let resume = try Self.goesOn(with: earlier, RunResults(in: directory), in: directory)
    let room = RoomForRun(control, warn: sink.warning)
    let images = try runner.generate(
      spec, in: directory, resume: resume, sink: sink, control: control, waitForRoom: room.wait)
    JobRunner.removeState(in: directory)
    return images
  }
}
