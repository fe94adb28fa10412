import Files
import Datasets
import HTTP
import Jobs
import Models

extension HTTPError {
  /// What a client is told of an error from below. nil: it is no fault of the client's, and the answer is a 500 that says nothing of
  /// what is inside.
  init?(translating error: any Error) {
    switch error {
    case let error as HTTPError: self = error
    case let error as SpecFaults:
      let count = error.faults.count == 1 ? "a fault" : "\(error.faults.count) faults"
      self.init(.invalidSpec, "The spec has \(count); errors names each with its place.", members: ["errors": error.faults])
    case let error as NotFound: self.init(.notFound, Self.sentence("\(error)"))
    case let error as IllegalTransition:
      self.init(.illegalState, Self.sentence("\(error)"), members: ["state": error.state.rawValue])
    case let error as NotTerminal: self.init(.illegalState, Self.sentence("\(error)"), members: ["state": error.state.rawValue])
    case let error as CannotExtend:
      self.init(.illegalState, Self.sentence("\(error)"), members: ["state": error.state.rawValue])
    case let error as NotEnded: self.init(.inUse, Self.sentence("\(error)"), members: ["jobs": Array(error.jobs.prefix(10))])
    case let error as HasEnded: self.init(.illegalState, Self.sentence("\(error)"))
    case let error as TooManyWebhooks: self.init(.quotaExceeded, Self.sentence("\(error)"))
    case let error as InUse: self.init(.inUse, Self.sentence("\(error)"), members: ["jobs": error.jobs, "schedules": error.schedules])
    case let error as QuotaExceeded:
      self.init(
        error.kind == .storedBytes ? .storedQuotaExceeded : .quotaExceeded, Self.sentence("\(error)"),
        headers: error.kind == .storedBytes ? [:] : [.retryAfter: "60"],
        members: ["quota": error.kind.rawValue, "used": error.used, "allowed": error.allowed])
    case let error as BackupError: self.init(.notWritable, Self.sentence("\(error)"), headers: [.retryAfter: "60"])
    case let error as BuiltIn: self.init(.builtIn, Self.sentence("\(error)"))
    case let error as DatasetError:
      var members: [String: any Encodable & Sendable] = [:]
      if let part = error.part { members["part"] = part }
      if let offset = error.offset { members["offset"] = offset }
      self.init(.invalidUpload, error.part == nil ? Self.sentence("\(error)") : Self.sentence("in \(error)"), members: members)
    case let error as SafetensorsError: self.init(.invalidUpload, Self.sentence("\(error)"))
    case let error as ONNXError:
      self.init(.invalidUpload, Self.sentence("\(error)"), members: ["faults": Array(error.faults.prefix(100))])
    case let error as Damaged:
      var members: [String: any Encodable & Sendable] = ["id": error.id]
      if let sha256 = error.sha256 { members["sha256"] = sha256 }
      self.init(.damaged, Self.sentence("\(error)"), members: members)
    case let error as DamagedStore: self.init(.damaged, Self.sentence("\(error)"))
    case let error as StorageError where error.isFull:
      self.init(.storageFull, "There is no room left on the service's disk, beside what it keeps in reserve.", headers: [.retryAfter: "60"])
    case let error as StorageError where error.isLock:
      self.init(
        .locked, "Another process holds the lock of the service's database and did not give it up in time; try again in a moment.",
        headers: [.retryAfter: "1"])
    case let error as StorageError where error.isShortage:
      self.init(.shortage, "The service has no file descriptor or memory left; try again in a moment.", headers: [.retryAfter: "1"])
    case is StorageError:
      self.init(
        .notWritable, "The service's data directory cannot be read or written; the server's log says why.", headers: [.retryAfter: "10"])
    default: return nil
    }
  }

  /// The modules below write phrases; an answer has sentences.
  private static func sentence(_ phrase: String) -> String {
    // An id or a name in quotes at the beginning stays what it is.
    let beginsWithID = phrase.prefix { $0 != " " }.contains { $0 == "_" || $0 == "\"" }
    let text = beginsWithID ? phrase : phrase.prefix(1).uppercased() + phrase.dropFirst()
    return text.hasSuffix(".") ? text : text + "."
  }
}
