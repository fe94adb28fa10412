import ArgumentParser
import Files
import Foundation
import JSON
import Jobs
import Logging

struct Restore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a data folder of a backup.",
    discussion: """
      Into an empty or a new folder. Every digest is compared, everything is checked as temper fsck does it, and the folder is opened once; \
      when anything is wrong the folder is left as it was. A service that is started on it goes on with the jobs that were running.
      """)

  @Argument(help: "The backup.")
  var file: String
  @Option(help: ArgumentHelp("The folder to make.", valueName: "dir"))
  var data: String
  @Option(
    help: ArgumentHelp(
      "Earlier backups that have what this one leaves out, in any order; the option may come several times.", valueName: "file"))
  var since: [String] = []
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if data.isEmpty { throw ValidationError("--data must be the path of a folder.") }
  }

  func run() throws {
    do {
      var logger = Logger(label: "temper")
      logger.logLevel = .error
      let restored = try Restoration(
        URL(fileURLWithPath: file), earlier: since.map { URL(fileURLWithPath: $0) }, to: URL(fileURLWithPath: data, isDirectory: true),
        logger: logger)
      StandardStream.output.write(output.asJSON ? Self.json(restored).serialised(pretty: true) + "\n" : text(restored))
    } catch let error as BackupError {
      throw CommandFailure(.jobFailed, error.description)
    } catch let error as StorageError {
      throw CommandFailure(.usage, error.description)
    } catch let error as DataDirectoryError {
      throw CommandFailure(.usage, error.description)
    }
  }

  private static func json(_ restored: Restoration) -> JSONValue {
    [
      "jobs": .int(Int64(restored.jobs)), "files": .int(Int64(restored.files)), "bytes": .int(Int64(restored.bytes)),
      "damaged": .array(restored.damaged.map { .string($0.id) }),
    ]
  }

  private func text(_ restored: Restoration) -> String {
    let damaged = restored.damaged.map { "was damaged before the backup: \($0.id): \($0.detail)\n" }
    return damaged.joined()
      + "\(data): \(restored.jobs) \(restored.jobs == 1 ? "job" : "jobs"), \(restored.files) files of \(restored.bytes) bytes, all whole\n"
  }
}
