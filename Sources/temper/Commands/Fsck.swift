import ArgumentParser
import Foundation
import JSON
import Jobs

struct Fsck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check everything in a data folder: the database, each record, the digest of each file.",
    discussion: """
      For a stopped service. Names each thing that is damaged, and with --repair what was done about it: damaged files and records are \
      moved into lost+found, and what can be read of a damaged database is kept, in a new one. Exits with 1 when something is damaged that \
      was neither known before nor mended, or when records were lost; with 2 when something else is in the way, and nothing was touched; \
      with 0 otherwise, also for files that no record names. After a repair that lost records such files stay where they are until \
      records-were-lost.txt in the folder is removed; after one that may have lost tokens the service answers no request without one, until \
      temper token create makes one.
      """)

  @Option(help: ArgumentHelp("The data folder (default: data).", valueName: "dir"))
  var data = "data"
  @Flag(help: "Mend what can be mended.")
  var repair = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if data.isEmpty { throw ValidationError("--data must be the path of a folder.") }
  }

  func run() throws {
    let check: StoreCheck
    do {
      check = try StoreCheck(URL(fileURLWithPath: data, isDirectory: true), repair: repair, notice: StandardStream.notice)
    } catch let error as DataDirectoryError {
      throw CommandFailure(.usage, error.description)
    }
    StandardStream.output.write(output.asJSON ? Self.json(check).serialised(pretty: true) + "\n" : Self.text(check))
    if !check.open.isEmpty { throw ExitStatus.jobFailed }
  }

  private static func json(_ check: StoreCheck) -> JSONValue {
    [
      "whole": .bool(check.isWhole), "records": .int(Int64(check.recordsChecked)), "files": .int(Int64(check.filesChecked)),
      "findings": .array(check.findings.map(\.json)), "salvaged": .array(check.salvaged.map(\.json)),
    ]
  }

  private static func text(_ check: StoreCheck) -> String {
    let lines = check.findings.map { finding in
      let isUpload = Identifier.dataset.matches(finding.id) || Identifier.model.matches(finding.id)
      let known = finding.isKnown ? " (known: put the file back, \(isUpload ? "upload it again, or delete it" : "or delete the job"))" : ""
      return "\(finding.kind.rawValue) \(finding.id): \(finding.detail)\(finding.mended.map { "; \($0)" } ?? known)\n"
    }
    let salvaged = check.salvaged.map { "\($0.description)\n" }
    let mended = check.findings.filter { $0.mended != nil }.count
    let known = check.findings.filter(\.isKnown).count
    let unnamed = check.findings.filter { $0.kind == .unnamed && $0.mended == nil }.count
    let counts = [
      (check.open.count, "damaged"), (mended, "mended"), (known, "known to be damaged"), (unnamed, "named by no record"),
    ].filter { $0.0 > 0 }
    let end = check.isWhole ? "all whole" : counts.map { "\($0) \($1)" }.joined(separator: ", ")
    return (lines + salvaged).joined() + "\(check.recordsChecked) records and \(check.filesChecked) files looked at: \(end)\n"
  }
}
