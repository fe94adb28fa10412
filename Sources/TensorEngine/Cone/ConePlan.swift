/// What a change in a window of an image changes in a network: a window of each map, a little larger from layer to layer, and after the first
/// linear layer everything.
///
/// For a chain of convolutions, poolings and operations pixel by pixel, then a flattening, then linear layers.
struct ConePlan: Sendable {
  /// An operation that looks around itself, or the first of all, and those pixel by pixel after it.
  struct Stage: Sendable {
    let reach: Window
    /// One example of the map that it reads and of that which it writes, `[height, width, channels]`.
    let input, output: Shape
    var operations: [any LocalOperation]
    /// Of an example, multiplications and additions counted each.
    var floatingPointOperations: Int

    private var vertical: Slide { reach.vertical(output) }
    private var horizontal: Slide { reach.horizontal(output) }

    /// The pixels of the output that a change of so many pixels of the input reaches at the most.
    func reached(by change: Extent) -> Extent {
      Extent(height: vertical.reached(by: change.height), width: horizontal.reached(by: change.width))
    }

    /// Where the rectangles of the output begin that changes reach which begin at `changes`.
    func places(_ changes: [Place], _ extent: Extent) -> [Place] {
      changes.map {
        Place(row: vertical.place(of: $0.row, count: extent.height), column: horizontal.place(of: $0.column, count: extent.width))
      }
    }

    /// The pixels of the input that a rectangle of the output sees.
    func seen(by extent: Extent) -> Extent {
      Extent(height: vertical.pixels(of: extent.height), width: horizontal.pixels(of: extent.width))
    }

    /// Where these pixels begin for rectangles of the output that begin at `places`; in the border, perhaps.
    func corners(_ places: [Place]) -> [Place] {
      places.map { Place(row: vertical.pixel(of: $0.row), column: horizontal.pixel(of: $0.column)) }
    }
  }

  let graph: Graph
  private(set) var stages: [Stage] = []
  /// The first linear layer.
  let linear: Dense
  /// What comes after it.
  let head: ArraySlice<Graph.Node>

  /// - Returns: `nil` for a network that is no such chain.
  init?(_ graph: Graph) {
    guard graph.inputShape.rank == 3 else { return nil }
    for (index, node) in graph.nodes.enumerated().dropFirst() where node.inputs != [Graph.NodeID(index - 1)] { return nil }
    self.graph = graph
    var rest = graph.nodes.dropFirst()
    while let node = rest.first, let operation = node.operation as? any LocalOperation, node.shape.rank == 3 {
      guard let reach = operation.reach else { return nil }
      let id = Graph.NodeID(rest.startIndex)
      let (input, cost) = (graph[node.inputs[0]].shape, graph.floatingPointOperations(of: id))
      if reach == Window(1), !stages.isEmpty, input.count == node.shape.count {
        stages[stages.count - 1].operations.append(operation)
        stages[stages.count - 1].floatingPointOperations += cost
      } else {
        stages.append(
          Stage(reach: reach, input: input, output: node.shape, operations: [operation], floatingPointOperations: cost))
      }
      rest = rest.dropFirst()
    }
    guard rest.first?.operation is Flatten else { return nil }
    rest = rest.dropFirst()
    while rest.first?.operation is Dropout { rest = rest.dropFirst() }
    guard let linear = rest.first?.operation as? Dense else { return nil }
    self.linear = linear
    head = rest.dropFirst()
  }

  /// The map that the first linear layer reads, as `[height, width, channels]`.
  var last: Shape { stages.last?.output ?? graph.inputShape }
  /// The maps between the stages, from the image to `last`.
  var maps: [Shape] { [graph.inputShape] + stages.map(\.output) }

  /// The pixels of each map that a change of so many pixels of the image reaches at the most.
  func reached(by change: Extent) -> [Extent] {
    stages.reduce(into: [change]) { extents, stage in extents.append(stage.reached(by: extents[extents.count - 1])) }
  }

  /// The whole of each map.
  var whole: [Extent] { maps.map { Extent(height: $0[0], width: $0[1]) } }

  /// The operations that a change of so many pixels of each map costs, as a part of those of the whole network.
  func share(_ extents: [Extent]) -> Double {
    func part(_ extent: Extent, _ map: Shape) -> Double { Double(extent.height * extent.width) / Double(map[0] * map[1]) }
    let linearCost = Double(2 * last.count * linear.units)
    let saved = zip(stages, extents.dropFirst()).reduce(linearCost * (1 - part(extents[extents.count - 1], last))) { sum, stage in
      sum + Double(stage.0.floatingPointOperations) * (1 - part(stage.1, stage.0.output))
    }
    return 1 - saved / Double(max(graph.floatingPointOperations, 1))
  }
}
