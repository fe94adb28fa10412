import Files
import HTTP
import Jobs
import Models
import Robustness

extension Routes {
  func uploadModel(_ call: Call) async throws -> Response {
    let format = call.query.word("format", as: ModelFormat.self)
    let name = try Self.name(call, default: "unnamed")
    try call.require(mediaType: Self.modelTypes)
    call.request.body.limit(to: configuration.limits.modelBytes)
    try store.requireRoom()
    let place = try uploads.begin(of: call.viewer.maker)
    defer { withExtendedLifetime(place) {} }
    try store.requireStoredBytes(of: call.viewer.maker)
    let file = try NewFile(store.directory.files.newURL(), title: "the upload")
    let isStripped = try await call.request.body.write(to: file, store.directory.space)
    let key = try idempotency.key(of: call, digest: file.sha256)
    return try await imports.one {
      try Self.explaining(isStripped) {
        try idempotency.once(key) {
          try registry(call).addModel(file, name: name, format: format, key: key) { record in
            Idempotency.stored(.document(record.json, status: .created, headers: [.location: "/v1/models/\(record.id)"]))
          }
        }
      }
    }
  }

  /// Adds to the fault of a file that lost bytes on its way how that may have come.
  static func explaining(_ isStripped: Bool, _ use: () throws -> Response) throws -> Response {
    do {
      return try use()
    } catch {
      guard isStripped, var fault = HTTPError(translating: error), fault.status == ProblemCode.invalidUpload.status else { throw error }
      fault.detail = "\(fault.detail ?? "") \(CurlHint.stripped)."
      throw fault
    }
  }

  func listModels(_ call: Call) async throws -> Response {
    let page = try registry(call).models(after: call.after(.model), limit: call.limit)
    return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
  }

  func model(_ call: Call) async throws -> Response {
    try .resource(registry(call).describedModel(call.path("id")).json, for: call.request)
  }

  func modelState(_ call: Call) throws -> ResourceState {
    let record = try registry(call).model(call.path("id"))
    return ResourceState(tag: EntityTag(digestOf: record.json.bytes), modified: record.createdAt)
  }

  func downloadModel(_ call: Call) async throws -> Response {
    let (record, file) = try registry(call).openModel(call.path("id"))
    return try await weights(file, sha256: record.sha256, name: record.id, call)
  }

  /// Weights in the form that the query asks for.
  ///
  /// - Parameter name: of the file, without its ending.
  func weights(
    _ file: OpenFile, sha256: String, name: String, _ call: Call, for request: Request? = nil, headers: HTTPFields = [:]
  ) async throws -> Response {
    let format = call.query.word("format", as: ModelFormat.self)
    var (body, digest) = (file, sha256)
    if format == .onnx {
      try store.requireRoom()
      (digest, body) = try await imports.one { try Self.convertible { try registry(call).onnx(of: file) } }
    }
    var headers = headers
    headers[.reprDigest] = "sha-256=:\(Self.base64(ofHex: digest)):"
    headers[.contentDisposition] = "attachment; filename=\"\(name).\(format.rawValue)\""
    headers[.cacheControl] = "no-cache"
    return try .file(
      FileBody(body), type: "application/octet-stream", etag: EntityTag(strong: digest), for: request ?? call.request, headers: headers)
  }

  /// - Throws: 422 where a network cannot be written.
  private static func convertible<Value>(_ body: () throws -> Value) throws -> Value {
    func refusal(_ error: any Error) -> HTTPError { HTTPError(.notConvertible, "These weights cannot be written as ONNX: \(error).") }
    do {
      return try body()
    } catch let error as ONNXError {
      throw HTTPError(.notConvertible, "These weights cannot be written as ONNX: \(error.faults.joined(separator: "; ")).")
    } catch let error as NoNetwork {
      throw refusal(error)
    } catch let error as ModelCardError {
      throw refusal(error)
    } catch let error as ModelError {
      throw refusal(error)
    } catch let error as WeightsError {
      throw refusal(error)
    }
  }

  func deleteModel(_ call: Call) async throws -> Response {
    try registry(call).deleteModel(call.path("id"), if: call.condition)
    return Response(status: .noContent)
  }
}
