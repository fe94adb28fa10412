/// A tree of routes by the segments of their patterns. A look-up takes one step per segment of the path, not one per route.
final class RouteTree: Sendable {
  private let literals: [String: RouteTree]
  private let capture: RouteTree?
  /// The routes whose pattern ends here.
  private let ending: [Router.Route]

  /// - Parameter depth: the number of segments above this part of the tree.
  init(_ routes: [Router.Route], depth: Int = 0) {
    ending = routes.filter { $0.segments.count == depth }
    var byLiteral: [String: [Router.Route]] = [:]
    var captured: [Router.Route] = []
    for route in routes where route.segments.count > depth {
      switch route.segments[depth] {
      case .literal(let text): byLiteral[text, default: []].append(route)
      case .capture: captured.append(route)
      }
    }
    literals = byLiteral.mapValues { RouteTree($0, depth: depth + 1) }
    capture = captured.isEmpty ? nil : RouteTree(captured, depth: depth + 1)
  }

  /// The route for a method. A literal segment takes precedence over a capture, from left to right; between equal patterns the first
  /// route wins.
  func find(_ method: HTTPRequest.Method, _ path: [String], depth: Int = 0) -> Router.Route? {
    guard depth < path.count else { return ending.first { $0.method == method } }
    if let found = literals[path[depth]]?.find(method, path, depth: depth + 1) { return found }
    return path[depth].isEmpty ? nil : capture?.find(method, path, depth: depth + 1)
  }

  /// The routes of all methods.
  func all(_ path: [String], depth: Int = 0) -> [Router.Route] {
    guard depth < path.count else { return ending }
    let captured = path[depth].isEmpty ? nil : capture?.all(path, depth: depth + 1)
    return (literals[path[depth]]?.all(path, depth: depth + 1) ?? []) + (captured ?? [])
  }
}
