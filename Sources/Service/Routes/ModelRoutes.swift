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
    try await call.request.body.write(to: file, store.directory.space)
    let key = try idempotency.key(of: call, digest: file.sha256)
    return try idempotency.once(key) {
      try registry.addModel(file, name: name, key: key) { record in
        Idempotency.stored(.document(record.json, status: .created, headers: [.location: "/v1/models/\(record.id)"]))
      }
    }
  }

  func listModels(_ call: Call) async throws -> Response {
    let page = try registry.models(after: call.after, limit: call.limit)
    return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
  }

  func model(_ call: Call) async throws -> Response { try .resource(registry.model(call.path("id")).json, for: call.request) }

  func deleteModel(_ call: Call) async throws -> Response {
    try registry.deleteModel(call.path("id"))
    return Response(status: .noContent)
  }
}
