import Attacks
import Synchronization
import TensorEngine
import Testing

/// Networks with preprocessing as attacks see them.
@Suite("A network with preprocessing") struct PreprocessedNetworkTests {
  private static let image: Shape = [12, 10, 1]
  private static let engine = Engine(threads: 2)
  private let threat = Threat(norm: .linf, epsilon: 0.1)

  /// The operations before a linear layer with random weights.
  private static func graph(_ operations: [any TensorEngine.Operation]) throws -> (Graph, Parameters) {
    var graph = Graph(input: image)
    for operation in operations { try graph.append(operation, to: graph.output) }
    try graph.append(Flatten(), to: graph.output)
    let weight = graph.parameter("0.weight", [3, image.count], initial: .uniform(fanIn: image.count))
    try graph.append(Dense(units: 3, weight: weight, bias: nil), to: graph.output)
    let parameters = Parameters(graph.layout)
    var stream = RandomStream(seed: 4, purpose: .initialisation)
    parameters[weight] = Tensor([3, image.count], values: stream.normals(count: 3 * image.count))
    return (graph, parameters)
  }

  private static let all: [any TensorEngine.Operation] = [
    BitDepth(bits: 5), MedianFilter(size: 3), GaussianBlur(deviation: 0.5), JPEGCompression(quality: 80), GaussianNoise(deviation: 0.05),
  ]

  private func team(_ operations: [any TensorEngine.Operation], threads: Int = 2, isBF16: Bool = false) throws -> NetworkTeam {
    let (graph, parameters) = try Self.graph(operations)
    return try NetworkTeam(engine: Self.engine, graph: graph, parameters: parameters, width: threads, isBF16: isBF16)
  }

  /// What an attack makes of 80 images, in shards of the team's.
  private func attacked(_ team: any ClassifierTeam, by settings: AttackSettings) throws -> [Tensor] {
    let images = randomImages(80, Self.image, in: 0.2...0.8)
    let adversary = settings.adversary(for: threat, keep: .last)
    let results = Mutex([Int: Tensor]())
    let size = team.shardSize
    let shards = (80 + size - 1) / size
    try team.forEachTask(shards) { shard, classifier in
      let rows = shard * size..<min((shard + 1) * size, 80)
      let examples = Examples(
        images: images.gathered(rows), labels: rows.map { $0 % 3 }, ids: rows.map { 500 + $0 }, seed: 3)
      let found = adversary.perturb(examples, of: classifier)
      results.withLock { $0[shard] = found }
    }
    return results.withLock { results in (0..<shards).compactMap { results[$0] } }
  }

  @Test("is attacked to the same bits on one thread and on two", arguments: [false, true]) func threads(isBF16: Bool) throws {
    let settings = AttackSettings(.pgd, ["steps": 4])
    let (one, two) = (try team(Self.all, threads: 1, isBF16: isBF16), try team(Self.all, isBF16: isBF16))
    let images = try attacked(one, by: settings)
    #expect(images.count > 1)
    #expect(try attacked(two, by: settings) == images)
    // Nothing is left of what was asked before.
    #expect(try attacked(one, by: settings) == images)
  }

  @Test("with noise answers by the draw: equal ones for equal keys, others for other draws") func draws() throws {
    let team = try team([GaussianNoise(deviation: 0.1)])
    #expect(team.isRandomised)
    let images = randomImages(4, Self.image)
    try team.forEachTask(1) { _, classifier in
      #expect(classifier.isRandomised)
      func answer(_ number: Int, seed: UInt64 = 1, _ rows: [Int] = [0, 1, 2, 3]) -> Tensor {
        classifier.draw(RandomDraw(seed: seed, ids: rows.map { 70 + $0 }, number: number))
        return classifier.logits(of: images.gathered(rows))
      }
      let first = answer(0)
      #expect(answer(1) != first && answer(0, seed: 2) != first)
      #expect(answer(0) == first)
      #expect(answer(0, [2, 0]) == first.gathered([2, 0]))
      // Who chooses none for so many images is answered all the same.
      #expect(classifier.logits(of: images) == classifier.logits(of: images))
    }
    #expect(try !self.team([JPEGCompression(quality: 50)]).isRandomised)
  }

  @Test("with noise has as its answer the mean of draws: nearer to the answer without noise than one draw is") func meanOfDraws() throws {
    let (noisy, plain) = (try team([GaussianNoise(deviation: 0.1)]), try team([]))
    let images = randomImages(8, Self.image, in: 0.4...0.6)
    let ids = Array(0..<8)
    let answers = Mutex([Tensor]())
    try noisy.forEachTask(1) { _, classifier in
      classifier.draw(RandomDraw(seed: 1, ids: ids, number: 0))
      let one = classifier.logits(of: images)
      answers.withLock { $0 += [one, classifier.answers(to: images, ids: ids, seed: 1)] }
    }
    try plain.forEachTask(1) { _, classifier in answers.withLock { $0.append(classifier.logits(of: images)) } }
    let found = answers.withLock { $0 }
    func distance(_ one: Tensor, _ other: Tensor) -> Float { zip(one.values, other.values).reduce(0) { $0 + abs($1.0 - $1.1) } }
    // The mean of twenty is √20 times nearer.
    #expect(distance(found[1], found[2]) < distance(found[0], found[2]) / 2)
  }

  @Test("whose whole batch is attacked at once draws for each example, whatever its shard") func wholeBatch() throws {
    let (graph, parameters) = try Self.graph([GaussianNoise(deviation: 0.1)])
    let program = try Program(graph, for: .attackOnBatch)
    let count = program.sharding.size + 5
    let session = try Session(program, parameters: parameters, contexts: program.sharding.count(count))
    let classifier = BatchClassifier(session, on: Self.engine, width: 2)
    let images = randomImages(count, Self.image)
    let ids = (0..<count).map { 9 * $0 }
    classifier.draw(RandomDraw(seed: 1, ids: ids, number: 3))
    let all = classifier.logits(of: images)
    let last = Array(count - 4..<count)
    classifier.draw(RandomDraw(seed: 1, ids: last.map { ids[$0] }, number: 3))
    #expect(classifier.isRandomised)
    #expect(classifier.logits(of: images.gathered(last)) == all.gathered(last))
  }

  /// Gradients that pass a rounding are followed over it; those of the network without it lead elsewhere.
  @Test("falls to an attack that sees through its preprocessing more often than to one that does not") func adaptive() throws {
    let operations: [any TensorEngine.Operation] = [GaussianBlur(deviation: 1.2), BitDepth(bits: 4)]
    let (bare, whole) = (try team([]), try team(operations))
    let settings = AttackSettings(.pgd, ["steps": 10, "random_start": false])
    let images = randomImages(whole.shardSize, Self.image)
    func fallen(_ team: any ClassifierTeam) throws -> Int {
      let count = Mutex(0)
      try team.forEachTask(1) { _, classifier in
        let labels = classifier.judge.logits(of: images).predictions()
        let examples = Examples(images: images, labels: labels, ids: Array(labels.indices), seed: 1)
        for epsilon in stride(from: 0.05, through: 0.5, by: 0.05) {
          let adversary = settings.adversary(for: Threat(norm: .linf, epsilon: epsilon), keep: .last)
          let fallen = adversary.run(examples, of: classifier).misclassified.count { $0 }
          count.withLock { $0 += fallen }
        }
      }
      return count.withLock { $0 }
    }
    let (seen, unseen) = (try fallen(whole), try fallen(TransferTeam(attacked: bare, judging: whole)))
    #expect(seen > unseen, "\(seen) and \(unseen)")
  }
}
