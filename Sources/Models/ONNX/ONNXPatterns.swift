import JSON
import TensorEngine

/// The nodes of an import, in which well-known groups of nodes become the one operation that an exporter wrote them for, and from which what
/// the output does not need is left out.
struct ONNXPatterns {
  private(set) var nodes: [NetworkNode]
  private(set) var tensors: [String: Tensor]
  private var output: String
  private var places: [String: Int] = [:]
  private var uses: [String: Int] = [:]
  /// Of the nodes' values, for one example.
  private let shapes: [String: Shape]

  init(nodes: [NetworkNode], tensors: [String: Tensor], output: String, shapes: [String: Shape]) {
    self.nodes = nodes
    self.tensors = tensors
    self.output = output
    self.shapes = shapes
    prune()
  }

  /// Replaces every pattern.
  mutating func simplify() {
    for rule in [Self.silu, Self.gelu, Self.layerNorm, Self.bias, Self.attention] {
      for name in nodes.map(\.name) {
        guard let place = places[name], let change = rule(self, nodes[place]) else { continue }
        apply(change, to: name)
      }
      prune()
    }
  }

  /// What becomes of a node: it is left out, and those that read it read another.
  private struct Change {
    /// Set in its place; `nil` where there is only another to read.
    var replacement: NetworkNode?
    /// The node that is read in its place.
    let reading: String
    /// Further nodes, which come to stand before it.
    var before: [NetworkNode] = []
    /// Other nodes that change.
    var others: [NetworkNode] = []
    var tensors: [String: Tensor] = [:]
  }

  private mutating func apply(_ change: Change, to name: String) {
    guard let place = places[name] else { return }
    for other in change.others { places[other.name].map { nodes[$0] = other } }
    if let replacement = change.replacement {
      nodes[place] = replacement
      places[replacement.name] = place
    }
    if !change.before.isEmpty {
      nodes.insert(contentsOf: change.before, at: place)
      index()
    }
    tensors.merge(change.tensors) { $1 }
    if change.reading != name {
      for index in nodes.indices where nodes[index].inputs?.contains(name) == true {
        let inputs = (nodes[index].inputs ?? []).map { $0 == name ? change.reading : $0 }
        nodes[index] = nodes[index].setting("inputs", to: .array(inputs.map(JSONValue.string)))
      }
      if output == name { output = change.reading }
      if change.replacement?.name != name { places[name] = nil }
    }
    count()
  }

  /// Leaves out the nodes that the output does not depend on, and their tensors.
  private mutating func prune() {
    var needed: Set<String> = [output]
    for node in nodes.reversed() where needed.contains(node.name) { needed.formUnion(node.inputs ?? []) }
    nodes = nodes.filter { needed.contains($0.name) || $0.type == "input" }
    tensors = tensors.filter { name, _ in needed.contains(name) || Self.layer(of: name).map(needed.contains) ?? false }
    index()
    count()
  }

