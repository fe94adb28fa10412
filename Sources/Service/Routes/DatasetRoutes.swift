import Datasets
import Files
import Foundation
import HTTP
import Jobs
import Robustness

extension Routes {
  func uploadDataset(_ call: Call) async throws -> Response {
    let format = call.query.word("format", as: DatasetFormat.self)
    let options = try Self.options(call, format)
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
    let form = try await call.request.multipart().write(space) { part, number in
      // Files are named by the format, never by the client.
      guard (format.parts + format.optionalParts).contains(part) else {
        throw DatasetError(
          part: String(part.prefix(100)),
          "the format \(format.rawValue) has no such part; its parts are \(format.parts.joined(separator: ", "))")
      }
      guard number == 0 || format.takesSeveral(part) else {
        throw HTTPError(.malformedBody, "The part \(part.prefix(100)) came twice.")
      }
      guard number < Self.mostFiles else {
        throw HTTPError(.malformedBody, "There are more than \(Self.mostFiles) files of the part \(part).")
      }
      return upload.file(part, number)
    }
    return (form.parts, form.sha256, false)
  }

  /// The most files of one part.
  private static let mostFiles = 1_000

  private static func options(_ call: Call, _ format: DatasetFormat) throws -> DatasetOptions {
    let (scale, layout) = (call.query.optionalNumber("scale"), call.query.optionalText("layout"))
    let resize = call.query.optionalText("resize")
    let uses: [(name: String, isGiven: Bool, formats: [DatasetFormat])] = [
      ("scale", scale != nil, [.npz, .npy, .csv]), ("layout", layout != nil, [.npz, .npy]), ("resize", resize != nil, [.images]),
    ]
    for use in uses where use.isGiven && !use.formats.contains(format) {
      let formats = use.formats.map(\.rawValue).joined(separator: " or ")
      // Each parameter is right by itself, as the contract can say; only together they are not.
      throw HTTPError(
        .invalidUpload, "\(use.name) is about \(formats), and format=\(format.rawValue): leave it out.", members: ["parameter": use.name])
    }
    let size = resize.flatMap(DatasetOptions.Size.init)
    if let resize, size == nil {
      throw HTTPError.wrong("resize", resize, "HEIGHT,WIDTH, each from 1 to \(DatasetOptions.Size.longest), such as 64,64")
    }
    return DatasetOptions(scale: scale, layout: layout.flatMap(DatasetOptions.Layout.init), resize: size)
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
    try registry(call).deleteDataset(call.path("id"), if: call.condition)
    return Response(status: .noContent)
  }
}
