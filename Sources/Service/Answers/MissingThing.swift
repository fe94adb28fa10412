import HTTP
import Jobs

/// What was not found, and where those stand that there are.
struct MissingThing {
  /// The route's pattern.
  let path: String
  /// What its `{name}`s took.
  let captured: Router.PathParameters

  private static let nouns = ["jobs": "job", "datasets": "data set", "models": "model", "sweeps": "sweep", "tokens": "token"]

  /// `nil` for what the path does not name.
  func error(for missing: NotFound) -> HTTPError? {
    let shown = missing.id.prefix(100)
    if let job = captured["id"], captured["checkpoint"] == missing.id {
      let why = Identifier.checkpoint.matches(missing.id) ? "; one goes when a later one takes its role" : ""
      return HTTPError(
        .notFound,
        "The job \(job.prefix(100)) has no checkpoint \(shown)\(why). GET /v1/jobs/\(job.prefix(100))/checkpoints lists those it has.")
    }
    let segments = path.split(separator: "/")
    guard [captured["id"], captured["other"]].contains(missing.id), segments.count > 1, let noun = Self.nouns[String(segments[1])] else {
      return nil
    }
    return HTTPError(.notFound, "There is no \(noun) \(shown). GET /v1/\(segments[1]) lists those there are.")
  }
}
