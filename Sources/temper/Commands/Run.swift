import JSON
import ArgumentParser
import Foundation
import Glibc
import Jobs
import Robustness
import TensorEngine

struct Run: AsyncParsableCommand, ThreadedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run one job in this process, without a server.",
    discussion: """
      Leaves DIR/report.json, DIR/metrics.csv, DIR/checkpoints/{base,last,best_robust,best_clean}.safetensors (and \
      averaged.safetensors of averaged weights), and DIR/evidence.tar, which temper verify replays; of a spec of kind generate DIR/dataset.npz, which a spec can name by path. A DIR that \
      holds another run is refused, unless --resume finds an interrupted one to go on with, or --overwrite removes what has one of these \
      names, and no other file. The spec may name its dataset by path, relative to the spec: \
      {"path": "../mnist", "format": "idx"}. Exits by the verdict of the spec's gates. \
      --junit, --sarif and --markdown leave the verdict for a CI system; the summary of a step of GitHub's (GITHUB_STEP_SUMMARY) is written by itself.
      """)

  @Argument(help: "The job spec, a JSON file; - for standard input.", completion: Completions.specs)
  var spec: String
  @Option(name: .customLong("out"), help: ArgumentHelp("Where to leave the results.", valueName: "dir"))
  var directory = "temper-out"
  @Flag(help: "Go on from what an interrupted run of the same spec left in DIR; without such a state the run begins at the beginning.")
  var resume = false
  @Flag(help: "Remove what an earlier run left in DIR, and begin anew.")
  var overwrite = false
  @Option(help: "Threads to use; each core by default. Results do not depend on it.")
  var threads: Int?
  @OptionGroup var reports: ReportFileOptions
  @OptionGroup var output: OutputOptions

  /// Those of the engine, the job's, what saves its states, and the one of the signals.
  var threadCount: Int { (threads ?? ProcessInfo.processInfo.activeProcessorCount) + 4 }

  func validate() throws {
    if resume && overwrite { throw ValidationError("--resume goes on with what is there, and --overwrite removes it; give one of them") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024, not \(threads)") }
  }

  func run() async throws {
    let file = try SpecFile(spec)
    let catalogue = LocalCatalogue(folder: file.folder)
    let document = threads.map { file.document.setting("/resources/threads", to: .int(Int64($0))) } ?? file.document
    let job = try file.accepted(document, by: SpecCheck(catalogue)).spec
    try requireOtherFolder(than: job.files, of: file.folder)
    let run = LocalRun(engine: threads.map { Engine(threads: $0) } ?? Engine(), catalogue: catalogue)
    let control = RunControl(seconds: job.resources.maxSeconds)
    let signals = try Signals { _, count in
      // The second signal ends the process without waiting for the batch.
      if count > 1 { Glibc._exit(ExitStatus.cancelled.rawValue) }
      control.stop(.cancel)
    }
    defer { withExtendedLifetime(signals) {} }
    let files = reports.files
    if job.generation != nil {
      if let first = files.wanted.first {
        throw CommandFailure(.usage, "\(first.flag) is of a report, and a spec of kind generate has none")
      }
      return try await generate(job, run, control)
    }
    let report: Report
    let earlier = earlier
    do {
      report = try await inThread { folder, sink in try run.run(job, in: folder, earlier: earlier, sink: sink, control: control) }
    } catch let failure as CommandFailure {
      try files.write(missing: failure.message, from: ReportOrigin(job: nil, finishedAt: nil), spec: file.source)
      throw failure
    }
    StandardStream.output.write(output.asJSON ? try report.json() + "\n" : ReportTable(report).text)
    try files.write(report, from: ReportOrigin(job: nil, finishedAt: nil), spec: file.source)
    StandardStream.error.write("the report, the weights and the evidence are in \(directory)\n")
    try ExitStatus(report.verdict).exit()
  }

  private var earlier: EarlierRun { resume ? .resume : overwrite ? .overwrite : .refuse }

  private var folder: URL { URL(fileURLWithPath: directory, isDirectory: true) }

  /// The results of an earlier run are removed, but not where this one begins with them.
  private func requireOtherFolder(than files: [(pointer: String, path: String)], of specFolder: URL) throws {
    let results = RunResults(in: folder)
    for (pointer, path) in files where results.contains(URL(fileURLWithPath: path, relativeTo: specFolder)) {
      throw CommandFailure(
        .usage,
        """
        \(pointer) names \(path), which an earlier run left in \(directory), and a run leaves its own results there: name another folder with --out
        """)
    }
  }

  private func outputFolder() throws -> URL {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw CommandFailure(.usage, "--out \(directory) cannot be made: \(FileFault.reason(error))")
    }
    return folder
  }

  /// Makes adversarial images, and prints how many of which outcome.
  private func generate(_ job: JobSpec, _ run: LocalRun, _ control: RunControl) async throws {
    let earlier = earlier
    let images = try await inThread { folder, sink in try run.generate(job, in: folder, earlier: earlier, sink: sink, control: control) }
    let file = folder.appendingPathComponent(GeneratedImages.fileName).relativePath
    if output.asJSON {
      let result: JSONValue = [
        "file": .string(file), "bytes": .int(Int64(images.bytes)), "sha256": .string(images.sha256),
        "parts": .array(images.parts.map(\.json)),
      ]
      return StandardStream.output.write(result.serialised(pretty: true) + "\n")
    }
    let lines = images.parts.map { part in
      "\(part.part): \(part.images) images, \(part.misclassified) misclassified by the attack, \(part.withstood) withstood, "
        + "\(part.wrongBefore) misclassified as they are\n"
    }
    StandardStream.output.write(lines.joined() + "\(images.sha256)  \(file)\n")
  }

  /// Runs on a separate thread, because hours of work would starve Swift's thread pool.
  private func inThread<Result: Sendable>(
    _ work: @escaping @Sendable (URL, RunSink) throws -> Result
  ) async throws -> Result {
    let folder = try outputFolder()
    let display = ProgressDisplay()
    defer { display.finish() }
    let sink = RunSink(
      progress: { progress in display.update { $0.take(progress) } },
      metrics: { metrics in display.epoch(metrics.epoch, phase: metrics.phase.rawValue, metrics: metrics.named) },
      warning: { warning in display.note("warning \(warning.code): \(warning.detail)") })
    do {
      return try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Swift.Result { try work(folder, sink) }) }
        thread.name = "temper-job"
        thread.start()
      }
    } catch Interruption.cancel {
      throw CommandFailure(
        .cancelled,
        "the job was cancelled; the checkpoints so far are in \(directory), and the same command with --resume goes on from there")
    } catch let error as FolderInUse {
      throw CommandFailure(.usage, error.description)
    } catch let error as FolderHoldsRun {
      throw CommandFailure(.usage, error.description)
    } catch {
      throw CommandFailure(.jobFailed, "the job failed: \(error)")
    }
  }
}

extension ProgressFacts {
  /// Takes the progress that a run reports.
  fileprivate mutating func take(_ progress: JobProgress) {
    phase = progress.phase?.rawValue
    epoch = progress.epoch
    epochs = progress.epochs
    fraction = progress.fraction
    etaSeconds = progress.etaSeconds
    examplesPerSecond = progress.examplesPerSecond
  }
}
