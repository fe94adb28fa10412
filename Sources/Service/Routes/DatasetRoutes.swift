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
    try call.require(mediaType: format.isMultipart ? [MediaType.form] : Self.datasetTypes)
    call.request.body.limit(to: configuration.limits.datasetBytes)
    try store.requireRoom()
    let place = try uploads.begin(of: call.viewer.maker)
    defer { withExtendedLifetime(place) {} }
    try store.requireStoredBytes(of: call.viewer.maker)
    let upload = try store.directory.upload()
    defer { upload.discard() }
    let (parts, digest, isStripped) = try await receive(call, format, into: upload)
    let key = try idempotency.key(of: call, digest: digest)
    return try await imports.one {
      try Self.explaining(isStripped) {
        try idempotency.once(key) {
          try registry(call).addDataset(upload, name: name, format: format, options: options, parts: parts, key: key) { record in
            Idempotency.stored(.document(try record.json, status: .created, headers: [.location: "/v1/datasets/\(record.id)"]))
          }
        }
      }
    }
  }

  /// Streams the body to disk.
  /// - Returns: the parts that came, the digest of all, and whether a file looks as if it lost bytes on the way.
  private func receive(
    _ call: Call, _ format: DatasetFormat, into upload: Upload
  ) async throws -> (parts: [String], digest: String, isStripped: Bool) {
    let space = store.directory.space
    guard call.request.mediaType == MediaType.form else {
      let file = try NewFile(upload.file(format.parts[0]), title: "the upload")
      let isStripped = try await call.request.body.write(to: file, space)
      file.keep()
      return (format.parts, file.sha256, isStripped)
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
    return (form.parts, form.sha256, false)
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
    let page = try registry(call).datasets(after: call.after(.dataset, or: DatasetSource.builtInNames), limit: call.limit)
    return try .resource(ListPage(items: try page.elements.map { try $0.json }, hasMore: page.hasMore).json, for: call.request)
  }

  func dataset(_ call: Call) async throws -> Response { try .resource(registry(call).dataset(call.path("id")).json, for: call.request) }

  func datasetState(_ call: Call) throws -> ResourceState {
    let record = try registry(call).dataset(call.path("id"))
    return ResourceState(tag: EntityTag(digestOf: try record.json.bytes), modified: record.createdAt)
  }

  func datasetSamples(_ call: Call) async throws -> Response {
    let data = try registry.load(.id(call.path("id")))
    guard let sheet = try SampleSheet(data) else {
      throw HTTPError(.notFound, "The data set \(data.name) has no pictures: its examples are of the shape \(data.imageShape.dimensions).")
    }
    return try .representation(sheet.png(), type: "image/png", for: call.request)
  }

  func deleteDataset(_ call: Call) async throws -> Response {
    try registry(call).deleteDataset(call.path("id"))
    return Response(status: .noContent)
  }
}
