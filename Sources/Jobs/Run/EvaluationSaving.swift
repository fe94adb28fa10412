import Attacks
import Robustness
import Training

/// How evaluations are saved while they run, and go on: their finished shards, and the images found.
struct EvaluationSaving {
  private let storage: RunStorage
  private let sink: RunSink
  private let control: RunControl
  private let file: EvaluationFile

  init(_ storage: RunStorage, _ sink: RunSink, _ control: RunControl) {
    self.storage = storage
    self.sink = sink
    self.control = control
    file = EvaluationFile(directory: storage.directory)
  }

  /// What an earlier attempt saved, and warnings about it, which are told.
  ///
  /// - Parameter resume: whether there may be something to go on from.
  func found(resume: Bool) throws -> (state: EvaluationState?, warnings: [Warning]) {
    let (saved, warnings): (EvaluationState?, [Warning]) = try resume ? file.found(storage) : (nil, [])
    for warning in warnings { sink.warning(warning) }
    if let saved { sink.saved(saved.saved) }
    return (saved, warnings)
  }

  /// Runs `body`, whose evaluations are saved in the background. When it fails, they are saved once more.
  ///
  /// - Parameters:
  ///   - state: what is saved.
  ///   - images: those that the evaluations find.
  func run<Result>(
    saving state: @escaping @Sendable () -> EvaluationState, images: [AdversarialImages], _ body: (SavedEvaluations) throws -> Result
  ) throws -> Result {
    let (file, told) = (file, sink.saved)
    let saver = BackgroundSaver<EvaluationState>(interval: storage.saveInterval, waitForRoom: storage.waitForRoom) { state in
      // The images first: what the state says is there must be there.
      let bytes = try images.reduce(0) { try $0 + $1.sync() } + file.write(state)
      told(state.saved)
      return bytes
    }
    // The caller may remove the file as soon as this returns.
    defer { saver.wait() }
    do {
      return try body(SavedEvaluations(state: state, saver: saver, control: control, storage: storage))
    } catch {
      // The error that ended the evaluation matters more than a state that could not be written; the previous state still exists.
      try? saver.saveNow(state)
      throw error
    }
  }
}

/// Evaluations that are saved while they run.
struct SavedEvaluations {
  fileprivate let state: @Sendable () -> EvaluationState
  fileprivate let saver: BackgroundSaver<EvaluationState>
  fileprivate let control: RunControl
  fileprivate let storage: RunStorage

  func run(
    _ evaluator: Evaluator, _ team: any ClassifierTeam, on set: EvaluationSet, journal: EvaluationJournal, images: AdversarialImages?,
    certifier: (any Certifier)? = nil, progress: @escaping @Sendable (_ fraction: Double) -> Void
  ) throws -> Evaluation {
    progress(0)
    let (control, saver, state, storage) = (control, saver, state, storage)
    // Images are written on the engine's threads, which work for all jobs and must not wait for room. Where there is none, the shards that
    // lack it are computed again once there is.
    return try waitingOutShortage(storage.waitForRoom) {
      try evaluator.evaluate(
        team, on: set, journal: journal, images: images, certifier: certifier,
        control: {
          try control.check()
          try saver.check()
          try storage.requireRoom()
        },
        progress: {
          if $0.endsTask { saver.saveIfDue(state) }
          progress($0.fraction)
        })
    }
  }

  /// Saves what has been finished since.
  func save() {
    saver.wait()
    saver.saveIfDue(waivingInterval: true, state)
  }
}
