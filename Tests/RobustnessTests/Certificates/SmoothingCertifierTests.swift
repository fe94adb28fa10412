import Attacks
import Foundation
import Robustness
import TensorEngine
import Testing

@Suite("Certificates by randomised smoothing")
struct SmoothingCertifierTests {
  private typealias Smoothing = CertificateSettings.Smoothing
  private let threat = Threat(norm: .l2, epsilon: 0.1)

  private func evaluate(
    _ team: LinearTeam, _ set: EvaluationSet, _ smoothing: Smoothing, _ journal: EvaluationJournal = EvaluationJournal(model: "m"),
    _ stop: Stop = Stop()
  ) throws -> Evaluation {
    try Evaluator(
      settings: EvaluationSettings(attacks: [], seed: 7, selfCheck: false, certificate: .smoothing(smoothing)), threat: threat
    ).evaluate(team, on: set, journal: journal, certifier: SmoothingCertifier(smoothing, team), control: { try stop.ask() })
  }

  /// A linear model answers a noisy image with its class with probability Φ(margin / σ‖w‖) where there are two classes, so that the radius
  /// that smoothing can certify is the distance to the border itself.
  @Test("of a linear network of two classes lie below the distance to the border, and near it")
  func linear() throws {
    let team = LinearTeam(classes: 2)
    let set = team.set(40)
    let difference = zip(team.weights[0], team.weights[1]).map { Double($0) - Double($1) }
    let length = difference.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let images = try set.images(Array(0..<40))
    let distances = (0..<40).map { row in
      abs(zip(images[example: row], difference).reduce(0.0) { $0 + Double($1.0) * $1.1 }) / length
    }
    // Above three deviations, ten thousand draws no longer tell how far the border is.
    let sigma = 0.25
    for share in [0.5, 0.9, 1.01] {
      // At a share of each distance, so that every example is asked about.
      let certified = try distances.enumerated().filter { $0.element < 2 * sigma }.map { row, distance in
        let one = EvaluationSet(
          images: images.gathered([row]), labels: [set.labels[row]], classNames: set.classNames, ids: [row])
        let smoothing = Smoothing(sigma: sigma, selection: 20, estimation: 10_000, alpha: 0.001, radii: [share * distance])
        return try evaluate(team, one, smoothing).certificate?.certifiedAccuracy.correct == 1
      }
      #expect(certified.count > 20)
      switch share {
      // What is nearer than the border holds but for those so near to it that the draws do not tell the classes apart.
      case 0.5: #expect(certified.count { !$0 } <= 6)
      case 0.9: #expect(certified.count { $0 } > certified.count / 2)
      default: #expect(!certified.contains(true))
      }
    }
  }

  @Test("of a constant network have the radius that so many draws can show, σ Φ⁻¹(αˡ), and where no class is certain abstain")
  func constant() throws {
    var team = LinearTeam(classes: 2)
    team.weights = [[Float](repeating: 0, count: 6), [Float](repeating: 0, count: 6)]
    let set = team.set(10)
    let bound = pow(0.001, 1.0 / 1_000)
    let radius = 0.5 * NormalDistribution.quantile(tail: 1 - bound)
    let smoothing = Smoothing(sigma: 0.5, selection: 10, estimation: 1_000, alpha: 0.001, radii: [radius * 0.999, radius * 1.001])
    let certificate = try #require(try evaluate(team, set, smoothing).certificate)
    #expect(certificate.radii.map(\.certifiedAccuracy.correct) == [10, 0])
    #expect(certificate.abstentions == 0 && certificate.norm == .l2)
    // Noise far larger than the weights' difference: each class has half of the draws.
    var even = LinearTeam(classes: 2)
    even.weights = [[1, -1, 1, -1, 1, -1], [-1, 1, -1, 1, -1, 1]]
    let unsure = Smoothing(sigma: 10, selection: 10, estimation: 1_000, alpha: 0.001, radii: [0])
    let open = try #require(try evaluate(even, even.set(20), unsure).certificate)
    #expect((open.abstentions ?? 0) >= 15)
    #expect(open.certifiedAccuracy.correct <= 20 - (open.abstentions ?? 0))
  }

  @Test("do not depend on the other examples, nor on their order")
  func keyed() throws {
    let team = LinearTeam(classes: 3)
    let set = team.set(30)
    let images = try set.images(Array(0..<30))
    let smoothing = Smoothing(sigma: 0.5, selection: 10, estimation: 300, radii: [0.1])
    func certified(_ order: [Int]) throws -> [Int: Bool] {
      let chosen = EvaluationSet(
        images: images.gathered(order), labels: order.map { set.labels[$0] }, classNames: set.classNames, ids: order)
      let journal = EvaluationJournal(model: "m")
      _ = try evaluate(team, chosen, smoothing, journal)
      let records = try #require(journal.snapshot.stages["certificate"]).shards.sorted { $0.key < $1.key }.flatMap(\.value.withstood)
      return Dictionary(uniqueKeysWithValues: zip(order, records))
    }
    let all = try certified(Array(0..<30))
    let some = try certified([17, 3, 29, 8])
    #expect(Set(all.values) == [true, false])
    for (id, outcome) in some { #expect(all[id] == outcome) }
  }

  @Test("that are interrupted at any question and resumed end the same, and repeat no finished task")
  func interrupted() throws {
    let team = LinearTeam(classes: 3)
    let set = team.set(12)
    let smoothing = Smoothing(sigma: 0.5, selection: 10, estimation: 200, radii: [0.1, 0.3])
    let asked = Stop()
    let whole = try evaluate(team, set, smoothing, EvaluationJournal(model: "m"), asked)
    #expect(asked.questions > 20)
    for limit in stride(from: 1, to: asked.questions, by: 7) {
      let journal = EvaluationJournal(model: "m")
      #expect(throws: Stop.Stopped.self) { try evaluate(team, set, smoothing, journal, Stop(after: limit)) }
      let data = try JSONEncoder().encode(journal.snapshot)
      let reread = EvaluationJournal(model: "m", try JSONDecoder().decode(EvaluationJournal.Snapshot.self, from: data))
      let left = Stop()
      let resumed = try evaluate(team, set, smoothing, reread, left)
      var (one, other) = (try #require(resumed.certificate), try #require(whole.certificate))
      (one.seconds, other.seconds) = (0, 0)
      #expect(one == other)
      if reread.finishedShards > 6 { #expect(left.questions < asked.questions) }
    }
  }
}
