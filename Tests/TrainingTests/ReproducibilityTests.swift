import Files
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

  /// The ways in which a batch is attacked: by the loss of the labels, by a divergence, and all shards at once.
  enum AttackOnPreprocessed: CaseIterable {
    case ofLabels, ofDivergence, ofBatch
  }

  private func preprocessed(_ attack: AttackOnPreprocessed) throws -> TemporaryRun {
    let run = try TemporaryRun()
    if attack == .ofDivergence { run.settings.method = .trades }
    if attack == .ofBatch {
      run.model = Blobs.normalized
      run.settings.batchNormInAttack = .train
    }
    run.model.preprocessing = try Preprocessing.list([
      ["type": "bit_depth", "bits": 5], ["type": "median"], ["type": "gaussian_blur", "sigma": 0.4], ["type": "jpeg", "quality": 90],
      ["type": "noise", "sigma": 0.05],
    ])
    return run
  }

  @Test(
    "with preprocessing, on one thread, on two, and interrupted anywhere and resumed", arguments: AttackOnPreprocessed.allCases, [5, 19])
  func preprocessing(_ attack: AttackOnPreprocessed, interruptedAfter questions: Int) throws {
    let (one, two, broken) = (try preprocessed(attack), try preprocessed(attack), try preprocessed(attack))
    _ = try one.run(threads: 1)
    _ = try two.run(threads: 2)
    let interruption = Interruption(after: questions)
    #expect(throws: Interruption.Stopped()) { try broken.run { try interruption.ask() } }
    _ = try broken.run(resume: true)
    let files = try one.files()
    #expect(try two.files() == files)
    #expect(try broken.files() == files)
  }

  @Test("when the run is interrupted at any point and resumed, and then it does again no more than a batch or a shard")
  func interruption() throws {
    let whole = try TemporaryRun()
    // A measurement of many shards.
    whole.settings.validationFraction = 0.5
    let all = Interruption(after: .max)
    let outcome = try whole.run(threads: 1) { try all.ask() }
    let files = try whole.files()
    // A batch asks before it begins and for each of its shards, a shard of a measurement before it begins and for its attack.
    let again = 1 + Blobs.settings.batchSize
    for questions in 0..<all.questions {
      let broken = try TemporaryRun()
      broken.settings = whole.settings
      let (interruption, rest) = (Interruption(after: questions), Interruption(after: .max))
      #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
      let resumed = try broken.run(threads: 1, resume: true) { try rest.ask() }
      #expect(try broken.files() == files, "after \(questions) questions")
      #expect(resumed.history == outcome.history)
      #expect(resumed.checkpoints == outcome.checkpoints)
      #expect(resumed.warnings == outcome.warnings)
      #expect(resumed.saved == outcome.saved)
      #expect(rest.questions <= all.questions - questions + again)
    }
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

  @Test("when the process dies at any moment and the run goes on from what it left", arguments: [Blobs.convolutional, Blobs.normalized])
  func death(_ model: ModelDescription) throws {
    let (whole, broken) = (try TemporaryRun(), try TemporaryRun())
    for run in [whole, broken] { run.model = model }
    let outcome = try whole.run()
    let directory = broken.directory
    let remains = Remains(of: directory)
    broken.saveInterval = 0
    broken.sink = TrainingSink(
      progress: { _ in remains.take() }, metrics: { _ in remains.take() }, warning: { _ in remains.take() },
      checkpoint: { _ in remains.take() }, saved: { _ in remains.take() })
    _ = try broken.run()
    broken.sink = TrainingSink()
    #expect(remains.folders.count > 20)
    var positions: Set<Int> = []
    for folder in remains.folders {
      positions.insert(TrainingRun.savedState(in: folder)?.position ?? 0)
      let resumed = try broken.run(in: folder, resume: true)
      #expect(try broken.files(in: folder) == whole.files())
      #expect(resumed.history == outcome.history)
    }
    #expect(positions.count > 1)
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

  @Test("wherever its files are, and none of them is removed while the run lives")
  func stored() throws {
    let (folder, stored) = (try TemporaryRun(), try TemporaryRun())
    let outcome = try folder.run()
    let lost = LostAndFound(stored.directory.appendingPathComponent("lost+found")) { _, _ in }
    try Folder.makeWithParents(stored.directory.appendingPathComponent("files"))
    let store = FileStore(stored.directory.appendingPathComponent("files"), incoming: stored.directory, lost: lost)
    let checkpoints = FileStoreCheckpoints(store)
    stored.checkpoints = checkpoints
    let interruption = Interruption(after: 30)
    #expect(throws: Interruption.Stopped()) { try stored.run { try interruption.ask() } }
    let resumed = try stored.run(resume: true)
    #expect(resumed.checkpoints == outcome.checkpoints)
    for checkpoint in resumed.checkpoints {
      #expect(!store.remove(checkpoint.sha256))
      #expect(try checkpoints.open(checkpoint).size == checkpoint.bytes)
    }
    let named = TrainingRun.namedCheckpoints(in: stored.directory)
    #expect(named.isSuperset(of: resumed.checkpoints))
  }

  @Test("and others with another seed")
  func seeds() throws {
    let (one, other) = (try TemporaryRun(), try TemporaryRun())
    other.seed = 6
    let (a, b) = (try one.run(), try other.run())
    #expect(a.selected.checkpoint.sha256 != b.selected.checkpoint.sha256)
  }
}

/// What a process would have left at each of the moments at which it was looked at; it goes with the value.
final class Remains: Sendable {
  private let directory: URL
  private let taken = Mutex<[URL]>([])

  init(of directory: URL) { self.directory = directory }

  var folders: [URL] { taken.withLock { $0 } }

  func take() {
    taken.withLock { taken in
      let folder = directory.appendingPathExtension("remains-\(taken.count)")
      if (try? copyRemains(of: directory, to: folder)) != nil { taken.append(folder) }
    }
  }

  deinit { for folder in taken.withLock({ $0 }) { try? FileManager.default.removeItem(at: folder) } }
}
