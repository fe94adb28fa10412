/// From centre and radius to the ends of an interval, or back.
struct IntervalForm: PairOperation {
  let label: String
  private let toEnds: Bool

  /// (c, r) → (c − r, c + r)
  static let ends = IntervalForm(label: "ends", toEnds: true)
  /// (l, u) → (½(l + u), ½(u − l))
  static let middle = IntervalForm(label: "middle", toEnds: false)

  private init(label: String, toEnds: Bool) {
    self.label = label
    self.toEnds = toEnds
  }

  func outputShape(of inputs: [Shape]) throws -> Shape { inputs[0] }

  func forward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    let (left, right) = (lowering.value(lowering.input(node, 0)), lowering.value(lowering.input(node, 1)))
    let results = (first: lowering.makeValue(node), second: lowering.makeSecondValue(node))
    emit(label, left, right, results, toEnds: toEnds, scale: toEnds ? 1 : 0.5, at: node, &lowering)
  }

  /// The transposed map: of (c − r, c + r) it is (gl + gu, gu − gl).
  func backward(_ node: Graph.NodeID, _ lowering: inout Lowering) {
    guard requiresGradient(before: node, lowering), let gradients = gradients(at: node, &lowering) else { return }
    let results = (first: lowering.makeBuffer(like: node), second: lowering.makeBuffer(like: node))
    emit(label + " to input", gradients.first, gradients.second, results, toEnds: !toEnds, scale: toEnds ? 1 : 0.5, at: node, &lowering)
    contribute(results.first, results.second, at: node, &lowering)
  }

  private func emit(
    _ label: String, _ left: Lowering.BufferID, _ right: Lowering.BufferID,
    _ results: (first: Lowering.BufferID, second: Lowering.BufferID),
    toEnds: Bool, scale: Float, at node: Graph.NodeID, _ lowering: inout Lowering
  ) {
    let count = lowering.batch * lowering.shape(node).count
    let (first, second) = results
    lowering.emit(label, reads: [left, right], writes: [first, second]) { memory, _ in
      let (left, right, first, second) = (memory[left], memory[right], memory[first], memory[second])
      if toEnds {
        for i in 0..<count {
          let (a, b) = (left[i], right[i])
          first[i] = scale * (a - b)
          second[i] = scale * (a + b)
        }
      } else {
        for i in 0..<count {
          let (a, b) = (left[i], right[i])
          first[i] = scale * (a + b)
          second[i] = scale * (b - a)
        }
      }
    }
  }
}
