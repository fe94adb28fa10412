/// The nodes that hold the bounds of a value, element by element: its values lie in [centre − radius, centre + radius].
package struct IntervalNodes: Hashable, Sendable {
  package let centre, radius: Graph.NodeID

  init(centre: Graph.NodeID, radius: Graph.NodeID) {
    self.centre = centre
    self.radius = radius
  }
}
