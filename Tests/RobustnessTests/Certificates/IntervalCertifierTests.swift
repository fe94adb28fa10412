import Attacks
import JSON
import Robustness
import TensorEngine
import Testing

@Suite("Certificates by interval bounds")
struct IntervalCertifierTests {
  private func evaluate(_ network: SmallNetwork, _ set: EvaluationSet, epsilon: Double, _ certifier: any Certifier) throws -> Evaluation {
    try Evaluator(
      settings: EvaluationSettings(
        attacks: [AttackSettings(.apgdCE), AttackSettings(.square, ["queries": 200])], selfCheck: false, certificate: .intervalBounds),
      threat: Threat(norm: .linf, epsilon: epsilon)
    ).evaluate(network.team(), on: set, certifier: certifier)
  }

  @Test("are sound against the exact worst case, and are no vacuous bounds", arguments: SmallNetwork.seeds.prefix(6), [0.01, 0.05, 0.2])
  func exact(_ seed: UInt64, _ epsilon: Double) throws {
    let network = try SmallNetwork(seed: seed)
    let set = network.set(200)
    let evaluation = try evaluate(network, set, epsilon: epsilon, network.certifier(epsilon))
    let certificate = try #require(evaluation.certificate)
    let bounds = try Session(
      Program(network.graph.bounds(for: .certificate), for: .inference, isExact: true), parameters: network.parameters, contexts: 1)[0]
    var (verified, robust, tight) = (0, 0, 0.0)
    for row in 0..<set.count {
      let image = try set.images([row])
      let worst = bounds.forward(image, bounds: BoundsQuestion(epsilon: Float(epsilon), labels: [set.labels[row]]))
      let truth = network.worst(Double(image.values[0]), Double(image.values[1]), epsilon: epsilon, label: set.labels[row])
      for k in 0..<3 { #expect(Double(worst.values[k]) >= truth[k]) }
      for k in 0..<3 { tight = max(tight, epsilon == 0.01 ? Double(worst.values[k]) - truth[k] : 0) }
      let others = (0..<3).filter { $0 != set.labels[row] }
      if others.allSatisfy({ worst.values[$0] < 0 }) { verified += 1 }
      if others.allSatisfy({ truth[$0] < 0 }) { robust += 1 }
    }
    #expect(certificate.certifiedAccuracy == Proportion(correct: verified, total: 200))
    #expect(verified <= robust && robust <= evaluation.worstCase.correct)
    // At a small epsilon few ReLUs have an edge within the box, and bounds are nearly exact.
    if epsilon == 0.01 { #expect(verified > robust * 9 / 10 && tight < 0.5) }
    #expect(!evaluation.warnings.contains { $0.code == "unsound_certificate" })
  }

  @Test("of a linear network are the closed form: the margin over the sum of the differences of weights, within [0, 1]")
  func linear() throws {
    var graph = Graph(input: [2, 3, 1])
    try graph.append(Flatten(), to: graph.output)
    let weight = graph.parameter("1.weight", [4, 6], initial: .uniform(fanIn: 6))
    try graph.append(Dense(units: 4, weight: weight, bias: nil), to: graph.output)
    let parameters = Parameters(graph.layout)
    var stream = RandomStream(seed: 2, purpose: .initialisation)
    parameters[weight] = Tensor([4, 6], values: (0..<24).map { _ in stream.normal() })
    let images = Tensor([300, 2, 3, 1], values: stream.uniforms(0, 1, count: 1_800))
    let epsilon = 0.1
    func product(_ row: Int, _ k: Int) -> Double {
      zip(images[example: row], parameters[weight][example: k]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    var (sure, open) = (0, 0)
    let labels = (0..<300).map { row in (0..<4).max { product(row, $0) < product(row, $1) } ?? 0 }
    for row in 0..<300 {
      let margins = (0..<4).filter { $0 != labels[row] }.map { k in
        zip(images[example: row], zip(parameters[weight][example: labels[row]], parameters[weight][example: k])).reduce(0.0) {
          let d = Double($1.1.0) - Double($1.1.1)
          let x = Double($1.0)
          return $0 + d * (d > 0 ? max(x - epsilon, 0) : min(x + epsilon, 1))
        }
      }
      let least = margins.min() ?? 0
      if least > 1e-4 { sure += 1 } else if least > -1e-4 { open += 1 }
    }
    let engine = Engine(threads: 2)
    let threat = Threat(norm: .linf, epsilon: epsilon)
    let evaluation = try Evaluator(
      settings: EvaluationSettings(attacks: [], selfCheck: false, certificate: .intervalBounds), threat: threat
    ).evaluate(
      NetworkTeam(engine: engine, graph: graph, parameters: parameters, width: 2),
      on: EvaluationSet(images: images, labels: labels, classNames: ["a", "b", "c", "d"]),
      certifier: IntervalCertifier(engine: engine, graph: graph, parameters: parameters, threat: threat, width: 2))
    let verified = try #require(evaluation.certificate?.certifiedAccuracy.correct)
    #expect(verified >= sure && verified <= sure + open && sure > 20 && sure < 280)
  }

  @Test("of a constant network hold for every image of its class, and for no other")
  func constant() throws {
    let network = try SmallNetwork(seed: nil)
    let own = try evaluate(network, network.set(40), epsilon: 1, network.certifier(1))
    #expect(own.certificate?.certifiedAccuracy == Proportion(correct: 40, total: 40))
    let other = try evaluate(network, network.set(40, label: 1), epsilon: 1, network.certifier(1))
    #expect(other.certificate?.certifiedAccuracy == Proportion(correct: 0, total: 40))
  }

  @Test("prove nothing where the margin is smaller than what rounding may do")
  func rounding() throws {
    let network = try SmallNetwork(seed: nil)
    let bias = try #require(network.graph.layout.ids.last)
    for (margin, isVerified) in [(Float(1e-7), false), (1e-3, true)] {
      network.parameters[bias] = Tensor([3], values: [1 + margin, 1, 1])
      let evaluation = try evaluate(network, network.set(4, label: 0), epsilon: 0.1, network.certifier(0.1))
      #expect(evaluation.cleanAccuracy.correct == 4)
      #expect(evaluation.certificate?.certifiedAccuracy.correct == (isVerified ? 4 : 0))
    }
  }

  /// It verifies whatever it is shown.
  private struct Gullible: Certifier, CertifierWorker {
    let settings = CertificateSettings.intervalBounds
    let needsCorrectAnswer = true
    let shardSize = 8
    let passOperations = 0

    func forEachTask(_ count: Int, _ body: @Sendable (_ task: Int, _ worker: any CertifierWorker) throws -> Void) throws {
      for task in 0..<count { try body(task, self) }
    }

    func certify(_ examples: Examples, control: () throws -> Void, passed: (Int) -> Void) throws -> ShardRecord {
      ShardRecord(withstood: examples.labels.map { _ in true })
    }
  }

  @Test("that an attack refutes are told, and carry no verdict")
  func refuted() throws {
    let network = try SmallNetwork(seed: SmallNetwork.seeds[0])
    let evaluation = try evaluate(network, network.set(60), epsilon: 0.5, Gullible())
    #expect(evaluation.worstCase.correct < 60)
    #expect(evaluation.warnings.map(\.code).contains("unsound_certificate"))
    let gate = Gate(metric: .certifiedAccuracy, min: 0.5)
    #expect(gate.judge(evaluation, warnings: evaluation.warnings).verdict == .inconclusive)
  }

  @Test("are judged by a gate without regard to the attacks, and are in the report and its table of values")
  func gate() throws {
    let network = try SmallNetwork(seed: SmallNetwork.seeds[1])
    let evaluation = try evaluate(network, network.set(200), epsilon: 0.01, network.certifier(0.01))
    let certified = try #require(evaluation.certificate?.certifiedAccuracy)
    let (low, high) = (certified.interval.low - 0.01, certified.interval.high + 0.01)
    #expect(Gate(metric: .certifiedAccuracy, min: low).judge(evaluation, warnings: evaluation.warnings).verdict == .pass)
    #expect(Gate(metric: .certifiedAccuracy, min: high).judge(evaluation, warnings: evaluation.warnings).verdict == .fail)
    let middle = Gate(metric: .certifiedAccuracy, min: certified.value).judge(evaluation, warnings: [])
    #expect(middle.verdict == .inconclusive && middle.value == certified.value)
    let again = try JSONValue(encoding: evaluation).decoded(as: Evaluation.self)
    #expect(again.certificate == evaluation.certificate)
    var none = evaluation
    none.certificate = nil
    #expect(Gate(metric: .certifiedAccuracy, min: 0).judge(none, warnings: []).detail?.contains("evaluation.certify") == true)
  }
}
