import Attacks
import Robustness
import TensorEngine

/// A network of two pixels, one hidden layer and three classes, small enough that its worst case is known exactly.
struct SmallNetwork {
  let graph: Graph
  let parameters: Parameters
  /// `[hidden, 2]`, `[hidden]`, `[3, hidden]`, `[3]`
  let first, firstBias, last, lastBias: [Float]
  static let hidden = 5

  /// - Parameter seed: of weights; `nil`: all are 0 but the bias of class 0.
  init(seed: UInt64?) throws {
    var graph = Graph(input: [1, 2, 1])
    try graph.append(Flatten(), to: graph.output)
    func dense(_ name: String, _ units: Int, _ features: Int) throws -> [ParameterID] {
      let weight = graph.parameter(name + ".weight", [units, features], initial: .uniform(fanIn: features))
      let bias = graph.parameter(name + ".bias", [units], initial: .uniform(fanIn: features))
      try graph.append(Dense(units: units, weight: weight, bias: bias), to: graph.output)
      return [weight, bias]
    }
    var ids = try dense("1", Self.hidden, 2)
    try graph.append(ReLU(), to: graph.output)
    ids += try dense("3", 3, Self.hidden)
    let parameters = Parameters(graph.layout)
    for id in ids {
      let shape = graph.layout[id].shape
      guard let seed else { continue }
      var stream = RandomStream(seed: seed, purpose: .initialisation, example: id.index)
      // The edges of the ReLUs cross the middle of the square.
      parameters[id] = Tensor(shape, values: (0..<shape.count).map { _ in (id.index == 1 ? 0.3 : 1.5) * stream.normal() })
    }
    if seed == nil { parameters[ids[3]] = Tensor([3], values: [1, 0, 0]) }
    self.graph = graph
    self.parameters = parameters
    (first, firstBias) = (parameters[ids[0]].values, parameters[ids[1]].values)
    (last, lastBias) = (parameters[ids[2]].values, parameters[ids[3]].values)
  }

  func logits(_ x: Double, _ y: Double) -> [Double] {
    let active = (0..<Self.hidden).map { max(0, Double(first[2 * $0]) * x + Double(first[2 * $0 + 1]) * y + Double(firstBias[$0])) }
    return (0..<3).map { k in
      (0..<Self.hidden).reduce(Double(lastBias[k])) { $0 + Double(last[k * Self.hidden + $1]) * active[$1] }
    }
  }

  /// The largest z_k − z_label over the box of epsilon around a point, cut to [0, 1].
  ///
  /// z is linear between the edges of the ReLUs, so the largest value is at a corner: where two edges, of ReLUs or of the box, meet.
  func worst(_ x: Double, _ y: Double, epsilon: Double, label: Int) -> [Double] {
    let (left, right) = (max(x - epsilon, 0), min(x + epsilon, 1))
    let (bottom, top) = (max(y - epsilon, 0), min(y + epsilon, 1))
    // a x + b y + c = 0
    var lines: [(a: Double, b: Double, c: Double)] = [(1, 0, -left), (1, 0, -right), (0, 1, -bottom), (0, 1, -top)]
    for unit in 0..<Self.hidden { lines.append((Double(first[2 * unit]), Double(first[2 * unit + 1]), Double(firstBias[unit]))) }
    var worst = [Double](repeating: -.infinity, count: 3)
    for (i, one) in lines.enumerated() {
      for other in lines[..<i] {
        let determinant = one.a * other.b - other.a * one.b
        guard abs(determinant) > 1e-12 else { continue }
        let px = (one.b * other.c - other.b * one.c) / determinant
        let py = (other.a * one.c - one.a * other.c) / determinant
        guard px >= left - 1e-12, px <= right + 1e-12, py >= bottom - 1e-12, py <= top + 1e-12 else { continue }
        let z = logits(px, py)
        for k in 0..<3 { worst[k] = max(worst[k], z[k] - z[label]) }
      }
    }
    return worst
  }

  /// Points of the square, with the labels that the network gives them.
  func set(_ count: Int, label: Int? = nil) -> EvaluationSet {
    var stream = RandomStream(seed: 9, purpose: .sample)
    let points = stream.uniforms(0, 1, count: 2 * count)
    let labels = (0..<count).map { row -> Int in
      let z = logits(Double(points[2 * row]), Double(points[2 * row + 1]))
      return label ?? z.indices.max { z[$0] < z[$1] } ?? 0
    }
    return EvaluationSet(images: Tensor([count, 1, 2, 1], values: points), labels: labels, classNames: ["a", "b", "c"])
  }

  static let engine = Engine(threads: 2)

  /// Seeds of networks that know more than one class.
  static let seeds: [UInt64] = (1...40).map { UInt64($0) }.filter { seed in
    (try? SmallNetwork(seed: seed)).map { Set($0.set(100).labels).count > 1 } ?? false
  }

  func team() throws -> NetworkTeam { try NetworkTeam(engine: Self.engine, graph: graph, parameters: parameters, width: 2) }

  func certifier(_ epsilon: Double) throws -> IntervalCertifier {
    try IntervalCertifier(
      engine: Self.engine, graph: graph, parameters: parameters, threat: Threat(norm: .linf, epsilon: epsilon), width: 2)
  }
}
