import Foundation

/// An event of a stream (WHATWG HTML §9.2.6).
package struct StreamEvent: Equatable, Sendable {
  package var id: String?
  package var name: String
  package var data: String

  package init(id: String? = nil, name: String = "message", data: String) {
    self.id = id
    self.name = name
    self.data = data
  }
}

/// Parses `text/event-stream` from pieces that may be cut anywhere.
package struct EventParser: Sendable {
  /// The id of the last event, for `Last-Event-ID`.
  package private(set) var lastID: String?
  /// The seconds after which a client should reconnect, as the server asked.
  package private(set) var retry: Double?
  private var line: [UInt8] = []
  private var endedByReturn = false
  private var id: String?
  private var name = ""
  private var data: [String] = []

  package init() {}

  /// Returns the events that `bytes` complete.
  package mutating func feed(_ bytes: some Sequence<UInt8>) -> [StreamEvent] {
    var events: [StreamEvent] = []
    for byte in bytes {
      // A line ends with CR, LF or CR LF. The LF of a CR LF does not end another line.
      defer { endedByReturn = byte == UInt8(ascii: "\r") }
      switch byte {
      case UInt8(ascii: "\n") where endedByReturn: continue
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        if let event = endLine() { events.append(event) }
      default: line.append(byte)
      }
    }
    return events
  }

  /// Drops an incomplete event, as the standard demands; the server sends it again.
  package mutating func reset() {
    line = []
    endedByReturn = false
    id = lastID
    name = ""
    data = []
  }

  private mutating func endLine() -> StreamEvent? {
    defer { line.removeAll(keepingCapacity: true) }
    guard !line.isEmpty else { return dispatch() }
    let text = String(decoding: line, as: UTF8.self)
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let value = parts.count > 1 ? String(parts[1].hasPrefix(" ") ? parts[1].dropFirst() : parts[1]) : ""
    switch parts[0] {
    case "event": name = value
    case "data": data.append(value)
    case "id" where !value.contains("\0"): id = value.isEmpty ? nil : value
    case "retry": if let milliseconds = Int(value), milliseconds >= 0 { retry = Double(milliseconds) / 1000 }
    default: break  // a comment, or a field that is not used
    }
    return nil
  }

  private mutating func dispatch() -> StreamEvent? {
    defer {
      name = ""
      data = []
    }
    // The id counts only once the event is complete.
    lastID = id
    guard !data.isEmpty else { return nil }
    return StreamEvent(id: lastID, name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
  }
}
