import ArgumentParser
import Foundation
import JSON
import Jobs

struct Fsck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check everything in a data folder: the database, each record, the digest of each file.",
    discussion: """
      For a stopped service. Exits with 0 when all is whole and with 1 when something is damaged; each damaged thing is named. With \
      --repair damaged files and records are moved into lost+found, and what can be read of a damaged database is kept.
      """)

  @Option(help: ArgumentHelp("The data folder (default: data).", valueName: "dir"))
  var data = "data"
  @Flag(help: "Mend what can be mended.")
  var repair = false
  @OptionGroup var output: OutputOptions

  func run() throws {
    let check: StoreCheck
    do {
      check = try StoreCheck(URL(fileURLWithPath: data, isDirectory: true), repair: repair)
    } catch let error as DataDirectoryError {
      throw CommandFailure(.usage, error.description)
    }
    StandardStream.output.write(output.asJSON ? Self.json(check).serialised(pretty: true) + "\n" : Self.text(check))
    if !check.isWhole { throw ExitStatus.jobFailed }
  }

  private static func json(_ check: StoreCheck) -> JSONValue {
    [
      "whole": .bool(check.isWhole), "records": .int(Int64(check.recordsChecked)), "files": .int(Int64(check.filesChecked)),
      "findings": .array(check.findings.map(\.json)),
    ]
  }

  private static func text(_ check: StoreCheck) -> String {
    let lines = check.findings.map { "\($0.kind.rawValue) \($0.id): \($0.detail)\n" }.joined()
    let count = check.findings.count
    let end = check.isWhole ? "all whole" : count == 1 ? "1 thing is damaged" : "\(count) things are damaged"
    return lines + "\(check.recordsChecked) records and \(check.filesChecked) files looked at: \(end)\n"
  }
}
