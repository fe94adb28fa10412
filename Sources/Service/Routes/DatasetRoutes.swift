import Datasets
import Files
import Foundation
import HTTP
import Jobs
import Robustness

extension Routes {
  func uploadDataset(_ call: Call) async throws -> Response {
    let format = call.query.word("format", as: DatasetFormat.self)
    let options = try Self.arrayOptions(call, format)
    let name = try Self.name(call, default: "unnamed")
    try call.require(mediaType: format.isMultipart ? ["multipart/form-data"] : Self.datasetTypes)
    call.request.body.limit(to: configuration.limits.datasetBytes)
    try store.requireRoom()
    let upload = try store.directory.upload()
    defer { upload.discard() }
    let (parts, digest) = try await receive(call, format, into: upload)
    let key = try idempotency.key(of: call, digest: digest)
    return try await imports.one {
      try idempotency.once(key) {
        try registry.addDataset(upload, name: name, format: format, options: options, parts: parts, key: key) { record in
          Idempotency.stored(.document(try record.json, status: .created, headers: [.location: "/v1/datasets/\(record.id)"]))
        }
      }
    }
  }

  /// Streams the body to disk.
  /// - Returns: the parts that came, and the digest of all.
  private func receive(_ call: Call, _ format: DatasetFormat, into upload: Upload) async throws -> (parts: [String], digest: String) {
    let space = store.directory.space
    guard call.request.mediaType == "multipart/form-data" else {
      let file = try NewFile(upload.file(format.parts[0]), title: "the upload")
      try await call.request.body.write(to: file, space)
      file.keep()
      return (format.parts, file.sha256)
    }
    let form = try await call.request.multipart().write(space) { part in
      // Files are named by the format, never by the client.
      guard format.parts.contains(part) else {
        throw DatasetError(
          part: String(part.prefix(100)),
          "the format \(format.rawValue) has no such part; its parts are \(format.parts.joined(separator: ", "))")
      }
      return upload.file(part)
    }
    return (form.parts, form.sha256)
  }

  private static func arrayOptions(_ call: Call, _ format: DatasetFormat) throws -> ArrayOptions {
    let (scale, layout) = (call.query.optionalNumber("scale"), call.query.optionalText("layout"))
    for (name, isGiven) in [("scale", scale != nil), ("layout", layout != nil)] where isGiven && format != .npz {
      throw HTTPError.wrong(name, call.query.optionalText(name) ?? "", "left out: it is about the arrays of an npz")
    }
    return ArrayOptions(scale: scale, layout: layout.flatMap(ArrayOptions.Layout.init))
  }

  static func name(_ call: Call, default other: String) throws -> String {
    guard let name = call.query.optionalText("name"), !name.isEmpty else { return other }
    guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      throw HTTPError.wrong("name", name, "at most 200 characters, none of them a control character")
    }
    return name
  }

  func listDatasets(_ call: Call) async throws -> Response {
    let page = try registry.datasets(after: call.after, limit: call.limit)
    return try .resource(ListPage(items: try page.elements.map { try $0.json }, hasMore: page.hasMore).json, for: call.request)
  }

  func dataset(_ call: Call) async throws -> Response { try .resource(registry.dataset(call.path("id")).json, for: call.request) }

  func deleteDataset(_ call: Call) async throws -> Response {
    try registry.deleteDataset(call.path("id"))
    return Response(status: .noContent)
  }
}
