/// What the first way through a source of pictures finds: which files are pictures, in which folders, of which size. The pixels are not
/// decoded yet, since what becomes of them depends on all headers.
struct PictureSurvey {
  /// The pictures of a folder, as their headers say.
  struct Folder {
    let names: [String]
    var count = 0
    var hasColour = false
    /// The first picture, and the first that has another size.
    var first: Sized?
    var other: Sized?
  }

  /// A picture and its size.
  struct Sized: Equatable {
    let path: String
    let height, width: Int
  }

  private(set) var folders: [Folder] = []
  /// For each candidate in order, its folder; nil where its header is damaged.
  private(set) var folderOfCandidate: [Int32?] = []
  /// The files of operating systems, and others that are no pictures, with the first of the latter.
  private(set) var hidden = 0
  private(set) var others: (count: Int, examples: [String]) = (0, [])
  private(set) var transparent = 0
  private(set) var faults = PictureFaults()
  private var places: [[String]: Int] = [:]
  private var bytes = 0

  /// The most bytes of a picture's file.
  static let longestFile = 1 << 26
  private static let mostFolders = 200_000

  init(_ source: any PictureSource, _ limits: DatasetLimits, check: () throws -> Void) throws {
    try source.forEachFile { file in
      try check()
      try take(file, source.title, limits)
    }
  }

  private mutating func take(_ file: any PictureFile, _ title: String, _ limits: DatasetLimits) throws {
    do {
      guard let content = try Self.content(of: file) else {
        if PicturePath.isHidden(file.path) {
          hidden += 1
        } else {
          others.count += 1
          if others.examples.count < 3 { others.examples.append(file.title) }
        }
        return
      }
      bytes += content.count
      guard bytes <= limits.uncompressedBytes else {
        throw DatasetError(
          part: title,
          "the pictures have more than \(limits.uncompressedBytes) bytes together, the limit for a data set after decompression")
      }
      let (format, facts) = try PictureFormat.facts(of: content)
      if facts.has_alpha != 0 { transparent += 1 }
      let isTurned = EXIFOrientation(of: content, format).swapsSides
      let size = (Int(facts.height), Int(facts.width))
      let (height, width) = isTurned ? (size.1, size.0) : size
      try add(Sized(path: file.title, height: height, width: width), isColour: facts.channels == 3, in: Array(file.path.dropLast()), title)
    } catch let fault as PictureFault {
      faults.add(file.title, fault)
      folderOfCandidate.append(nil)
    }
  }

  private mutating func add(_ picture: Sized, isColour: Bool, in names: [String], _ title: String) throws {
    let place = places[names] ?? folders.count
    if place == folders.count {
      guard place < Self.mostFolders else { throw DatasetError(part: title, "the pictures lie in more than \(Self.mostFolders) folders") }
      places[names] = place
      folders.append(Folder(names: names))
    }
    folders[place].count += 1
    folders[place].hasColour = folders[place].hasColour || isColour
    if let first = folders[place].first {
      if folders[place].other == nil, (first.height, first.width) != (picture.height, picture.width) { folders[place].other = picture }
    } else {
      folders[place].first = picture
    }
    folderOfCandidate.append(Int32(place))
  }

  /// The bytes of a picture; nil for a file that is none.
  ///
  /// - Throws: `PictureFault` for one that is called a picture and is none, or is too long.
  static func content(of file: any PictureFile) throws -> [UInt8]? {
    guard !PicturePath.isHidden(file.path) else { return nil }
    var content: [UInt8] = []
    try file.read(PictureFormat.magicBytes, into: &content)
    let ending = file.path.last.flatMap { $0.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last }?.lowercased()
    guard PictureFormat(content) != nil || ending.map(PictureFormat.endings.contains) ?? false else { return nil }
    try file.read(longestFile + 1 - content.count, into: &content)
    guard content.count <= longestFile else { throw PictureFault("its file has more than \(longestFile) bytes, the most of a picture") }
    return content
  }
}

/// The pictures that cannot be used, the first of them by name.
struct PictureFaults {
  private(set) var count = 0
  private var listed: [String] = []
  private static let most = 50

  mutating func add(_ picture: String, _ fault: PictureFault) {
    count += 1
    if listed.count < Self.most { listed.append("\(picture): \(fault.phrase)") }
  }

  /// - Throws: `DatasetError` that names them.
  func require(none title: String) throws {
    guard count > 0 else { return }
    let rest = count > listed.count ? "; and \(count - listed.count) more" : ""
    throw DatasetError(
      part: title, "\(count == 1 ? "a picture" : "\(count) pictures") cannot be used: " + listed.joined(separator: "; ") + rest)
  }
}
