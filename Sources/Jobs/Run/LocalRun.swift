import Files
import Foundation
import Robustness
import Synchronization
import TensorEngine
import Training

/// Runs a job in this process without a store, for `temper run`. It writes `report.json`, `metrics.csv`, `evidence.tar` and
/// `checkpoints/`.
package struct LocalRun: Sendable {
  private let runner: JobRunner

  package init(engine: Engine, catalogue: any Catalogue) { runner = JobRunner(engine: engine, catalogue: catalogue) }

  /// Runs on the calling thread. What an earlier run left in `directory` is removed first.
  ///
  /// - Parameter sink: gets every report after the files are written.
  /// - Throws: as `JobRunner.run`.
  package func run(_ spec: JobSpec, in directory: URL, sink: RunSink = RunSink(), control: RunControl? = nil) throws -> Report {
    let control = control ?? RunControl(seconds: spec.resources.maxSeconds)
    let history = Mutex<[MetricsPoint]>([])
    var told = sink
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let results = RunResults(in: directory)
    try results.remove()
    told.metrics = { metrics in
      let points = history.withLock { history in
        history.append(MetricsPoint(metrics))
        return history
      }
      do {
        try AtomicFile.write(Data(MetricsTable(points).csv.utf8), to: results.metrics)
      } catch {
        control.fail(with: error)
      }
      sink.metrics(metrics)
    }
    let report = try runner.run(spec, in: directory, sink: told, control: control)
    try AtomicFile.write(Data(report.json().utf8), to: results.report)
    // The saved state is removed last, so that a run that is killed before its report exists still has it.
    JobRunner.removeState(in: directory)
    return report
  }

  /// Makes adversarial images, on the calling thread: leaves `dataset.npz`, which a spec can name by path, and `evidence.tar`,
  /// in the place of what an earlier run left.
  package func generate(_ spec: JobSpec, in directory: URL, sink: RunSink = RunSink(), control: RunControl? = nil) throws -> GeneratedImages
  {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try RunResults(in: directory).remove()
    let images = try runner.generate(
      spec, in: directory, sink: sink, control: control ?? RunControl(seconds: spec.resources.maxSeconds))
    JobRunner.removeState(in: directory)
    return images
  }
}
