import Files
import Foundation
import Synchronization
import Testing
import Training

/// Checkpoints on a disk that is full for a while.
private final class FullDisk: CheckpointStorage {
  private let files: CheckpointFolder
  private let failures: Mutex<Int>
  private let code: Int32

  init(_ directory: URL, failures: Int, code: Int32) {
    files = CheckpointFolder(directory)
    self.failures = Mutex(failures)
    self.code = code
  }

  func write(_ role: CheckpointRole, _ body: (NewFile) throws -> Void) throws -> (bytes: Int, sha256: String) {
    let fails = failures.withLock { failures in
      failures -= 1
      return failures >= 0
    }
    return try files.write(role) { file in
      try body(file)
      // As a write that fails at its end.
      if fails { throw StorageError("a checkpoint cannot be written", errno: code) }
    }
  }

  func open(_ checkpoint: Checkpoint) throws -> OpenFile { try files.open(checkpoint) }
}

@Suite("A shortage")
struct ShortageTests {
  @Test("of room or of descriptors is waited out, and the run ends with the same bits", arguments: [ENOSPC, EDQUOT, EMFILE])
  func waitedOut(_ code: Int32) throws {
    let (whole, run) = (try TemporaryRun(), try TemporaryRun())
    _ = try whole.run()
    run.checkpoints = FullDisk(run.directory, failures: 3, code: code)
    let told = Mutex<[Int32]>([])
    run.waitForRoom = { error in told.withLock { $0.append(error.code) } }
    _ = try run.run()
    #expect(told.withLock { $0 } == [code, code, code])
    #expect(try run.files() == whole.files())
  }

  @Test("that nobody waits out ends the run, which goes on when there is room, without measuring again")
  func notWaitedOut() throws {
    let (whole, run) = (try TemporaryRun(), try TemporaryRun())
    _ = try whole.run()
    run.checkpoints = FullDisk(run.directory, failures: 1, code: ENOSPC)
    let error = #expect(throws: StorageError.self) { try run.run() }
    #expect(error?.isFull == true)
    let saved = try #require(TrainingRun.savedState(in: run.directory))
    #expect(saved.step == 3 && saved.position > 3)
    _ = try run.run(resume: true)
    #expect(try run.files() == whole.files())
  }

  @Test("of another kind is no shortage: the run ends at once")
  func otherFailure() throws {
    let run = try TemporaryRun()
    run.checkpoints = FullDisk(run.directory, failures: 1, code: EIO)
    run.waitForRoom = { error in Issue.record("told of \(error)") }
    #expect(throws: StorageError.self) { try run.run() }
  }

  @Test("an interruption while the disk is full ends the run")
  func interrupted() throws {
    let run = try TemporaryRun()
    run.checkpoints = FullDisk(run.directory, failures: .max, code: ENOSPC)
    run.waitForRoom = { _ in throw Interruption.Stopped() }
    #expect(throws: Interruption.Stopped()) { try run.run() }
  }
}

@Suite("Saving in the background")
struct BackgroundSaverTests {
  private struct Other: Error {}

  @Test("a save that found no room is told of and tried again, and ends nothing")
  func shortage() throws {
    let told = Mutex(0)
    let written = Mutex<[Int]>([])
    let saver = BackgroundSaver<Int>(interval: 0, waitForRoom: { _ in told.withLock { $0 += 1 } }) { content in
      if content < 2 { throw StorageError("full", errno: ENOSPC) }
      written.withLock { $0.append(content) }
      return 1
    }
    for content in 0..<4 {
      saver.saveIfDue { content }
      saver.wait()
      try saver.check()
    }
    #expect(told.withLock { $0 } == 2)
    #expect(written.withLock { $0 } == [2, 3])
  }

  @Test("what the waiting throws in the background ends nothing either")
  func unwaited() throws {
    let saver = BackgroundSaver<Int>(interval: 0, waitForRoom: { throw $0 }) { _ in throw StorageError("full", errno: ENOSPC) }
    saver.saveIfDue { 0 }
    saver.wait()
    try saver.check()
    #expect(throws: StorageError.self) { try saver.saveNow { 1 } }
  }

  @Test("another failure is told to whoever asks")
  func failure() {
    let saver = BackgroundSaver<Int>(interval: 0, waitForRoom: { _ in }) { _ in throw Other() }
    saver.saveIfDue { 0 }
    saver.wait()
    #expect(throws: Other.self) { try saver.check() }
  }

  @Test("nothing is copied while the copy before it is being written; what was wanted then comes next")
  func oneAtATime() {
    let go = DispatchSemaphore(value: 0)
    let copies = Mutex<[Int]>([])
    let saver = BackgroundSaver<Int>(interval: 3600, waitForRoom: { _ in }) { _ in
      go.wait()
      return 1
    }
    func save(_ content: Int, waiving: Bool = false) {
      saver.saveIfDue(waivingInterval: waiving) {
        copies.withLock { $0.append(content) }
        return content
      }
    }
    save(0)
    #expect(copies.withLock { $0 } == [])
    save(1, waiving: true)
    save(2, waiving: true)
    #expect(copies.withLock { $0 } == [1])
    go.signal()
    saver.wait()
    // Asked for while the first was being written.
    save(3)
    go.signal()
    saver.wait()
    save(4)
    #expect(copies.withLock { $0 } == [1, 3])
  }

  @Test("a save on the calling thread comes after the one under way")
  func saveNow() throws {
    let go = DispatchSemaphore(value: 0)
    let written = Mutex<[Int]>([])
    let saver = BackgroundSaver<Int>(interval: 0, waitForRoom: { _ in }) { content in
      if content == 0 { go.wait() }
      written.withLock { $0.append(content) }
      return 1
    }
    saver.saveIfDue { 0 }
    go.signal()
    try saver.saveNow { 1 }
    #expect(written.withLock { $0 } == [0, 1])
  }
}
