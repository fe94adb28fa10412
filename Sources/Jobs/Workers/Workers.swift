import Dispatch
import Files
import Foundation
import Logging
import Robustness
import Synchronization
import TensorEngine
import Training

/// The threads that run jobs. Each running job has its own thread; all share one engine.
///
/// An idle thread sleeps on a semaphore, which is signalled whenever a job is queued. A surplus signal only costs a look at an empty
/// queue. A signal cannot be missed, because every thread empties the queue before it sleeps.
package final class Workers: Sendable {
  private let store: Store
  private let runner: JobRunner
  private let count: Int
  private let memoryBudget: Int?
  private let fruitlessAttempts: Int
  private let keepsEnds: Bool
  private let registry: Registry
  private let logger: Logger
  private let wake = DispatchSemaphore(value: 0)
  private let finished = DispatchGroup()
  private let running = Mutex<[String: RunControl]>([:])
  private let isDraining = Atomic<Bool>(false)

  /// - Parameters:
  ///   - count: the number of jobs that run at a time, at least 1.
  ///   - memoryBudget: the bytes that the process may use with all of them.
  ///   - fruitlessAttempts: see `Store.recover`.
  ///   - keepsEnds: whether the state that a training ended with stays when its job has succeeded.
  package init(
    store: Store, registry: Registry, engine: Engine, count: Int = 1, memoryBudget: Int? = nil, fruitlessAttempts: Int = 3,
    keepsEnds: Bool = true,
    logger: Logger = Logger(label: "temper.jobs")
  ) {
    self.store = store
    self.count = max(1, count)
    self.memoryBudget = memoryBudget.map { max(0, $0 - Footprint.processBytes) }
    self.fruitlessAttempts = fruitlessAttempts
    self.keepsEnds = keepsEnds
    self.registry = registry
    self.logger = logger
    runner = JobRunner(engine: engine, catalogue: registry)
  }

  /// Recovers the jobs that the previous process left running, and starts the threads. Call it once.
  package func start() throws {
    try store.recover(fruitlessAttempts: fruitlessAttempts, saved: Store.SavedPoint.init(in:))
    for number in 0..<count {
      finished.enter()
      let thread = Thread { [self] in
        work()
        finished.leave()
      }
      thread.name = "temper-job-\(number)"
      thread.start()
    }
  }

  /// Wakes as many threads as jobs were queued.
  package func wakeUp(for jobs: Int = 1) { for _ in 0..<min(jobs, count) { wake.signal() } }

  /// Cancels a job: at once if it is queued, within a batch if it runs.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func cancel(_ id: String, if condition: ChangeCondition? = nil) throws -> Job {
    let job = try stop(id, to: .cancelled, by: .cancel, if: condition)
    if job.state == .cancelled { clearAway(job.id) }
    return job
  }

  /// Cancels every job of a sweep that has not ended, as `cancel`.
  ///
  /// - Throws: `NotFound`, `HasEnded`.
  package func cancel(sweep id: String, if condition: ChangeCondition? = nil) throws {
    let (stopped, asked) = try store.requestStop(ofSweep: id, if: condition)
    for job in asked { running.withLock { $0[job] }?.stop(.cancel) }
    for job in stopped { clearAway(job) }
  }

  /// Pauses a job: at once if it is queued, otherwise after its state is saved.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func pause(_ id: String, if condition: ChangeCondition? = nil) throws -> Job {
    try stop(id, to: .paused, by: .pause, if: condition)
  }

  /// Puts a paused job back into the queue. It continues from its saved state.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func resume(_ id: String, if condition: ChangeCondition? = nil) throws -> Job {
    let job = try store.resume(id, if: condition)
    wake.signal()
    return job
  }

  /// Pauses the whole service: no job begins until `resumeAll`, also after a restart.
  ///
  /// - Parameter pause: what becomes of the jobs that run.
  package func pauseAll(_ pause: Store.Pause) throws {
    try store.set(pause)
    if pause == .stop { for control in running.withLock({ $0 }).values { control.stop(.hold) } }
  }

  package func resumeAll() throws {
    try store.set(nil)
    wakeUp(for: count)
  }

  /// Why a queued job waits; `nil` for one that does not.
  package func wait(of id: String) throws -> JobWait? { try waits(of: [id])[id] }

  /// Why each of these jobs waits; those that do not are left out.
  package func waits(of ids: [String]) throws -> [String: JobWait] {
    let forecast = try store.forecast(within: memoryBudget, workers: count)
    return ids.reduce(into: [:]) { $0[$1] = forecast.wait(of: $1) }
  }

  /// Takes no further jobs, asks the running ones to save their state, and waits for them. They go back to the queue.
  ///
  /// - Returns: whether all ended in time.
  package func drain(within seconds: Double) -> Bool {
    beginDrain()
    return finished.wait(timeout: .now() + seconds) == .success
  }

  /// The same without waiting for them. The stop is noted with the running jobs when this returns.
  package func beginDrain() {
    isDraining.store(true, ordering: .sequentiallyConsistent)
    noteOrderedStop()
    for control in running.withLock({ $0 }).values { control.stop(.drain) }
    for _ in 0..<count { wake.signal() }
  }

  private func noteOrderedStop() {
    do {
      try store.noteOrderedStop()
    } catch {
      logger.warning("the shutdown could not be noted with the running jobs", metadata: ["error": "\(error)"])
    }
  }

  /// The ids of the running jobs.
  package var jobs: [String] { running.withLock { $0.keys.sorted() } }

  private func stop(
    _ id: String, to state: JobState, by interruption: Interruption, if condition: ChangeCondition?
  ) throws -> Job {
    let job = try store.requestStop(id, to: state, if: condition)
    if !job.state.isTerminal, job.state != .paused { running.withLock { $0[id] }?.stop(interruption) }
    return job
  }

  // MARK: On a job's thread

  private func work() {
    var obstacle: StorageError?
    while !isDraining.load(ordering: .sequentiallyConsistent) {
      do {
        // A job that can write nothing is not begun.
        try store.directory.requireAccess()
        obstacle = nil
        guard let job = try store.claim(within: memoryBudget, engine: EngineVersion.description) else {
          wake.wait()
          continue
        }
        attempt(job)
        // Jobs that waited for memory or for this one may run now, also on other threads.
        wakeUp(for: count)
      } catch {
        if obstacle == nil || error as? StorageError != obstacle {
          logger.error("no job can be begun; those in the queue wait", metadata: ["error": "\(error)"])
        }
        obstacle = error as? StorageError
        Thread.sleep(forTimeInterval: 1)
      }
    }
  }

  /// Runs one attempt at a job. Its end is always stored.
  private func attempt(_ job: Job) {
    let begun = ContinuousClock.now
    var ending = run(job)
    ending.seconds = (ContinuousClock.now - begun) / .seconds(1)
    ProcessMemory.giveBack()
    let own = running.withLock { $0[job.id] }
    settle(job.id, ending)
    // As soon as its end is stored another thread may have begun the next attempt.
    running.withLock { if $0[job.id] === own { $0[job.id] = nil } }
    // Only the stored state counts: a job whose end could not be stored will be resumed from its saved state.
    if let state = try? store.job(job.id).state, state == .succeeded || state == .cancelled {
      clearAway(job.id, keepsEnd: state == .succeeded && keepsEnds)
    }
  }

  /// Stores how an attempt ended. It retries for as long as the disk is full, because a job that nobody runs must not be shown as
  /// running.
  private func settle(_ id: String, _ ending: Store.Ending) {
    var pause = 0.1
    while true {
      do {
        return try store.settle(id, ending)
      } catch let error as StorageError {
        logger.error("the end of a job cannot be stored yet", metadata: ["job": "\(id)", "error": "\(error)"])
      } catch {
        return logger.critical("the end of a job could not be stored", metadata: ["job": "\(id)", "error": "\(error)"])
      }
      // The next process will recover the job.
      if isDraining.load(ordering: .sequentiallyConsistent) { return }
      Thread.sleep(forTimeInterval: pause)
      pause = min(2 * pause, 5)
    }
  }

  /// Removes the files that only a resumed job would need.
  ///
  /// - Parameter keepsEnd: whether the state that the training ended with stays, for a job that extends this one.
  private func clearAway(_ id: String, keepsEnd: Bool = false) {
    if keepsEnd { ExtensionFile.keepEnd(in: store.directory.job(id)) } else { Folder.remove(store.directory.job(id)) }
    do {
      try store.collectReleased(of: id)
    } catch {
      logger.warning("files of a job that has ended stay until the next start", metadata: ["job": "\(id)", "error": "\(error)"])
    }
  }

  private func run(_ job: Job) -> Store.Ending {
    var dataset: DatasetSection.Reference?
    do {
      let spec = try JobSpec(reading: job.spec)
      dataset = spec.dataset.reference
      let control = RunControl(seconds: spec.resources.maxSeconds.map { max(0, $0 - job.secondsRun) })
      running.withLock { $0[job.id] = control }
      try RoomForJob(job.id, store, control).whenThereIsRoom { try applyEarlierRequests(job.id, control) }
      if spec.generation != nil { return try generate(job, spec, control) }
      return try run(job, spec, control)
    } catch let interruption as Interruption {
      switch interruption {
      case .cancel: return Store.Ending(.cancelled)
      case .pause: return Store.Ending(.paused)
      case .hold:
        return Store.Ending(.queued, reason: "The service was paused; the job goes on from its last saved state.")
      case .drain: return Store.Ending(.queued, reason: "The process ended; the job goes on from its last saved state.")
      case .outOfTime:
        return Store.Ending(
          .failed,
          reason:
            "The job took longer than its resources.max_seconds. Resume it to go on from its last saved state, or submit it again with more seconds."
        )
      }
    } catch {
      let cause = damage(of: dataset) ?? error
      logger.warning("a job failed", metadata: ["job": "\(job.id)", "error": "\(cause)"])
      return Store.Ending(.failed, reason: FailureReason.sentence(for: cause))
    }
  }

  /// What is wrong with the file of a data set: then that is why a job failed, and the data set is marked.
  private func damage(of dataset: DatasetSection.Reference?) -> Damaged? {
    do {
      if let dataset { try registry.requireWhole(dataset) }
      return nil
    } catch {
      return error as? Damaged
    }
  }

  private func run(_ job: Job, _ spec: JobSpec, _ control: RunControl) throws -> Store.Ending {
    let files = store.directory.files
    let room = RoomForJob(job.id, store, control)
    let lost = store.directory.lost
    let report = try runner.run(
      spec, in: store.directory.job(job.id), checkpoints: FileStoreCheckpoints(files), resume: job.attempt > 1 || job.goesOnWithAnother,
      knownStep: job.progress.savedStep, sink: sink(of: job, control, room), control: control,
      setAside: { url, reason in try lost.take(url, because: reason) },
      requireRoom: room.require, waitForRoom: { try room.wait(for: $0) })
    // Pixels are read as they are needed: whoever overwrote the file meanwhile has changed what was learnt.
    try room.whenThereIsRoom { try registry.requireWhole(spec.dataset.reference) }
    let evidence = spec.evaluation.keepsEvidence ? try room.whenThereIsRoom { try adoptEvidence(of: job.id) } : nil
    let file = try room.whenThereIsRoom { try files.write { try $0.append(Data(report.json().utf8)) } }
    return Store.Ending(.succeeded, report: file, evidence: evidence, figures: ReportFigures(report))
  }

  private func generate(_ job: Job, _ spec: JobSpec, _ control: RunControl) throws -> Store.Ending {
    let room = RoomForJob(job.id, store, control)
    let lost = store.directory.lost
    let folder = store.directory.job(job.id)
    _ = try runner.generate(
      spec, in: folder, resume: job.attempt > 1 || job.goesOnWithAnother, sink: sink(of: job, control, room), control: control,
      setAside: { url, reason in try lost.take(url, because: reason) }, requireRoom: room.require,
      waitForRoom: { try room.wait(for: $0) })
    try room.whenThereIsRoom { try registry.requireWhole(spec.dataset.reference) }
    let dataset = try room.whenThereIsRoom {
      try registry.packed(generated: GeneratedImages.url(in: folder), name: job.name ?? "adversarial images of \(job.id)")
    }
    return Store.Ending(.succeeded, evidence: try room.whenThereIsRoom { try adoptEvidence(of: job.id) }, generated: dataset)
  }

  /// Puts the evidence that a run left in the job's folder among the files.
  private func adoptEvidence(of id: String) throws -> KeptFile {
    let url = Evidence.url(in: store.directory.job(id))
    return try store.directory.files.adopt(url, sha256: SHA256Digest.hex(ofFile: url))
  }

  /// A request that came after the claim and before `control` existed is visible in the job's state only.
  private func applyEarlierRequests(_ id: String, _ control: RunControl) throws {
    switch try store.job(id).state {
    case .cancelling: control.stop(.cancel)
    case .pausing: control.stop(.pause)
    default: break
    }
    if try store.pause() == .stop { control.stop(.hold) }
    guard isDraining.load(ordering: .sequentiallyConsistent) else { return }
    // It was claimed while the others were told.
    noteOrderedStop()
    control.stop(.drain)
  }

  /// Writes everything that the run reports to the store. A report that cannot be written waits for room or ends the job; none is dropped
  /// silently.
  private func sink(of job: Job, _ control: RunControl, _ room: RoomForJob) -> RunSink {
    let (store, id) = (store, job.id)
    let saved = Mutex(job.progress.savedStep)
    let replaced = ReplacedFiles(id, store)
    @Sendable func noted(_ write: () throws -> Void) {
      do {
        try room.whenThereIsRoom(write)
      } catch {
        control.fail(with: error)
      }
    }
    return RunSink(
      progress: { progress in
        var progress = progress
        progress.savedStep = saved.withLock { $0 }
        store.show(progress, of: id)
        noted { try room.requireOnJobThread() }
      },
      metrics: { metrics in noted { try store.note(metrics, of: id) } },
      warning: { warning in noted { try store.note(warning, of: id) } },
      beganAgain: { noted { try store.forgetMetrics(of: id) } },
      checkpoint: { checkpoint in noted { replaced.add(try store.note(checkpoint, of: id)) } },
      saved: { state in
        saved.withLock { $0 = state.step }
        noted {
          try store.noteSaved(state.step, of: id)
          try replaced.collect()
        }
      })
  }
}
