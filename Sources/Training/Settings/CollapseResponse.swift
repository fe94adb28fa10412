/// What a run does when its robust accuracy collapses.
package enum CollapseResponse: String, CaseIterable, Hashable, Sendable {
  /// Goes on from the best weights, with an optimiser that remembers nothing.
  case goOn = "continue"
  case stop
}
