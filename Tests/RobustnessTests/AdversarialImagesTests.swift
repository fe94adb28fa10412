import Attacks
import Foundation
import Robustness
import TensorEngine
import Testing

@Suite("The misclassified images of an evaluation")
struct AdversarialImagesTests {
  private let settings = EvaluationSettings(
    attacks: [AttackSettings(.fgsm), AttackSettings(.autoattack), AttackSettings(.pgd, ["steps": 3])], curve: [0.05], seed: 7)
  private let threat = Threat(norm: .linf, epsilon: 0.1)
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-images-\(UUID().uuidString)")

  private func opened(_ name: String, of set: EvaluationSet, _ team: LinearTeam) throws -> AdversarialImages {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return try AdversarialImages(folder.appendingPathComponent(name), count: set.count, imageShape: team.inputShape)
  }

  private func evaluate(
    _ team: LinearTeam, _ set: EvaluationSet, _ images: AdversarialImages, _ journal: EvaluationJournal = EvaluationJournal(model: "m"),
    _ stop: Stop = Stop()
  ) throws -> Evaluation {
    try Evaluator(settings: settings, threat: threat).evaluate(
      team, on: set, journal: journal, images: images, control: { try stop.ask() })
  }

  /// As a process finds it that comes after the one that wrote it.
  private func reread(_ journal: EvaluationJournal) throws -> EvaluationJournal {
    let data = try JSONEncoder().encode(journal.snapshot)
    return EvaluationJournal(model: "m", try JSONDecoder().decode(EvaluationJournal.Snapshot.self, from: data))
  }

  private func pixels(_ images: AdversarialImages) throws -> [Float] {
    try images.images(at: images.found.indices.filter { images.found[$0] != nil }).values
  }

  @Test("one is kept of each example that fell: misclassified as recorded, in the ball, by the first attack that felled it")
  func kept() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let team = LinearTeam(classes: 5)
    let set = team.set(60, wrong: [3, 17])
    let images = try opened("a", of: set, team)
    let outcomes = try #require(try evaluate(team, set, images).outcomes)
    #expect(outcomes.robust.contains(true))
    for (position, found) in images.found.enumerated() {
      let isFallen = outcomes.clean[position] && !outcomes.robust[position]
      #expect((found != nil) == isFallen)
      guard let found else { continue }
      #expect(outcomes.attacks.firstIndex { !$0[position] } == found.finder.attack)
      #expect((found.finder.part != nil) == (found.finder.attack == 1))
      let image = try images.images(at: [position])
      #expect(team.predictions(of: image) == [found.prediction])
      #expect(found.prediction != set.labels[position])
      #expect(threat.distances(of: image, from: try set.images([position]))[0] <= 0.1 + 1e-6)
      #expect(image.values.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
    #expect(Set(images.found.compactMap { $0?.finder.attack }).count > 1)
  }

  @Test("an evaluation that is interrupted anywhere and resumed keeps the same images")
  func interrupted() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let team = LinearTeam(classes: 5)
    let set = team.set(60, wrong: [3, 17])
    let undisturbed = try opened("whole", of: set, team)
    let all = Stop()
    _ = try evaluate(team, set, undisturbed, EvaluationJournal(model: "m"), all)
    let whole = try pixels(undisturbed)
    for limit in stride(from: 0, to: all.questions, by: max(1, all.questions / 20)) {
      let journal = EvaluationJournal(model: "m")
      #expect(throws: Stop.Stopped.self) { try evaluate(team, set, try opened("\(limit)", of: set, team), journal, Stop(after: limit)) }
      let images = try opened("\(limit)", of: set, team)
      _ = try evaluate(team, set, images, try reread(journal))
      #expect(images.found == undisturbed.found)
      #expect(try pixels(images) == whole)
    }
  }

  @Test("images that were lost or changed are found again by the shards that they are of, and by no other", arguments: [0, 1, 2])
  func damaged(_ damage: Int) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let team = LinearTeam(classes: 5)
    let set = team.set(60)
    let first = try opened("a", of: set, team)
    let (journal, all) = (EvaluationJournal(model: "m"), Stop())
    _ = try evaluate(team, set, first, journal, all)
    let whole = try pixels(first)
    let place = try #require(first.found.firstIndex { $0 != nil })
    let url = folder.appendingPathComponent("a")
    switch damage {
    case 0: try FileManager.default.removeItem(at: url)
    case 1: try Data(contentsOf: url).dropLast(30).write(to: url)
    default:
      var data = try Data(contentsOf: url)
      data[place * 24] ^= 1
      try data.write(to: url)
    }
    let again = Stop()
    let images = try opened("a", of: set, team)
    _ = try evaluate(team, set, images, try reread(journal), again)
    #expect(try pixels(images) == whole)
    #expect(again.questions > 0 && again.questions < (damage == 0 ? all.questions : all.questions / 2))
  }
}
