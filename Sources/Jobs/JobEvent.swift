import JSON

/// An event of a job. Numbers rise within a job and are never reused, also after a crash; there may be gaps.
package struct JobEvent: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    /// The store keeps all but `progress`, which is only sent to current followers.
    case state, progress, metric, warning, checkpoint, end
    /// In the place of older events of metrics and checkpoints that are no longer kept: how many have gone up to here.
    case thinned
  }

  package let job: String
  package let number: Int
  package let kind: Kind
  package let at: Timestamp
  package let data: JSONValue

  package var json: JSONValue {
    ["id": .int(Int64(number)), "event": .string(kind.rawValue), "at": .string(at.description), "data": data]
  }
}
