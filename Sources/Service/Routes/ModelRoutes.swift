import Files
import HTTP
import Jobs
import Robustness

/// How weights can come.
enum ModelFormat: String, CaseIterable {
  case safetensors
}

extension Routes {
  func uploadModel(_ call: Call) async throws -> Response {
    let name = try Self.name(call, default: "unnamed")
    try call.require(mediaType: Self.modelTypes)
    call.request.body.limit(to: configuration.limits.modelBytes)
    try store.requireRoom()
    let file = try NewFile(store.directory.files.newURL(), title: "the upload")
    let isStripped = try await call.request.body.write(to: file, store.directory.space)
    let key = try idempotency.key(of: call, digest: file.sha256)
    return try Self.explaining(isStripped) {
      try idempotency.once(key) {
        try registry(call).addModel(file, name: name, key: key) { record in
          Idempotency.stored(.document(record.json, status: .created, headers: [.location: "/v1/models/\(record.id)"]))
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

  func model(_ call: Call) async throws -> Response { try .resource(registry(call).model(call.path("id")).json, for: call.request) }

  func modelState(_ call: Call) throws -> ResourceState {
    let record = try registry(call).model(call.path("id"))
    return ResourceState(tag: EntityTag(digestOf: record.json.bytes), modified: record.createdAt)
  }

  func deleteModel(_ call: Call) async throws -> Response {
    try registry(call).deleteModel(call.path("id"))
    return Response(status: .noContent)
  }
}
