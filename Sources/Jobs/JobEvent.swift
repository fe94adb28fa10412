import JSON
import Robustness

/// Something that happened to a job; numbered from 1 within the job, without gaps.
package struct JobEvent: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case state, progress, metric, warning, checkpoint, end
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
