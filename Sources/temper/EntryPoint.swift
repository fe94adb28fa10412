import ArgumentParser
import Dispatch
import Files
import Foundation
import Glibc
import TensorEngine

/// Where the process begins. Nothing of Swift's concurrency or of Dispatch may run before it is known that threads can be made: without
/// them both wait for ever, and say nothing.
@main
enum EntryPoint {
  static func main() {
    // A client that hangs up must not end a server. `StandardStream` handles a standard output that is closed.
    signal(SIGPIPE, SIG_IGN)
    // A file beyond the limit of its size is an error of the write.
    signal(SIGXFSZ, SIG_IGN)
    unblockSignals()
    do {
      if let refusal = InstructionSet.refusal { throw CommandFailure(.usage, refusal) }
      var command = try Temper.parseAsRoot()
      guard let asynchronous = command as? any AsyncParsableCommand else { return try command.run() }
      // Before there is a second thread: an arena that one has made stays.
      if asynchronous is Serve { ProcessMemory.shareArenas() }
      try requireThreads((asynchronous as? any ThreadedCommand)?.threadCount ?? 0)
      run(Parsed(command: asynchronous))
    } catch {
      Temper.end(error)
    }
  }

  /// `@unchecked Sendable`: the thread that parsed it leaves it to one task.
  private struct Parsed: @unchecked Sendable {
    let command: any AsyncParsableCommand
  }

  private static func run(_ parsed: Parsed) -> Never {
    Task.detached {
      var command = parsed.command
      do { try await command.run() } catch { Temper.end(error) }
      Glibc.exit(ExitStatus.fine.rawValue)
    }
    dispatchMain()
  }

  /// - Parameter count: the command's own, beside those of Swift and Dispatch.
  private static func requireThreads(_ count: Int) throws {
    let needed = count + ProcessInfo.processInfo.activeProcessorCount + 4
    let possible = SystemThread.possible(needed)
    guard possible < needed else { return }
    throw CommandFailure(
      .usage,
      """
      the command needs \(needed) threads, but the system lets this process make only \(possible): raise the limit of threads \
      (ulimit -u, TasksMax of a systemd unit, the limit of pids of a container) or of memory (ulimit -v)
      """)
  }

  /// The signal mask is inherited, and a parent may start this process from a thread that blocks signals, as Dispatch's threads do.
  private static func unblockSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}

/// A command that makes threads.
protocol ThreadedCommand {
  /// The most that it has at a time, beside those of Swift and Dispatch.
  var threadCount: Int { get throws }
}
