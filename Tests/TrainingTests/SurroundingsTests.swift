import Attacks
import Datasets
import Models
import TensorEngine
import Testing
import Training

/// What may surround a method: each alone, and all together.
enum Surrounding: String, CaseIterable {
  case average, clipping, smoothing, warmups, oneCycle, augmentation, parts, freezing, frozenStatistics, all

  func apply(to settings: inout TrainingSettings) {
    if self == .average || self == .all { settings.averageDecay = 0.8 }
    if self == .clipping || self == .all { settings.clipNorm = 0.05 }
    if self == .smoothing || self == .all { settings.labelSmoothing = 0.2 }
    if self == .warmups || self == .all { (settings.learningRateWarmup, settings.epsilonWarmup) = (0.4, 0.6) }
    if self == .oneCycle { settings.schedule = .oneCycle(OneCycle()) }
    if self == .parts || self == .all { settings.accumulate = 2 }
    if self == .freezing || self == .all { settings.freeze = ["*.bias"] }
    if self == .frozenStatistics { settings.batchNormStatistics = .frozen }
    if self == .augmentation || self == .all {
      settings.augment = [
        Augmentation(["type": "random_crop", "padding": 1]), Augmentation(["type": "flip"]), Augmentation(["type": "cutout", "size": 2]),
      ]
    }
  }
}

@Suite("What surrounds a method leaves the same bytes")
struct SurroundingsTests {
  private func run(_ surrounding: Surrounding, _ model: ModelDescription) throws -> TemporaryRun {
    let run = try TemporaryRun()
    run.model = model
    surrounding.apply(to: &run.settings)
    return run
  }

  /// Whether it changes anything: batch norm alone has statistics, and the parts of a batch matter to nothing else.
  private func matters(_ surrounding: Surrounding, _ model: ModelDescription) -> Bool {
    model == Blobs.normalized || ![.parts, .frozenStatistics].contains(surrounding)
  }

  @Test(
    "on one thread, on two, and stopped at three points and resumed, and others than without it", arguments: Surrounding.allCases,
    [Blobs.convolutional, Blobs.normalized])
  func same(_ surrounding: Surrounding, _ model: ModelDescription) throws {
    let (one, two, plain) = (try run(surrounding, model), try run(surrounding, model), try TemporaryRun())
    plain.model = model
    let all = Interruption(after: .max)
    let outcome = try one.run(threads: 1) { try all.ask() }
    _ = try two.run(threads: 2)
    let files = try one.files()
    #expect(try two.files() == files)
    for part in 1...3 {
      let broken = try run(surrounding, model)
      let interruption = Interruption(after: all.questions * part / 4)
      #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
      let resumed = try broken.run(threads: 2, resume: true)
      #expect(try broken.files() == files)
      #expect(resumed.history == outcome.history)
    }
    _ = try plain.run()
    #expect(try (plain.files() != files) == matters(surrounding, model))
  }

  @Test("around every method, on one thread, on two, and stopped and resumed", arguments: MethodCatalogue.all)
  func methods(_ method: TrainingMethod) throws {
    func made() throws -> TemporaryRun {
      let run = try run(.all, Blobs.normalized)
      run.settings.method = method
      if let usual = method.attack?.usual { run.settings.attack = usual }
      return run
    }
    let (one, two, broken) = (try made(), try made(), try made())
    let all = Interruption(after: .max)
    _ = try one.run(threads: 1) { try all.ask() }
    _ = try two.run(threads: 2)
    #expect(try two.files() == one.files())
    let interruption = Interruption(after: all.questions * 2 / 3)
    #expect(throws: Interruption.Stopped()) { try broken.run(threads: 1) { try interruption.ask() } }
    _ = try broken.run(resume: true)
    #expect(try broken.files() == one.files())
  }

  @Test("in every precision", arguments: Precision.allCases)
  func precision(_ precision: Precision) throws {
    let (one, two) = (try run(.all, Blobs.normalized), try run(.all, Blobs.normalized))
    for run in [one, two] { run.precision = precision }
    _ = try one.run(threads: 1)
    _ = try two.run(threads: 2)
    #expect(try one.files() == two.files())
  }

  @Test("when the process dies at any moment, with averaged weights")
  func death() throws {
    let (whole, broken) = (try run(.all, Blobs.normalized), try run(.all, Blobs.normalized))
    let outcome = try whole.run()
    let remains = Remains(of: broken.directory)
    broken.saveInterval = 0
    broken.sink = TrainingSink(
      progress: { _ in remains.take() }, metrics: { _ in remains.take() }, checkpoint: { _ in remains.take() },
      saved: { _ in remains.take() })
    _ = try broken.run()
    broken.sink = TrainingSink()
    for folder in remains.folders {
      let resumed = try broken.run(in: folder, resume: true)
      #expect(try broken.files(in: folder) == whole.files())
      #expect(resumed.history == outcome.history)
    }
  }
}
