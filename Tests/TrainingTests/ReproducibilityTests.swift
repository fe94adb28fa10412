import Foundation
import Models
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("A run's checkpoints are the same bytes")
struct ReproducibilityTests {
  @Test("on one thread and on two")
  func threads() throws {
    let (one, two) = (try TemporaryRun(), try TemporaryRun())
    _ = try one.run(threads: 1)
    _ = try two.run(threads: 2)
    let files = try one.files()
    #expect(files.count == 4)
    #expect(try two.files() == files)
  }

  @Test("when the run is interrupted at any point and resumed", arguments: [0, 1, 2, 6, 9, 13, 17, 19, 26, 31, 36, 41, 44])
  func interruption(_ questions: Int) throws {
    let (whole, broken) = (try TemporaryRun(), try TemporaryRun())
    let outcome = try whole.run()
    let interruption = Interruption(after: questions)
    #expect(throws: Interruption.Stopped()) { try broken.run { try interruption.ask() } }
    let resumed = try broken.run(resume: true)
    #expect(try broken.files() == whole.files())
    #expect(resumed.history == outcome.history)
    #expect(resumed.checkpoints == outcome.checkpoints)
  }

  /// A network whose shards meet, attacked by either kind of statistics.
  private func normalized(_ statistics: BatchNormInAttack) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = Blobs.normalized
    run.settings.batchNormInAttack = statistics
    return run
  }

  @Test("with batch norm, on one thread, on two and beside another run", arguments: BatchNormInAttack.allCases)
  func batchNorm(_ statistics: BatchNormInAttack) throws {
    let (one, two, beside) = (try normalized(statistics), try normalized(statistics), try normalized(statistics))
    _ = try one.run(threads: 1)
    let files = try one.files()
    // On threads of their own: they share the engine, which interleaves their work.
    let failures = Mutex<[any Error]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      do { _ = try (index == 0 ? two : beside).run(threads: 2) } catch { failures.withLock { $0.append(error) } }
    }
    #expect(failures.withLock { $0.isEmpty })
    #expect(try two.files() == files)
    #expect(try beside.files() == files)
  }

  @Test("with batch norm, interrupted anywhere and resumed", arguments: BatchNormInAttack.allCases, [2, 9, 17, 26, 36])
  func batchNorm(_ statistics: BatchNormInAttack, interruptedAfter questions: Int) throws {
    let (whole, broken) = (try normalized(statistics), try normalized(statistics))
    _ = try whole.run()
    let interruption = Interruption(after: questions)
    if (try? broken.run(control: { try interruption.ask() })) == nil { _ = try broken.run(resume: true) }
    #expect(try broken.files() == whole.files())
  }

  @Test("and others when batch norm looks at the batch under attack")
  func statistics() throws {
    let (running, own) = (try normalized(.eval), try normalized(.train))
    let (a, b) = (try running.run(), try own.run())
    #expect(a.base.checkpoint.sha256 == b.base.checkpoint.sha256)
    #expect(a.selected.checkpoint.sha256 != b.selected.checkpoint.sha256)
  }

  @Test("with Adam, interrupted again and again")
  func often() throws {
    let (whole, broken) = (try TemporaryRun(), try TemporaryRun())
    for run in [whole, broken] {
      run.settings.optimizer = OptimizerSettings(.adam(), learningRate: 0.01)
      run.settings.schedule = .cyclic()
    }
    _ = try whole.run()
    var attempts = 0
    while attempts < 30 {
      attempts += 1
      let interruption = Interruption(after: 22)
      if (try? broken.run(resume: true, control: { try interruption.ask() })) != nil { break }
    }
    #expect(attempts > 2 && attempts < 30)
    #expect(try broken.files() == whole.files())
  }

  @Test("when the machine dies in mid-epoch and the run goes on from the last saved state")
  func death() throws {
    let (whole, broken) = (try TemporaryRun(), try TemporaryRun())
    _ = try whole.run()
    let directory = broken.directory
    let remains = directory.appendingPathExtension("remains")
    defer { try? FileManager.default.removeItem(at: remains) }
    broken.saveInterval = 0
    broken.sink.progress = { progress in
      // What is on disk at this moment is what a dead process leaves: a batch further than the saved state.
      if progress.epoch == 3 && progress.step == 2 && progress.phase == .retrain {
        try? FileManager.default.copyItem(at: directory, to: remains)
      }
    }
    _ = try broken.run()
    _ = try broken.run(in: remains, resume: true)
    #expect(try broken.files(in: remains) == whole.files())
  }

  @Test("in every precision, whatever the threads, and others in each", arguments: [Blobs.convolutional, Blobs.normalized])
  func precision(_ model: ModelDescription) throws {
    var digests: Set<String> = []
    for precision in Precision.allCases {
      let (one, two) = (try TemporaryRun(), try TemporaryRun())
      for run in [one, two] {
        run.model = model
        run.precision = precision
      }
      digests.insert(try one.run(threads: 1).selected.checkpoint.sha256)
      _ = try two.run(threads: 2)
      #expect(try two.files() == one.files())
    }
    #expect(digests.count == Precision.allCases.count)
  }

  @Test("and others with another seed")
  func seeds() throws {
    let (one, other) = (try TemporaryRun(), try TemporaryRun())
    other.seed = 6
    let (a, b) = (try one.run(), try other.run())
    #expect(a.selected.checkpoint.sha256 != b.selected.checkpoint.sha256)
  }
}
