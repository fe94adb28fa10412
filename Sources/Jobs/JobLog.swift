import JSON

/// What happened to a job, for people: a line for each event.
package struct JobLog: Sendable {
  private let events: [JobEvent]

  package init(_ events: [JobEvent]) { self.events = events }

  package var text: String {
    events.compactMap { Self.line($0.kind, at: $0.at.description, $0.data) }.joined()
  }

  /// - Returns: `nil` for an event that says nothing beside others.
  package static func line(_ kind: JobEvent.Kind, at time: String, _ data: JSONValue) -> String? {
    words(kind, data).map { "\(time)  \($0)\n" }
  }

  private static func words(_ kind: JobEvent.Kind, _ data: JSONValue) -> String? {
    func text(_ name: String) -> String { data[name]?.string ?? data[name].map { $0.serialised() } ?? "" }
    switch kind {
    case .state: return text("state") + (data["reason"]?.string.map { ": \($0)" } ?? "")
    case .metric: return "epoch \(text("epoch")) \(text("phase"))  \(values(data["values"]))"
    case .warning: return "warning \(text("code")): \(text("detail"))"
    case .checkpoint: return "checkpoint \(text("role")) of epoch \(text("epoch"))  \(text("id"))"
    case .thinned: return "older lines are no longer kept"
    case .progress, .end: return nil
    }
  }

  private static func values(_ values: JSONValue?) -> String {
    guard case .object(let object)? = values else { return "" }
    return object.members.compactMap { name, value in
      value.double.map { "\(name) \(JSONValue.number(($0 * 1e6).rounded() / 1e6).serialised())" }
    }
    .joined(separator: "  ")
  }
}
