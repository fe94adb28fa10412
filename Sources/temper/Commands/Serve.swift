import ArgumentParser
import Files
import Foundation
import Glibc
import HTTP
import Logging
import Service
import Synchronization
import TensorEngine

struct Serve: AsyncParsableCommand, ThreadedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve the HTTP API.",
    discussion: """
      Logs JSON lines on standard error; the first says where it listens. SIGTERM and SIGINT end it well: running jobs save their state \
      and go on at the next start. A second signal ends it at once. \
      SIGHUP reads the certificate and the key anew.
      """)

  @Option(name: .customLong("config"), help: ArgumentHelp("Settings in YAML; see config/temper.example.yaml.", valueName: "file"))
  var file: String?
  @Option(help: ArgumentHelp("The folder that everything is kept in (default: data).", valueName: "dir"))
  var data: String?
  @Option(help: ArgumentHelp("Where to listen (default: 127.0.0.1:8080); port 0 lets the system choose.", valueName: "host:port"))
  var listen: String?
  @Option(help: "Jobs that run at the same time (default: 1).")
  var workers: Int?
  @Option(help: "Threads of the tensor engine (default: one for each core).")
  var threads: Int?
  @Flag(name: .customLong("print-config"), help: "Print the settings in force, from defaults, file, environment and options, and end.")
  var printsConfig = false
  @Option(help: ArgumentHelp("Write the port that it listens on to this file.", valueName: "file"))
  var portFile: String?

  func validate() throws {
    if let listen, ListenAddress(listen) == nil {
      throw ValidationError("--listen must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, not \"\(listen)\"")
    }
    for (name, value) in [("--workers", workers), ("--threads", threads)] {
      if let value, !(1...1024).contains(value) { throw ValidationError("\(name) must be from 1 to 1024, not \(value)") }
    }
  }

  /// Those of the service, and the two that end it.
  var threadCount: Int { get throws { try settings().service.threadCount + 2 } }

  func run() async throws {
    let settings = try settings()
    if printsConfig { return StandardStream.output.write(SettingsExample.text(of: settings)) }
    LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: settings.logLevel) }
    let logger = Logger(label: "temper")
    let (stopped, stop) = AsyncStream.makeStream(of: Int32.self)
    let end = try ServiceEnd(within: 2 * settings.service.drainSeconds + 30, logger)
    let reload = Reload()
    let signals = try Signals(reloads: settings.service.tls.certificate != nil) { signal, count in
      if signal == SIGHUP { return reload.call() }
      // The second signal ends the process at once.
      if count > 1 { end.end(128 + signal) }
      end.begin()
      stop.yield(signal)
    }
    defer { withExtendedLifetime(signals) {} }
    let service = try start(settings, end, logger)
    reload.take(service)
    ServiceManager.notify("READY=1")
    for await signal in stopped {
      logger.notice("draining", metadata: ["signal": .string(signal == SIGINT ? "SIGINT" : "SIGTERM")])
      break
    }
    ServiceManager.notify("STOPPING=1")
    await service.drain()
    logger.notice("stopped")
  }

  private func start(_ settings: Settings, _ end: ServiceEnd, _ logger: Logger) throws -> TemperService {
    let service: TemperService
    let address: SocketAddress
    do {
      DescriptorLimit.raise()
      service = try TemperService(configuration: settings.service, logger: logger)
      end.take(service)
      address = try service.start()
    } catch {
      throw CommandFailure(.usage, "the service cannot start: \(error)")
    }
    try write(port: address.port)
    logger.notice(
      "listening",
      metadata: [
        "url": .string("\(service.isSecure ? "https" : "http")://\(address)"), "port": .stringConvertible(address.port),
        "data": .string(settings.service.dataDirectory.path), "version": .string(TemperVersion.current),
        "pid": .stringConvertible(Int(getpid())),
      ])
    return service
  }

  private func write(port: Int) throws {
    guard let portFile else { return }
    do {
      // Atomically, because a script that waits for the file reads it as soon as it exists.
      try AtomicFile.write(Data("\(port)\n".utf8), to: URL(fileURLWithPath: portFile))
    } catch {
      throw CommandFailure(.usage, "--port-file \(portFile) cannot be written: \(error)")
    }
  }

  /// Defaults, then the file, then the environment, then the options.
  private func settings() throws -> Settings {
    var settings = try file.map(Self.read) ?? Settings()
    do {
      let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
      try settings.apply(environment: ProcessInfo.processInfo.environment, relativeTo: here)
    } catch let error as SettingsError {
      throw CommandFailure(.usage, error.description)
    }
    if data == "" { throw CommandFailure(.usage, "--data is empty: name the folder that everything is kept in") }
    if let data { settings.service.dataDirectory = URL(fileURLWithPath: data, isDirectory: true) }
    if let address = listen.flatMap(ListenAddress.init) {
      (settings.service.host, settings.service.port) = (address.host, address.port)
    }
    if let workers { settings.service.workers = workers }
    if let threads { settings.service.engineThreads = threads }
    return settings
  }

  private static func read(_ path: String) throws -> Settings {
    let url = URL(fileURLWithPath: path)
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw CommandFailure(.usage, "--config \(path) cannot be read, or is not UTF-8")
    }
    do {
      return try Settings(yaml: text, relativeTo: url.deletingLastPathComponent())
    } catch {
      throw CommandFailure(.usage, "--config \(path): \(error)")
    }
  }
}

/// Where SIGHUP leads once there is a service.
private final class Reload: Sendable {
  private let service = Mutex<TemperService?>(nil)

  func take(_ service: TemperService) { self.service.withLock { $0 = service } }
  func call() { service.withLock { $0 }?.reloadCertificates() }
}
