import JSON

/// Something that happened to a job. Numbers rise within the job and none is ever given out twice, also after a crash; some are left out.
package struct JobEvent: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case state, progress, metric, warning, checkpoint, end

    /// Whether the store keeps it. Progress is told to those who listen, and is nowhere afterwards.
    package var isKept: Bool { self != .progress }
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
