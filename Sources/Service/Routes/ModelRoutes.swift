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
    let file = try NewFile(store.directory.files.newURL(), title: "the upload")
    try await call.request.body.write(to: file, store.directory.space)
    let key = try idempotency.key(of: call, digest: file.sha256)
    return try await imports.one {
      try idempotency.once(key) {
        try registry.addModel(file, name: name, format: format, key: key) { record in
          Idempotency.stored(.document(record.json, status: .created, headers: [.location: "/v1/models/\(record.id)"]))
        }
      }
    }
  }

  func listModels(_ call: Call) async throws -> Response {
    let page = try registry.models(after: call.after, limit: call.limit)
    return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
  }

  func model(_ call: Call) async throws -> Response { try .resource(registry.describedModel(call.path("id")).json, for: call.request) }

  func downloadModel(_ call: Call) async throws -> Response {
    let (record, file) = try registry.openModel(call.path("id"))
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
      (digest, body) = try await imports.one { try Self.convertible { try registry.onnx(of: file) } }
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
    try registry.deleteModel(call.path("id"))
    return Response(status: .noContent)
  }
}
