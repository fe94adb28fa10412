import ArgumentParser
import Files
import Foundation
import Glibc
import Jobs
import Robustness
import Service

/// The options by which a command leaves its result for a CI system.
struct ReportFileOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Write the verdict of each gate as JUnit XML.", valueName: "file"))
  var junit: String?
  @Option(help: ArgumentHelp("Write what does not pass, and the warnings, as SARIF 2.1.0 for code scanning.", valueName: "file"))
  var sarif: String?
  @Option(help: ArgumentHelp("Write the report as Markdown.", valueName: "file"))
  var markdown: String?

  var files: ReportFiles {
    let options = [("--junit", junit, ReportFormat.junit), ("--sarif", sarif, .sarif), ("--markdown", markdown, .markdown)]
    return ReportFiles(
      wanted: options.compactMap { flag, path, format in path.map { ReportFiles.Wanted(flag: flag, path: $0, format: format) } },
      summary: ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"].flatMap { $0.isEmpty ? nil : $0 })
  }
}

/// What a command leaves for a CI system: the files that it was asked for, and the summary of GitHub's step where there is one.
struct ReportFiles {
  struct Wanted {
    let flag: String
    let path: String
    let format: ReportFormat
  }

  let wanted: [Wanted]
  /// The file that GitHub shows as the step's summary; what earlier commands of the step wrote stays in it.
  let summary: String?

  var isEmpty: Bool { wanted.isEmpty && summary == nil }

  func write(_ report: Report, from origin: ReportOrigin, spec: SpecSource?) throws {
    let document = try ReportDocument(report, from: origin, spec: spec)
    try write { try $0.write(document) }
  }

  /// Writes that there is no verdict, so that nothing of an earlier run is taken for this one's.
  ///
  /// - Parameter reason: as on standard error.
  func write(missing reason: String, from origin: ReportOrigin, spec: SpecSource?) throws {
    let missing = try MissingReport(reason.prefix(1).uppercased() + reason.dropFirst() + ".", from: origin, spec: spec)
    try write { $0.writeMissing?(missing) }
  }

  private func write(_ text: (ReportFormat) throws -> String?) throws {
    for file in wanted {
      guard let text = try text(file.format) else { continue }
      do {
        try AtomicFile.write(Data(text.utf8), to: URL(fileURLWithPath: file.path))
      } catch {
        throw CommandFailure(.usage, "\(file.flag) \(file.path) cannot be written: \(error)")
      }
    }
    guard let summary, let text = try text(.markdown) else { return }
    // The verdict does not hang on a summary that nobody asked this command for.
    if !Self.append(text, to: summary) { StandardStream.error.write("the summary of the step (GITHUB_STEP_SUMMARY) cannot be written\n") }
  }

  private static func append(_ text: String, to path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let handle = FileHandle(fileDescriptor: descriptor)
    return (try? handle.write(contentsOf: Data((text + "\n").utf8))) != nil
  }
}

extension ReportOrigin {
  /// - Parameter finishedAt: `nil` for a job that has not ended.
  init(job: String?, finishedAt: String?) {
    self.init(job: job, finishedAt: finishedAt ?? Timestamp.now.description, version: TemperVersion.current)
  }
}
