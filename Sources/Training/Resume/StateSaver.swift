import Files
import Foundation
import TensorEngine

/// The saved states of one run: finds the newest one, and writes new ones by turns into files while the run goes on.
///
/// `@unchecked Sendable`: it reads weights and optimiser only when its caller says that nothing changes them, and `copies` and
/// `turns` belong to the save under way, of which `BackgroundSaver` has one at a time.
final class StateSaver: @unchecked Sendable {
  private let files: ResumeFiles
  private let parameters: Parameters
  private let optimizer: Optimizer
  private let method: MethodState
  private let setAside: @Sendable (URL, String) throws -> Void
  private let waitForRoom: @Sendable (StorageError) throws -> Void
  private let saver: BackgroundSaver<ResumeState>
  private let copies: ArrayCopies
  private let turns: Turns

  init(_ run: TrainingRun, _ parameters: Parameters, _ optimizer: Optimizer, _ method: MethodState) {
    let files = ResumeFiles(directory: run.directory)
    let (copies, turns, told) = (ArrayCopies(), Turns(), run.sink.saved)
    self.files = files
    self.parameters = parameters
    self.optimizer = optimizer
    self.method = method
    self.copies = copies
    self.turns = turns
    setAside = run.setAside
    waitForRoom = run.waitForRoom
    saver = BackgroundSaver(interval: run.saveInterval, waitForRoom: run.waitForRoom) { state in
      var state = state
      state.generation = turns.generation + 1
      let bytes = try files.files[turns.next].write(state, copies.arrays)
      turns.pass(state.generation, from: turns.next)
      told(state.saved)
      return bytes
    }
  }

  /// Which file the next state goes to.
  private final class Turns: @unchecked Sendable {
    private(set) var next = 0
    private(set) var generation = 0

    /// To be called when a state of that generation lies in a file.
    func pass(_ generation: Int, from file: Int) {
      next = (file + 1) % ResumeFiles.names.count
      self.generation = generation
    }
  }

  /// Removes what an earlier run left.
  func removeAll() { files.remove() }

  /// Reads the newest whole state, weights and optimiser included. Where there is none, they may hold anything after that.
  func restore(_ fingerprint: String) throws -> ResumeFiles.Found {
    var found = ResumeFiles.Found()
    try waitingOutShortage(waitForRoom) {
      try parameters.withValues { try files.restore(fingerprint, into: [$0] + furtherArrays, &found, setAside: setAside) }
    }
    if let state = found.state, let file = found.file {
      optimizer.resume(after: state.optimizerStep)
      turns.pass(state.generation, from: file)
    }
    return found
  }

  /// Reads the state of a finished run, which this one extends.
  ///
  /// - Returns: `nil` when there is none; whether weights and optimiser are in it.
  /// - Throws: `ResumeFile.Damage`.
  func restoreExtended(_ file: ResumeFile) throws -> (state: ResumeState, hasArrays: Bool)? {
    try waitingOutShortage(waitForRoom) {
      guard let open = try file.open(ResumeState.self) else { return nil }
      try open.requireWhole()
      guard !open.counts.isEmpty else { return (open.header, false) }
      try parameters.withValues { weights in
        let places = [weights] + furtherArrays
        guard open.counts == places.map(\.count) else { throw ResumeFile.Damage(reason: "has the weights of another network") }
        try open.read(into: places)
      }
      optimizer.resume(after: open.header.optimizerStep)
      return (open.header, true)
    }
  }

  /// Begins to save when it is due; the file is written by another thread. Nothing may change weights and optimiser meanwhile.
  ///
  /// - Parameter afterEpoch: whether it is due before its time.
  func saveIfDue(afterEpoch: Bool = false, _ state: () -> ResumeState) {
    saver.saveIfDue(waivingInterval: afterEpoch) { copied(state()) }
  }

  /// Saves; the state is on the disk when this returns.
  func saveNow(_ state: ResumeState) throws { try saver.saveNow { copied(state) } }

  /// Waits until nothing is being written.
  func wait() { saver.wait() }

  /// - Throws: why a state could not be written, unless that will pass.
  func check() throws { try saver.check() }

  /// All that is saved beside the weights.
  private var furtherArrays: [UnsafeMutableBufferPointer<Float>] { optimizer.slots + (method.count > 0 ? [method.values] : []) }

  private func copied(_ state: ResumeState) -> ResumeState {
    parameters.withValues { copies.take([$0] + furtherArrays) }
    var state = state
    state.optimizerStep = optimizer.step
    return state
  }
}

/// Buffers that weights and optimiser are copied to, made at the first copy and used again for each.
///
/// `@unchecked Sendable`: of one save at a time.
private final class ArrayCopies: @unchecked Sendable {
  private var buffers: [UnsafeMutableBufferPointer<Float>] = []

  var arrays: [UnsafeBufferPointer<Float>] { buffers.map { UnsafeBufferPointer($0) } }

  func take(_ arrays: [UnsafeMutableBufferPointer<Float>]) {
    if buffers.isEmpty { buffers = arrays.map { .allocate(capacity: $0.count) } }
    for (buffer, array) in zip(buffers, arrays) { _ = buffer.update(fromContentsOf: array) }
  }

  deinit { for buffer in buffers { buffer.deallocate() } }
}
