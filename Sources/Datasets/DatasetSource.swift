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
    format: DatasetFormat, files: [DatasetFile], options: DatasetOptions = DatasetOptions(), limits: DatasetLimits = DatasetLimits(),
    into file: NewFile,
    check: @escaping () throws -> Void = {}
  ) throws -> DatasetSummary {
    let parts = try arrange(files, for: format).map { try $0.map { try $0.open() } }
    return try pack(into: file, check: check) { writer in
      try read(format, parts, options, limits, writer)
    } digest: {
      let digest = SHA256Digest()
      var bytes = 0
      for part in parts.joined() {
        try part.forEachPiece { piece in
          try check()
          digest.update(piece)
          bytes += piece.count
        }
      }
      return (digest.finishHex(), bytes)
    }
  }

  private static func pack(
    into file: NewFile, check: @escaping () throws -> Void, read: (PackedWriter) throws -> PackedParts, digest: () throws -> (String, Int)
  ) throws -> DatasetSummary {
    let writer = PackedWriter(file, check: check)
    let packed = try read(writer)
    let (sha256, bytes) = try digest()
    let summary = try DatasetSummary(packed, sha256: sha256, bytes: bytes)
    try writer.finish(
      PackedFooter(train: packed.train.packed, validation: packed.validation?.packed, test: packed.test.packed, summary: summary))
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
    format: DatasetFormat, files: [DatasetFile], name: String, options: DatasetOptions = DatasetOptions(),
    limits: DatasetLimits = DatasetLimits(),
    in folder: URL? = nil
  ) throws -> Dataset {
    try load(name, in: folder) { try pack(format: format, files: files, options: options, limits: limits, into: $0) }
  }

  private static func load(_ name: String, in folder: URL?, _ pack: (NewFile) throws -> DatasetSummary) throws -> Dataset {
    let url = (folder ?? FileManager.default.temporaryDirectory).appendingPathComponent("temper-\(UUID().uuidString)")
    let title = "the temporary copy of the data set \(name)"
    let file = try NewFile(url, title: title)
    _ = try pack(file)
    // `file` removes its name when it goes; an open file stays readable.
    return try withExtendedLifetime(file) { try PackedDataset.open(OpenFile(url, title: title), name: name) }
  }

  /// The same for a data set on this machine: a file (`npz`, an archive of `images`), or a folder with the usual file names or with pictures.
  ///
  /// - Throws: as `pack`. `DatasetError` names files by their last component only.
  package static func load(
    format: DatasetFormat, path: URL, name: String? = nil, options: DatasetOptions = DatasetOptions(),
    limits: DatasetLimits = DatasetLimits(),
    in folder: URL? = nil
  ) throws -> Dataset {
    let name = name ?? path.deletingPathExtension().lastPathComponent
    if format == .images, try isFolder(path) {
      let pictures = try PictureFolder(path)
      return try load(name, in: folder) { file in
        try pack(into: file, check: {}) {
          try PictureReader(limits, options, into: $0).read(pictures)
        } digest: {
          try pictures.digest {}
        }
      }
    }
    return try load(format: format, files: try files(of: format, at: path), name: name, options: options, limits: limits, in: folder)
  }

  private static func read(
    _ format: DatasetFormat, _ parts: [[OpenFile]], _ options: DatasetOptions, _ limits: DatasetLimits, _ writer: PackedWriter
  ) throws -> PackedParts {
    switch format {
    case .npz:
      var reader = NPZReader(limits, options, into: writer)
      return try reader.read(parts[0][0])
    case .npy:
      var reader = NPZReader(limits, options, into: writer)
      return try reader.read(parts.map { $0[0] })
    case .idx:
      let (train, test) = try IDXReader(limits, into: writer).read(
        trainImages: parts[0][0], trainLabels: parts[1][0], testImages: parts[2][0], testLabels: parts[3][0])
      return PackedParts(train: train, test: test)
    case .cifar: return try CIFARReader(limits, into: writer).read(train: parts[0], test: parts[1], names: parts[2].first)
    case .csv: return try CSVReader(limits, options, into: writer).read(train: parts[0][0], test: parts[1][0])
    case .images: return try PictureReader(limits, options, into: writer).read(PictureArchive(parts[0][0], limits))
    }
  }

  /// The files of each part, in the order of the format's parts and optional parts.
  private static func arrange(_ files: [DatasetFile], for format: DatasetFormat) throws -> [[DatasetFile]] {
    let expected = format.parts.joined(separator: ", ")
    for file in files where !(format.parts + format.optionalParts).contains(file.part) {
      throw DatasetError(part: file.part, "the format \(format.rawValue) has no such part; its parts are \(expected)")
    }
    return try (format.parts + format.optionalParts).map { part in
      let matching = files.filter { $0.part == part }
      guard !matching.isEmpty || format.optionalParts.contains(part) else {
        throw DatasetError(part: part, "this part is missing; the format \(format.rawValue) takes \(expected)")
      }
      guard matching.count <= 1 || format.takesSeveral(part) else {
        throw DatasetError(part: part, "this part came \(matching.count) times; it must come once")
      }
      return matching
    }
  }

  private static func isFolder(_ path: URL) throws -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder) else {
      throw DatasetError(part: path.lastPathComponent, "there is no such file or folder")
    }
    return isFolder.boolValue
  }

  /// The files of a data set on this machine, in the order of the format's parts.
  ///
  /// - Throws: `DatasetError` when one is missing.
  package static func files(of format: DatasetFormat, at path: URL) throws -> [DatasetFile] {
    let isFolder = try isFolder(path)
    guard !(isFolder && format == .images) else {
      throw DatasetError(
        part: path.lastPathComponent,
        "this is a folder; pictures are uploaded as one zip, tar or tar.gz: tar czf pictures.tar.gz -C FOLDER .")
    }
    if !format.isMultipart {
      let file = isFolder ? try onlyArchive(in: path) : path
      return [DatasetFile(part: format.parts[0], url: file, title: file.lastPathComponent)]
    }
    guard isFolder else {
      throw DatasetError(
        part: path.lastPathComponent, "this is a file; the format \(format.rawValue) takes a folder with \(format.parts.count) files")
    }
    return try zip(format.parts + format.optionalParts, format.usualNames).flatMap { part, sets in
      let found = sets.lazy.map { set in set.compactMap { present($0, in: path) } }.first { !$0.isEmpty } ?? []
      guard !found.isEmpty || format.optionalParts.contains(part) else {
        let candidates = sets.joined().flatMap { [$0, $0 + ".gz"] }
        throw DatasetError(
          part: path.lastPathComponent,
          "the folder has no file for the part \(part); it is looked for as \(candidates.joined(separator: ", "))")
      }
      return found.map { DatasetFile(part: part, url: path.appendingPathComponent($0), title: $0) }
    }
  }

  /// The name under which a file is there, gzipped or not.
  private static func present(_ name: String, in folder: URL) -> String? {
    [name, name + ".gz"].first { FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path) }
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
