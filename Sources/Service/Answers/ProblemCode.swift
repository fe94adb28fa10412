import HTTP

/// Every kind of fault that the service tells a client of. A problem document's `type` is `urn:temper:problem:` and the code.
package enum ProblemCode: String, CaseIterable, Sendable {
  case malformedJSON = "malformed_json"
  case malformedBody = "malformed_body"
  case badQuery = "bad_query"
  case badHeader = "bad_header"
  case wrongMediaType = "wrong_media_type"
  case notAcceptable = "not_acceptable"
  case invalidSpec = "invalid_spec"
  case invalidUpload = "invalid_upload"
  case notConvertible = "not_convertible"
  case idempotencyMismatch = "idempotency_mismatch"
  case idempotencyInProgress = "idempotency_in_progress"
  case notFound = "not_found"
  case illegalState = "illegal_state"
  case notReady = "not_ready"
  case noReport = "no_report"
  case inUse = "in_use"
  case builtIn = "built_in"
  case preconditionFailed = "precondition_failed"
  case unauthorized, forbidden
  case tooManyRequests = "too_many_requests"
  case foreignOrigin = "foreign_origin"
  case foreignHost = "foreign_host"
  case quotaExceeded = "quota_exceeded"
  case storageFull = "storage_full"
  case storedQuotaExceeded = "stored_quota_exceeded"
  case shortage, locked
  case notWritable = "not_writable"
  case damaged, deleted
  case draining
}

extension ProblemCode {
  /// The one place where a fault gets its status.
  package var status: HTTPResponse.Status {
    switch self {
    case .malformedJSON, .malformedBody, .badQuery, .badHeader: .badRequest
    case .unauthorized: .unauthorized
    case .foreignOrigin, .forbidden: .forbidden
    case .foreignHost: .misdirectedRequest
    case .notFound: .notFound
    case .notAcceptable: .notAcceptable
    case .illegalState, .notReady, .noReport, .inUse, .builtIn, .idempotencyInProgress: .conflict
    case .preconditionFailed: .preconditionFailed
    case .wrongMediaType: .unsupportedMediaType
    case .invalidSpec, .invalidUpload, .notConvertible, .idempotencyMismatch: .unprocessableContent
    case .quotaExceeded, .tooManyRequests: .tooManyRequests
    case .damaged, .deleted: .gone
    case .draining, .shortage, .locked, .notWritable: .serviceUnavailable
    case .storageFull, .storedQuotaExceeded: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
    }
  }

  /// The same for every occurrence (RFC 9457 §3.1.3).
  var title: String {
    switch self {
    case .malformedJSON: "The body is not JSON"
    case .malformedBody: "The body is malformed"
    case .badQuery: "The query cannot be understood"
    case .badHeader: "A header field cannot be understood"
    case .wrongMediaType: "The body's Content-Type is not taken here"
    case .notAcceptable: "None of the accepted forms is available"
    case .invalidSpec: "The job spec cannot run"
    case .invalidUpload: "The upload cannot be used"
    case .notConvertible: "The weights cannot be had in this form"
    case .idempotencyMismatch: "The idempotency key belongs to another request"
    case .idempotencyInProgress: "A request with this idempotency key is still being handled"
    case .notFound: "There is no such resource"
    case .illegalState: "The resource's state does not allow this"
    case .notReady: "The result is not there yet"
    case .noReport: "The job ended without a report"
    case .inUse: "The resource is in use"
    case .builtIn: "The resource is built in"
    case .preconditionFailed: "The precondition does not hold"
    case .unauthorized: "A token is needed"
    case .forbidden: "The token does not allow this"
    case .tooManyRequests: "There are too many requests"
    case .foreignOrigin: "The request comes from another origin"
    case .foreignHost: "The request is meant for another host"
    case .quotaExceeded: "There is more to do than is taken"
    case .storageFull: "The storage is full"
    case .storedQuotaExceeded: "The owner has stored as much as is allowed"
    case .shortage: "The service has no descriptor or memory left"
    case .locked: "The service's database is locked"
    case .notWritable: "The service cannot store anything"
    case .damaged: "The resource is damaged"
    case .deleted: "The resource was deleted"
    case .draining: "The service is shutting down"
    }
  }
}

extension HTTPError {
  /// A fault of the service; `members` go into the problem document beside its own.
  init(
    _ code: ProblemCode, _ detail: String, headers: HTTPFields = [:], members: [String: any Encodable & Sendable] = [:]
  ) {
    self.init(
      code.status, title: code.title, detail: detail, type: "urn:temper:problem:\(code.rawValue)", headers: headers, members: members)
  }
}
