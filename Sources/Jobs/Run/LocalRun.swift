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

  /// Runs on the calling thread. What an earlier run left in `directory` is removed first, unless this one goes on from it.
  ///
  /// - Parameters:
  ///   - resume: go on from what a run of the same spec saved in `directory` before it was interrupted, where there is such.
  ///   - sink: gets every report after the files are written.
  /// - Throws: `FolderInUse` when another run writes there; as `JobRunner.run`.
  package func run(
    _ spec: JobSpec, in directory: URL, resume: Bool = false, sink: RunSink = RunSink(), control: RunControl? = nil
  ) throws -> Report {
    let control = control ?? RunControl(seconds: spec.resources.maxSeconds)
    let history = Mutex<[MetricsPoint]>([])
    var told = sink
    let lock = try RunFolderLock(directory)
    defer { lock.release() }
    let resume = resume && JobRunner.savedState(in: directory) != nil
    let results = RunResults(in: directory)
    if !resume { try results.remove() }
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

  /// Makes adversarial images, on the calling thread: leaves `dataset.npz`, which a spec can name by path, and `evidence.tar`,
  /// in the place of what an earlier run left.
  package func generate(
    _ spec: JobSpec, in directory: URL, resume: Bool = false, sink: RunSink = RunSink(), control: RunControl? = nil
  ) throws -> GeneratedImages {
    let control = control ?? RunControl(seconds: spec.resources.maxSeconds)
    let lock = try RunFolderLock(directory)
    defer { lock.release() }
    let resume = resume && JobRunner.savedState(in: directory) != nil
    if !resume { try RunResults(in: directory).remove() }
    let room = RoomForRun(control, warn: sink.warning)
    let images = try runner.generate(
      spec, in: directory, resume: resume, sink: sink, control: control, waitForRoom: room.wait)
    JobRunner.removeState(in: directory)
    return images
  }
}