  private mutating func index() {
    places = Dictionary(nodes.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
  }

  /// The node whose tensor it is: the name without its ending.
  private static func layer(of tensor: String) -> String? { tensor.lastIndex(of: ".").map { String(tensor[..<$0]) } }

  private mutating func count() {
    uses = [:]
    for node in nodes { for input in node.inputs ?? [] { uses[input, default: 0] += 1 } }
  }

  // MARK: Looking at the nodes before

  private func node(_ name: String?, _ type: String) -> NetworkNode? {
    guard let name, let place = places[name], nodes[place].type == type else { return nil }
    return nodes[place]
  }

  /// The same for one that nothing else reads.
  private func own(_ name: String?, _ type: String) -> NetworkNode? {
    guard let name, uses[name] == 1, name != output else { return nil }
    return node(name, type)
  }

  /// A product with, or sum of, a single number.
  private func scale(_ name: String?, factor: Double, offset: Double) -> NetworkNode? {
    guard let node = own(name, "scale"), abs(node.values.number("factor") - factor) < 1e-6, node.values.number("offset") == offset else {
      return nil
    }
    return node
  }

  /// Both orders of two inputs.
  private func orders(_ node: NetworkNode) -> [(String, String)] {
    guard let inputs = node.inputs, inputs.count == 2 else { return [] }
    return [(inputs[0], inputs[1]), (inputs[1], inputs[0])]
  }

  // MARK: The rules

  /// x σ(x)
  private static let silu: @Sendable (ONNXPatterns, NetworkNode) -> Change? = { list, node in
    guard node.type == "multiply" else { return nil }
    for (x, share) in list.orders(node) where list.own(share, "sigmoid")?.inputs == [x] {
      return Change(replacement: NetworkNode("silu", name: node.name, inputs: [x]), reading: node.name)
    }
    return nil
  }

  /// x (1 + erf(x / √2)) / 2, the half taken before or after.
  private static let gelu: @Sendable (ONNXPatterns, NetworkNode) -> Change? = { list, node in
    func argument(of sum: String) -> String? {
      let erf = list.own(list.scale(sum, factor: 1, offset: 1)?.inputs?.first, "erf")
      return list.scale(erf?.inputs?.first, factor: 0.5.squareRoot(), offset: 0)?.inputs?.first
    }
    let gelu = { (x: String) in Change(replacement: NetworkNode("gelu", name: node.name, inputs: [x]), reading: node.name) }
    if node.type == "scale", abs(node.values.number("factor") - 0.5) < 1e-6, node.values.number("offset") == 0,
      let product = list.own(node.inputs?.first, "multiply")
    {
      for (x, sum) in list.orders(product) where argument(of: sum) == x { return gelu(x) }
    }
    if node.type == "multiply" {
      for (half, sum) in list.orders(node) {
        if let x = argument(of: sum), list.scale(half, factor: 0.5, offset: 0)?.inputs == [x] { return gelu(x) }
      }
    }
    return nil
  }

  /// (x − mean) / √(mean((x − mean)²) + ε) times a weight and plus a bias, over the last dimension.
  private static let layerNorm: @Sendable (ONNXPatterns, NetworkNode) -> Change? = { list, node in
    guard node.type == "add" else { return nil }
    for (product, shift) in list.orders(node) {
      guard let product = list.own(product, "multiply"), let bias = list.row(shift) else { continue }
      for (quotient, factor) in list.orders(product) {
        guard let quotient = list.own(quotient, "divide"), let weight = list.row(factor), let sides = quotient.inputs,
          weight.shape == bias.shape,
          let centred = list.node(sides[0], "subtract"), let parts = centred.inputs, let mean = list.own(parts[1], "mean"),
          mean.inputs == [parts[0]], let root = list.own(sides[1], "sqrt"), let sum = list.own(root.inputs?.first, "scale"),
          sum.values.number("factor") == 1, let variance = list.own(sum.inputs?.first, "mean"),
          variance.values.integers("axes") == mean.values.integers("axes"),
          list.isSquare(variance.inputs?.first, of: centred.name)
        else { continue }
        let axes = mean.values.integers("axes")
        // The weights have as many values as the last dimension, and it is the one that is averaged over.
        guard axes.count == 1, list.tensors[factor].map({ $0.shape.rank - 1 <= axes[0] }) == true else { continue }
        // What is read elsewhere too stays a value of its own.
        guard list.uses[factor] == 1, list.uses[shift] == 1 else { continue }
        let name = factor.hasSuffix(".weight") && list.places[String(factor.dropLast(7))] == nil ? String(factor.dropLast(7)) : node.name
        let norm = NetworkNode("layer_norm", name: name, inputs: [parts[0]], ["eps": .number(sum.values.number("offset"))])
        return Change(replacement: norm, reading: name, tensors: ["\(name).weight": weight, "\(name).bias": bias])
      }
    }
    return nil
  }

  /// A linear layer and then a sum with a row of weights.
  private static let bias: @Sendable (ONNXPatterns, NetworkNode) -> Change? = { list, node in
    guard node.type == "add" else { return nil }
    for (value, shift) in list.orders(node) {
      let reshape = list.own(value, "reshape")
      guard let row = list.row(shift), let linear = list.own(reshape?.inputs?.first ?? value, "linear"), !linear.values.flag("bias"),
        row.shape.count == linear.values.integer("units"), reshape.map({ $0.values.integers("shape").last == row.shape.count }) ?? true
      else { continue }
      return Change(
        replacement: nil, reading: value, others: [linear.setting("bias", to: true)], tensors: ["\(linear.name).bias": row])
    }
    return nil
  }

  /// softmax(Q Kᵀ / √width) V, head by head.
  private static let attention: @Sendable (ONNXPatterns, NetworkNode) -> Change? = { list, node in
    guard ["reshape", "permute", "matmul"].contains(node.type) else { return nil }
    guard let found = ONNXAttention(node.name, { name in list.places[name].map { list.nodes[$0] } }, list.shapes) else { return nil }
    let fields: JSONObject = ["heads": .int(Int64(found.heads))]
    let (features, tokens) = (found.features, found.parts[0].tokens)
    let isTogether = found.parts.enumerated().allSatisfy { $1 == ONNXAttention.Part(tokens: tokens, start: $0 * features) }
    if isTogether, list.shapes[tokens]?[1] == 3 * features {
      return Change(replacement: NetworkNode("attention", name: node.name, inputs: [tokens], fields), reading: node.name)
    }
    var before: [NetworkNode] = []
    let parts = zip(["queries", "keys", "values"], found.parts).map { title, part in
      guard part.start > 0 || list.shapes[part.tokens]?[1] != features else { return part.tokens }
      let numbers: [(String, Int)] = [("axis", 1), ("start", part.start), ("count", features), ("step", 1)]
      let slice = numbers.reduce(into: JSONObject()) { $0[$1.0] = .int(Int64($1.1)) }
      before.append(NetworkNode("slice", name: "\(node.name).\(title)", inputs: [part.tokens], slice))
      return before[before.count - 1].name
    }
    before.append(NetworkNode("concat", name: "\(node.name).parts", inputs: parts, ["axis": 1]))
    // A name that is taken already is the fault of a file that means to have it: it stays as it is.
    guard before.allSatisfy({ list.places[$0.name] == nil }) else { return nil }
    return Change(
      replacement: NetworkNode("attention", name: node.name, inputs: [before[before.count - 1].name], fields), reading: node.name,
      before: before)
  }

  /// The weights of a node that repeats a row along the last dimension.
  private func row(_ name: String) -> Tensor? {
    guard let weight = node(name, "weight"), weight.values.flag("trained"), let tensor = tensors[name],
      let last = tensor.shape.dimensions.last,
      last == tensor.shape.count
    else { return nil }
    return Tensor([last], values: tensor.values)
  }

  private func isSquare(_ name: String?, of other: String) -> Bool {
    if let power = own(name, "power") { return power.values.number("exponent") == 2 && power.inputs == [other] }
    return own(name, "multiply")?.inputs == [other, other]
  }
}
