import Files
import Foundation

/// The sources of data sets: the built-in ones, the parts of an upload, or a path from the command line.
package enum DatasetSource {
  /// The names of the built-in data sets.
  package static let builtInNames = ["digits"]

  package static func builtIn(_ name: String) -> Dataset? { name == "digits" ? .digits : nil }

  /// Reads and checks the parts of an upload and packs them into one file, piece by piece. It needs a few MiB of memory for any size.
  ///
  /// - Parameters:
  ///   - files: one file for each of `format.parts`, in any order.
  ///   - options: of arrays; nothing for other formats.
  ///   - file: an empty file, which the caller keeps or drops. The same source always gives the same bytes.
  ///   - check: called for each piece that is read or written; an error that it throws ends the packing.
  /// - Throws: `DatasetError` for faulty parts, `StorageError` when the disk fails, and errors of `check`.
  package static func pack(
    format: DatasetFormat, files: [DatasetFile], options: ArrayOptions = ArrayOptions(), limits: DatasetLimits = DatasetLimits(),
    into file: NewFile,
    check: @escaping () throws -> Void = {}
  ) throws -> DatasetSummary {
    let parts = try arrange(files, for: format).map { try $0.open() }
    let writer = PackedWriter(file, check: check)
    let packed = try read(format, parts, options, limits, writer)
    let digest = SHA256Digest()
    var bytes = 0
    for part in parts {
      try part.forEachPiece { piece in
        try check()
        digest.update(piece)
        bytes += piece.count
      }
    }
    let summary = try DatasetSummary(packed, sha256: digest.finishHex(), bytes: bytes)
    try writer.finish(PackedFooter(train: packed.train.packed, test: packed.test.packed, summary: summary))
    return summary
  }

  /// Reads and checks the parts of an upload. Its images lie in an unnamed temporary file, which disappears with the data set.
  ///
  /// - Parameters:
  ///   - files: one file for each of `format.parts`, in any order.
  ///   - name: the name of the data set.
  ///   - folder: for the temporary file; nil for the system's temporary folder.
  /// - Throws: as `pack`.
  package static func load(
    format: DatasetFormat, files: [DatasetFile], name: String, options: ArrayOptions = ArrayOptions(),
    limits: DatasetLimits = DatasetLimits(),
    in folder: URL? = nil
  ) throws -> Dataset {
    let url = (folder ?? FileManager.default.temporaryDirectory).appendingPathComponent("temper-\(UUID().uuidString)")
    let title = "the temporary copy of the data set \(name)"
    let file = try NewFile(url, title: title)
    _ = try pack(format: format, files: files, options: options, limits: limits, into: file)
    // `file` removes its name when it goes; an open file stays readable.
    return try withExtendedLifetime(file) { try PackedDataset.open(OpenFile(url, title: title), name: name) }
  }

  /// The same for a data set on this machine: a file (`npz`), or a folder with the usual file names.
  ///
  /// - Throws: as `pack`. `DatasetError` names files by their last component only.
  package static func load(
    format: DatasetFormat, path: URL, name: String? = nil, limits: DatasetLimits = DatasetLimits(), in folder: URL? = nil
  ) throws -> Dataset {
    let name = name ?? path.deletingPathExtension().lastPathComponent
    return try load(format: format, files: try files(of: format, at: path), name: name, limits: limits, in: folder)
  }

  private static func read(
    _ format: DatasetFormat, _ files: [OpenFile], _ options: ArrayOptions, _ limits: DatasetLimits, _ writer: PackedWriter
  ) throws -> PackedParts {
    switch format {
    case .npz:
      var reader = NPZReader(limits, options, into: writer)
      return try reader.read(files[0])
    case .idx:
      let (train, test) = try IDXReader(limits, into: writer).read(
        trainImages: files[0], trainLabels: files[1], testImages: files[2], testLabels: files[3])
      return PackedParts(train: train, test: test)
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

  /// The files of a data set on this machine, in the order of the format's parts.
  ///
  /// - Throws: `DatasetError` when one is missing.
  package static func files(of format: DatasetFormat, at path: URL) throws -> [DatasetFile] {
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
