import Foundation
import Glibc
import Synchronization

/// Runs the `temper` executable that was built beside the tests, or another program.
final class Executable: Sendable {
  struct Outcome: Sendable {
    let code: Int32
    let output: String
    let errors: String
  }

  private let process: Process
  private let output = Collector()
  private let errors = Collector()

  /// The folder of the tests' executable.
  static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

  /// What a command heeds of its surroundings, so that no test depends on where it runs.
  private static let heeded = ["TEMPER_", "GITHUB_", "CI_"]

  /// Starts it.
  ///
  /// - Parameter program: another program than `temper`.
  init(_ arguments: [String], program: String? = nil, input: String? = nil, environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = program.map { URL(fileURLWithPath: $0) } ?? Self.folder.appendingPathComponent("temper")
    process.arguments = arguments
    var variables = ProcessInfo.processInfo.environment.filter { variable in
      !Self.heeded.contains { variable.key.hasPrefix($0) } && !variable.key.lowercased().hasSuffix("_proxy")
    }
    variables.merge(environment) { $1 }
    process.environment = variables
    let (out, err, standardInput) = (Pipe(), Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    process.standardInput = standardInput
    self.process = process
    output.read(out.fileHandleForReading)
    errors.read(err.fileHandleForReading)
    // A process that refuses its arguments does not wait for its input.
    signal(SIGPIPE, SIG_IGN)
    try process.run()
    if let input { try? standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
    try standardInput.fileHandleForWriting.close()
  }

  /// Runs it to its end.
  static func run(_ arguments: String..., input: String? = nil, environment: [String: String] = [:]) async throws -> Outcome {
    try await Executable(arguments, input: input, environment: environment).end()
  }

  var identifier: Int32 { process.processIdentifier }
  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits until standard error has `text`, for 30 seconds at most.
  func says(_ text: String) async throws -> Bool {
    for _ in 0..<300 {
      if errors.text.contains(text) { return true }
      try await Task.sleep(for: .milliseconds(100))
    }
    return false
  }

  /// Waits for the end; a process that does not end within two minutes is killed, and its code is that of the signal.
  func end() async throws -> Outcome {
    let deadline = ContinuousClock.now + .seconds(120)
    while process.isRunning || !output.isAtEnd || !errors.isAtEnd {
      if ContinuousClock.now > deadline { kill(process.processIdentifier, SIGKILL) }
      try await Task.sleep(for: .milliseconds(10))
    }
    return Outcome(code: process.terminationStatus, output: output.text, errors: errors.text)
  }
}

/// Collects the output of a pipe.
private final class Collector: Sendable {
  private let state = Mutex<(data: Data, isAtEnd: Bool)>((Data(), false))

  var text: String { state.withLock { String(decoding: $0.data, as: UTF8.self) } }
  var isAtEnd: Bool { state.withLock { $0.isAtEnd } }

  func read(_ handle: FileHandle) {
    let descriptor = dup(handle.fileDescriptor)
    let thread = Thread { [self] in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count > 0 || (count < 0 && errno == EINTR) else { break }
        if count > 0 { state.withLock { $0.data.append(contentsOf: buffer[..<count]) } }
      }
      close(descriptor)
      state.withLock { $0.isAtEnd = true }
    }
    thread.start()
  }
}
