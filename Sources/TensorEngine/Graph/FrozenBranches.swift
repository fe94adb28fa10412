/// How an operation is followed where its branches are frozen: where it does to a moved value what it did to the original one. See
/// `Graph.withFrozenBranches()`.
package enum FrozenOperation: Sendable {
  /// It has no branches.
  case smooth(any Operation)
  /// This one reads the moved value, and after it what decides the branches: the original's value, or its input.
  case byValue(any Operation)
  case byInput(any Operation)
  /// Its gradient is a stand-in, or chosen by a random draw or an order: it cannot be differentiated.
  case unknown
}

extension Graph {
  /// A graph in which the network passes twice, over an original and a moved image, and in which the moved one takes the branches of the
  /// original: the same values pass each ReLU, the same ones are a window's maximum. Its value is that of the moved image.
  ///
  /// With branches frozen a network is smooth, and most are linear before the softmax. So differences between moved images give the
  /// derivatives of its gradients. Of the network itself they do not: a gradient jumps wherever a branch changes, however small the step.
  ///
  /// The input is the original and the moved example one after the other, `[2 · height, width, channels]`. Weights are learnt from the moved
  /// one alone.
  ///
  /// - Throws: `GraphError` where there is an operation whose gradient cannot be differentiated.
  package func withFrozenBranches() throws -> Graph {
    let first = inputShape.dimensions[0]
    var frozen = Graph(input: Shape([2 * first] + inputShape.dimensions.dropFirst()), withParametersOf: self)
    frozen.ownSharding = sharding
    var original = [try frozen.append(Half(isSecond: false), to: frozen.input)]
    var moved = [try frozen.append(Half(isSecond: true), to: frozen.input)]
    for id in nodeIDs.dropFirst() {
      let (operation, inputs) = (self[id].operation, self[id].inputs)
      let originals = inputs.map { original[$0.index] }
      let movedInputs = inputs.map { moved[$0.index] }
      switch operation.frozen(id) {
      case .smooth(let same):
        original.append(try frozen.append(same, toAll: originals))
        moved.append(try frozen.append(same, toAll: movedInputs))
      case .byValue(let choosing):
        original.append(try frozen.append(operation, toAll: originals))
        moved.append(try frozen.append(choosing, toAll: movedInputs + [original[id.index]]))
      case .byInput(let choosing):
        original.append(try frozen.append(operation, toAll: originals))
        moved.append(try frozen.append(choosing, toAll: movedInputs + originals))
      case .unknown: throw GraphError("the gradient through \(operation.label) cannot be differentiated again")
      }
    }
    return frozen
  }
}
