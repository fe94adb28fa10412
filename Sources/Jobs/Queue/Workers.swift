import Dispatch
import Files
import Foundation
import Logging
import Robustness
import Synchronization
import TensorEngine
import Training

/// The threads that run jobs: so many at a time, each job on one thread of its own, all on one engine.
///
/// A thread that has nothing to do sleeps on a semaphore; whatever puts a job into the queue signals it. A signal too many is a look
/// at an empty queue; one too few cannot be, for every thread empties the queue before it sleeps.
package final class Workers: Sendable {
  private let store: Store
  private let runner: JobRunner
  private let count: Int
  private let memoryBudget: Int?
  private let logger: Logger
  private let wake = DispatchSemaphore(value: 0)
  private let finished = DispatchGroup()
  private let running = Mutex<[String: RunControl]>([:])
  private let isDraining = Atomic<Bool>(false)

  /// - Parameters:
  ///   - count: how many jobs run at a time, at least 1.
  ///   - memoryBudget: the bytes that the process may take with all of them.
  package init(
    store: Store, registry: Registry, engine: Engine, count: Int = 1, memoryBudget: Int? = nil,
    logger: Logger = Logger(label: "temper.jobs")
  ) {
    self.store = store
    self.count = max(1, count)
    self.memoryBudget = memoryBudget.map { max(0, $0 - Footprint.processBytes) }
    self.logger = logger
    runner = JobRunner(engine: engine, catalogue: registry)
  }

  /// Settles what the process before this one left, and starts the threads. To be called once.
  package func start() throws {
    try store.recover()
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

  /// Says that a job was put into the queue.
  package func wakeUp() { wake.signal() }

  /// Cancels a job: at once when it waits, within a batch when it runs.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func cancel(_ id: String) throws -> Job { try stop(id, to: .cancelled, by: .cancel) }

  /// Pauses a job: at once when it waits, else after its state was saved.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func pause(_ id: String) throws -> Job { try stop(id, to: .paused, by: .pause) }

  /// Puts a paused job back into the queue; it goes on from where it was.
  ///
  /// - Throws: `NotFound`, `IllegalTransition`.
  package func resume(_ id: String) throws -> Job {
    let present = try store.job(id).state
    guard present == .paused else { throw IllegalTransition(job: id, state: present, wanted: .queued) }
    let job = try store.move(id, to: .queued, reason: "Resumed.")
    wake.signal()
    return job
  }

  /// Takes no further job, asks those that run to save their state, and waits for them; they go back to the queue.
  ///
  /// - Returns: whether all had ended in time.
  package func drain(within seconds: Double) -> Bool {
    isDraining.store(true, ordering: .sequentiallyConsistent)
    for control in running.withLock({ Array($0.values) }) { control.stop(.drain) }
    for _ in 0..<count { wake.signal() }
    return finished.wait(timeout: .now() + seconds) == .success
  }

  /// The ids of the jobs that run now.
  package var jobs: [String] { running.withLock { $0.keys.sorted() } }

  private func stop(_ id: String, to state: JobState, by interruption: Interruption) throws -> Job {
    let job = try store.requestStop(id, to: state)
    if !job.state.isTerminal, job.state != .paused { running.withLock { $0[id] }?.stop(interruption) }
    return job
  }

  // MARK: On a job's thread

  private func work() {
    while !isDraining.load(ordering: .sequentiallyConsistent) {
      do {
        guard let job = try store.claim(within: memoryBudget) else {
          wake.wait()
          continue
        }
        attempt(job)
        // A job that waited for memory may run now, and not only on this thread.
        wake.signal()
      } catch {
        logger.error("the queue cannot be read", metadata: ["error": "\(error)"])
        Thread.sleep(forTimeInterval: 1)
      }
    }
  }

  /// One attempt at a job, whose end is always written down.
  private func attempt(_ job: Job) {
    let control = RunControl(seconds: secondsLeft(job))
    running.withLock { $0[job.id] = control }
    defer { running.withLock { $0[job.id] = nil } }
    let end = run(job, control)
    do {
      try store.settle(job.id, as: end.state, reason: end.reason)
      if end.state == .succeeded { JobRunner.removeState(in: store.directory.job(job.id)) }
    } catch {
      logger.critical("the end of a job could not be stored", metadata: ["job": "\(job.id)", "error": "\(error)"])
    }
  }

  private func run(_ job: Job, _ control: RunControl) -> (state: JobState, reason: String?) {
    do {
      let spec = try JobSpec(reading: job.spec)
      try follow(job.id, control)
      let report = try runner.run(
        spec, in: store.directory.job(job.id), resume: job.attempt > 1, sink: sink(of: job.id, control), control: control)
      try AtomicFile.write(Data(report.json().utf8), to: store.directory.report(of: job.id))
      return (.succeeded, nil)
    } catch let interruption as Interruption {
      switch interruption {
      case .cancel: return (.cancelled, nil)
      case .pause: return (.paused, nil)
      case .drain: return (.queued, "The process ended; the job goes on from its last saved state.")
      case .outOfTime: return (.failed, Self.outOfTime)
      }
    } catch {
      logger.warning("a job failed", metadata: ["job": "\(job.id)", "error": "\(error)"])
      return (.failed, FailureReason.sentence(for: error))
    }
  }

  private static let outOfTime = "The job took longer than its resources.max_seconds."

  /// What is left of the time that the spec allows, over all attempts; `nil` when it sets no bound.
  private func secondsLeft(_ job: Job) -> Double? {
    let seconds: Double? =
      switch job.spec["resources"]?["max_seconds"] {
      case .int(let whole): Double(whole)
      case .number(let number): number
      default: nil
      }
    return seconds.map { max(0, $0 - job.secondsRunning()) }
  }

  /// A request that came between the claim and the control's being there is in the job's state alone.
  private func follow(_ id: String, _ control: RunControl) throws {
    switch try store.job(id).state {
    case .cancelling: control.stop(.cancel)
    case .pausing: control.stop(.pause)
    default: break
    }
    if isDraining.load(ordering: .sequentiallyConsistent) { control.stop(.drain) }
  }

  /// Reports go to the store. One that cannot be written (a full disk) ends the job instead of being lost in silence.
  private func sink(of id: String, _ control: RunControl) -> RunSink {
    let store = store
    let pace = EventPace()
    @Sendable func noted(_ write: () throws -> Void) {
      do {
        try write()
      } catch {
        control.fail(with: error)
      }
    }
    return RunSink(
      progress: { progress in noted { try store.note(progress, of: id, event: pace.isDue(progress)) } },
      metrics: { metrics in noted { try store.note(metrics, of: id) } },
      warning: { warning in noted { try store.note(warning, of: id) } },
      checkpoint: { checkpoint in noted { try store.note(checkpoint, of: id) } })
  }
}

/// Which reports of progress become events: each change of phase to or from the evaluation and each epoch, and in between one a second
/// at first and ever fewer as the job gets longer, so that a week makes thousands of them and not a million.
final class EventPace: Sendable {
  private let start = ContinuousClock.now
  private let last = Mutex<(at: ContinuousClock.Instant, epoch: Int?, isEvaluation: Bool)?>(nil)

  func isDue(_ progress: JobProgress) -> Bool {
    let now = ContinuousClock.now
    let interval = max(1, (now - start) / .seconds(1) / 1_000)
    let isEvaluation = progress.phase == .evaluate
    return last.withLock { last in
      if let last, last.epoch == progress.epoch, last.isEvaluation == isEvaluation, (now - last.at) / .seconds(1) < interval,
        progress.fraction < 1
      {
        return false
      }
      last = (now, progress.epoch, isEvaluation)
      return true
    }
  }
}
