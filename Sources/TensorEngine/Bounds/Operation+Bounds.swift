/// What each operation makes of an interval.
extension Operation {
  /// - Throws: `GraphError` where nothing sound and useful is known.
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    throw GraphError("there are no interval bounds of it")
  }
}

extension WeightedOperation {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendWeighted(self, at: node)
  }
}

extension BoundsBuilder {
  fileprivate var elementwiseShare: Float { aim == .certificate ? Rounding.share(terms: 1) : 0 }
}

extension ReLU {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendReLU(range: range, at: node)
  }
}

extension Activation {
  /// The approximations of the kernels are off by a few units in the last place; 10⁻⁶ is more than that.
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendPair(IntervalActivation(kind: kind, share: builder.aim == .certificate ? 1e-6 : 0), to: builder.input(of: node))
  }
}

extension BatchNorm {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendPair(PopulationNorm(norm: self, share: builder.elementwiseShare), to: builder.input(of: node))
  }
}

extension Normalize {
  /// A batch norm that learns nothing: (c, r) → ((c − mean) / deviation, r / deviation).
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    let input = builder.input(of: node)
    let centre = try builder.append(self, to: input.centre)
    let scaled = try builder.append(Normalize(mean: mean.map { _ in 0 }, deviation: deviation), to: input.radius)
    guard builder.aim == .certificate else { return IntervalNodes(centre: centre, radius: scaled) }
    // The difference is rounded as part of |x| + |mean|, of which |x − mean| may be little.
    let share = Rounding.share(terms: 1)
    let slack = zip(mean, deviation).map { share * (1 + abs($0)) / $1 }
    let minusSlack = Normalize(mean: slack.map { -$0 }, deviation: deviation.map { _ in 1 })
    return IntervalNodes(centre: centre, radius: try builder.append(minusSlack, to: scaled))
  }
}

extension Pooling {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try kind == .max ? builder.appendToEnds(self, at: node) : builder.appendToBoth(self, at: node, terms: window.height * window.width)
  }
}

extension GlobalAveragePool {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendToBoth(self, at: node, terms: builder.count(of: node))
  }
}

extension GaussianBlur {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendToBoth(self, at: node, terms: size * size)
  }
}

extension MedianFilter {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendToEnds(self, at: node)
  }
}

extension BitDepth {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendToEnds(self, at: node)
  }
}

extension Flatten {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    try builder.appendToBoth(self, at: node, terms: 0)
  }
}

extension Add {
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes {
    let (left, right) = (builder.input(of: node, 0), builder.input(of: node, 1))
    return IntervalNodes(
      centre: try builder.append(self, to: left.centre, right.centre), radius: try builder.append(self, to: left.radius, right.radius))
  }
}

extension Dropout {
  /// Off: it hands its input through.
  package func bounds(at node: Graph.NodeID, _ builder: inout BoundsBuilder) throws -> IntervalNodes { builder.input(of: node) }
}
