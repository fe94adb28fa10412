import ArgumentParser
import Files
import Glibc
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
    subcommands: [
      Serve.self, Run.self, Submit.self, Status.self, Watch.self, Cancel.self, List.self, ReportCommand.self, GateCommand.self,
      Download.self, Verify.self,
      SweepCommand.self, Extend.self,
      AttackCommand.self, TokenCommand.self, Bench.self, Fsck.self, SchemaCommand.self,
    ])

  /// Ends the process with the code of an error. It replaces argument-parser's way, so that every exit code is one of `ExitStatus`.
  static func end(_ error: any Error) -> Never {
    switch error {
    case let failure as CommandFailure: fail(failure.status, failure.message)
    case let refusal as Refusal: fail(ExitStatus(httpStatus: refusal.status), refusal.description)
    case let lost as LostConnection: fail(.unreachable, lost.description)
    case let shortage as StorageError where shortage.isShortage: fail(.usage, shortage.description)
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

  private static func fail(_ status: ExitStatus, _ message: String) -> Never {
    StandardStream.error.write("temper: \(message)\n")
    Glibc.exit(status.rawValue)
  }

  /// argument-parser's own code for usage errors is `EX_USAGE`.
  private static func isUsageError(_ error: any Error) -> Bool { exitCode(for: error) == .validationFailure }
}
