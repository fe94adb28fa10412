import Files
import Foundation

/// One file of a data set, and the part of it that the file holds.
package struct DatasetFile: Equatable, Sendable {
  /// One of `DatasetFormat.parts`.
  package let part: String
  package let url: URL
  /// What errors call the file.
  let title: String

  /// - Parameter title: what errors call the file; the part when nil.
  package init(part: String, url: URL, title: String? = nil) {
    self.part = part
    self.url = url
    self.title = title ?? part
  }
}

/// Where data sets come from: built in, the parts of an upload, or a path given on the command line.
package enum DatasetSource {
  /// The names of the data sets that are always there.
  package static let builtInNames = ["digits"]

  package static func builtIn(_ name: String) -> Dataset? { name == "digits" ? .digits : nil }

  /// Reads and checks the parts of an upload.
  ///
  /// - Parameters:
  ///   - files: one file for each of `format.parts`, in any order.
  ///   - name: what the data set is called.
  /// - Throws: `DatasetError`.
  package static func load(
    format: DatasetFormat, files: [DatasetFile], name: String, limits: DatasetLimits = DatasetLimits()
  ) throws -> Dataset {
    let ordered = try arrange(files, for: format)
    let (train, test) = try read(format, ordered, limits)
    let digest = SHA256Digest()
    var bytes = 0
    for file in ordered { bytes += try RegularFile(file).hash(into: digest) }
    return try Dataset(
      name: name, train: train, test: test, limits: limits, sha256: digest.finishHex(), sourceBytes: bytes)
  }

  /// Reads and checks a data set on this machine: a file (`npz`), or a folder that has the usual file names inside.
  ///
  /// - Throws: `DatasetError`; it names files by their last component only.
  package static func load(
    format: DatasetFormat, path: URL, name: String? = nil, limits: DatasetLimits = DatasetLimits()
  ) throws -> Dataset {
    let name = name ?? path.deletingPathExtension().lastPathComponent
    return try load(format: format, files: try files(of: format, at: path), name: name, limits: limits)
  }

  private static func read(
    _ format: DatasetFormat, _ files: [DatasetFile], _ limits: DatasetLimits
  ) throws -> (train: LabelledImages, test: LabelledImages) {
    switch format {
    case .npz: try NPZReader(limits).read(files[0])
    case .idx: try IDXReader(limits).read(trainImages: files[0], trainLabels: files[1], testImages: files[2], testLabels: files[3])
    }
  }

  /// The files in the order of the format's parts, each part exactly once.
  private static func arrange(_ files: [DatasetFile], for format: DatasetFormat) throws -> [DatasetFile] {
    let expected = format.parts.joined(separator: ", ")
    for file in files where !format.parts.contains(file.part) {
      throw DatasetError(part: file.part, "the format \(format.rawValue) has no such part; its parts are \(expected)")
    }
    return try format.parts.map { part in
      let matching = files.filter { $0.part == part }
      guard let file = matching.first else {
        throw DatasetError(part: part, "this part is missing; the format \(format.rawValue) takes \(expected)")
      }
      guard matching.count == 1 else {
        throw DatasetError(part: part, "this part came \(matching.count) times; it must come once")
      }
      return file
    }
  }

  private static func files(of format: DatasetFormat, at path: URL) throws -> [DatasetFile] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder) else {
      throw DatasetError(part: path.lastPathComponent, "there is no such file or folder")
    }
    if format == .npz {
      let file = isFolder.boolValue ? try onlyArchive(in: path) : path
      return [DatasetFile(part: format.parts[0], url: file, title: file.lastPathComponent)]
    }
    guard isFolder.boolValue else {
      throw DatasetError(
        part: path.lastPathComponent, "this is a file; the format \(format.rawValue) takes a folder with \(format.parts.count) files")
    }
    return try zip(format.parts, format.usualNames).map { part, names in
      let candidates = names.flatMap { [$0, $0 + ".gz"] }
      guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: path.appendingPathComponent($0).path) }) else {
        throw DatasetError(
          part: path.lastPathComponent,
          "the folder has no file for the part \(part); it is looked for as \(candidates.joined(separator: ", "))")
      }
      return DatasetFile(part: part, url: path.appendingPathComponent(found), title: found)
    }
  }

  private static func onlyArchive(in folder: URL) throws -> URL {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let archives = names.filter { $0.hasSuffix(".npz") }
    guard archives.count == 1 else {
      throw DatasetError(
        part: folder.lastPathComponent,
        "the folder has \(archives.count) files that end in .npz; it must have one, or the path must name the file itself")
    }
    return folder.appendingPathComponent(archives[0])
  }
}
