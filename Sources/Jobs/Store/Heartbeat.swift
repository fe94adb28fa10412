import Dispatch
import Files
import Foundation
import Glibc
import JSON
import Synchronization

/// Says in a data folder, again and again, that a process uses it: a lock on a folder of another machine (NFS, for one) may be granted to two
/// machines at once.
///
/// Within one machine the lock is right, and a killed process leaves no wait behind. A beat of another machine is watched for a while: whether
/// it goes on is told by its number alone, since two machines have two clocks.
package final class Heartbeat: Sendable {
  /// One machine, from one start of its system to the next.
  package struct Machine: Hashable, Sendable {
    let boot: String
    let host: String
    /// Seconds between two beats.
    let interval: Double

    package init(boot: String, host: String, interval: Double = 5) {
      self.boot = boot
      self.host = host
      self.interval = interval
    }

    package static let this = Machine(
      boot: kernel("random/boot_id"), host: kernel("hostname"))

    /// What the kernel says of itself (proc(5)): no name server is asked.
    private static func kernel(_ name: String) -> String {
      let text = try? String(contentsOfFile: "/proc/sys/kernel/\(name)", encoding: .utf8)
      return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
    }
  }

  private struct Beat: Codable, Hashable {
    var boot: String
    var host: String
    var pid: Int32
    var id: String
    var number = 0
    var ended = false
  }

  package static let name = "heartbeat"
  /// It never grows, so that a full disk does not stop it.
  private static let bytes = 512

  private let url: URL
  private let beat: Mutex<Beat>
  private let isLost = Atomic<Bool>(false)
  /// Safe: set up once, and cancelled when nobody has the heartbeat any more.
  nonisolated(unsafe) private let clock: any DispatchSourceTimer

  /// - Parameter notice: told, before it waits, why.
  /// - Throws: `DataDirectoryError` when a process of another machine uses the folder; `StorageError`.
  init(_ folder: URL, _ machine: Machine, notice: (String) -> Void) throws {
    url = folder.appendingPathComponent(Self.name)
    try Self.requireSilence(url, folder, machine, notice)
    beat = Mutex(Beat(boot: machine.boot, host: machine.host, pid: getpid(), id: UUID().uuidString))
    clock = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "temper.heartbeat"))
    // On a disk that is full the lock alone has to do.
    do { try beat.withLock { try Self.write($0, to: url) } } catch let error as StorageError where error.isFull {}
    clock.schedule(deadline: .now() + machine.interval, repeating: machine.interval, leeway: .milliseconds(100))
    clock.setEventHandler { [weak self] in self?.tick() }
    clock.activate()
  }

  deinit { clock.cancel() }

  /// False once another process has taken the folder: nothing may be written into it any more.
  var isOwn: Bool { !isLost.load(ordering: .relaxed) }

  /// The folder may be taken by another machine at once.
  func end() {
    clock.cancel()
    beat.withLock { beat in
      beat.ended = true
      if Self.read(url)?.id == beat.id { try? Self.write(beat, to: url) }
    }
  }

  private func tick() {
    beat.withLock { beat in
      guard !beat.ended else { return }
      // A folder that is away for a moment says nothing.
      guard let there = Self.read(url) else { return }
      guard there.id == beat.id else { return isLost.store(true, ordering: .relaxed) }
      beat.number += 1
      try? Self.write(beat, to: url)
    }
  }

  private static func requireSilence(_ url: URL, _ folder: URL, _ machine: Machine, _ notice: (String) -> Void) throws {
    guard let last = read(url), !last.ended, last.boot != machine.boot else { return }
    let seconds = 2.5 * machine.interval
    notice(
      """
      a process on the machine \(last.host) (\(last.pid)), or on this one before it was started anew, used the data directory \(folder.path) \
      and did not say that it ended; its heartbeat is watched for \(seconds) seconds, and when it has stopped the folder is taken
      """)
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      Thread.sleep(forTimeInterval: machine.interval / 10)
      guard let now = read(url), now != last, !now.ended else { continue }
      throw DataDirectoryError(
        description: """
          a process on the machine \(now.host) (\(now.pid)) is using the data directory \(folder.path): its heartbeat goes on, though the lock \
          of the folder does not say so here; stop it, or name another directory with --data
          """)
    }
  }

  // Opened anew each time: only then does NFS look at the server (close-to-open consistency, nfs(5)).

  private static func read(_ url: URL) -> Beat? {
    guard let file = try? OpenFile(url) else { return nil }
    var bytes = [UInt8](repeating: 0, count: min(file.size, bytes))
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0, at: 0) }) else { return nil }
    return try? JSONValue(parsing: Array(bytes.prefix(count))).decoded(as: Beat.self)
  }

  private static func write(_ beat: Beat, to url: URL) throws {
    var text = Array(try JSONValue(encoding: beat).serialised().utf8.prefix(bytes - 1))
    text += [UInt8](repeating: UInt8(ascii: " "), count: bytes - 1 - text.count) + [UInt8(ascii: "\n")]
    let path = url.path
    let descriptor = try systemCall("the heartbeat cannot be opened") { open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
    defer { close(descriptor) }
    try systemCall("the heartbeat cannot be written") { pwrite(descriptor, text, text.count, 0) }
  }
}
