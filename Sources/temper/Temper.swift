import ArgumentParser
import Files
import Glibc
import JSON
import Service

/// The command line. Each command is a file in `Commands`; the server's settings are in `Settings`.
struct Temper: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "temper",
    abstract: "Trains image classifiers that hold against adversarial examples, and says how well they do.",
    discussion: """
      Exit codes: 0 fine and every gate passed, 1 the job failed, 2 usage or invalid spec, 3 a gate failed, 4 cancelled, 5 timeout or \
      server out of reach, 6 inconclusive.
      """,
    version: "temper \(TemperVersion.current)",
    groupedSubcommands: [
      CommandGroup(
        name: "On this machine", subcommands: [Run.self, Validate.self, Verify.self, AttackCommand.self, Bench.self, SchemaCommand.self]),
      CommandGroup(
        name: "The service", subcommands: [Serve.self, TokenCommand.self, Backup.self, Restore.self, RetentionCommand.self, Fsck.self]),
      CommandGroup(
        name: "Jobs of a service",
        subcommands: [
          Submit.self, Rerun.self, Extend.self, SweepCommand.self, List.self, Status.self, Watch.self, Logs.self, Open.self, Pause.self,
          Resume.self, Cancel.self, Delete.self,
        ]),
      CommandGroup(
        name: "Their results", subcommands: [ReportCommand.self, GateCommand.self, Compare.self, Download.self, Export.self]),
      CommandGroup(name: "Data sets and models of a service", subcommands: [DatasetCommand.self, ModelCommand.self]),
    ])

  /// Ends the process with the code of an error. It replaces argument-parser's way, so that every exit code is one of `ExitStatus`.
  static func end(_ error: any Error) -> Never {
    switch error {
    case let failure as CommandFailure: fail(failure.status, failure.message)
    case let faulty as FaultySpec: fail(.usage, faulty.description, problem: faulty.problem)
    case let refusal as Refusal: fail(ExitStatus(httpStatus: refusal.status), refusal.description, problem: refusal.problem)
    case let lost as LostConnection: fail(.unreachable, lost.description)
    case let shortage as StorageError where shortage.isShortage || shortage.isLock: fail(.usage, shortage.description)
    case let status as ExitStatus:
      Glibc.exit(status.rawValue)
    default:
      let text = fullMessage(for: error) + "\n"
      // `--help` and `--version` arrive as errors too, with the code for success.
      guard exitCode(for: error) != .success else {
        StandardStream.output.write(text)
        Glibc.exit(ExitStatus.fine.rawValue)
      }
      StandardStream.error.write(text)
      Glibc.exit((isUsageError(error) ? ExitStatus.usage : .jobFailed).rawValue)
    }
  }

  /// A sentence on standard error; with --json the problem document (RFC 9457) too, on standard output in the place of the result.
  private static func fail(_ status: ExitStatus, _ message: String, problem: JSONValue? = nil) -> Never {
    if CommandLine.arguments.contains("--json") {
      let own: JSONValue = ["type": "about:blank", "title": .string(status.meaning), "detail": .string(message)]
      var document = problem ?? own
      if case .object(var members) = document {
        members["exit_code"] = .int(Int64(status.rawValue))
        document = .object(members)
      }
      StandardStream.output.write(document.serialised(pretty: true) + "\n")
    }
    StandardStream.error.write("temper: \(message)\n")
    Glibc.exit(status.rawValue)
  }

  /// argument-parser's own code for usage errors is `EX_USAGE`.
  private static func isUsageError(_ error: any Error) -> Bool { exitCode(for: error) == .validationFailure }
}
