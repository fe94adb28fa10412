/// A part of a data set of pictures; its name is that of its arrays in errors.
enum PicturePart: String { case train, test, validation }

/// Which part and class each folder of pictures stands for: `train/CLASS/…` and `test/CLASS/…`, or `CLASS/…` alone, within a folder of its
/// own or not.
struct PictureLayout: Equatable {
  /// What the pictures of a folder are.
  enum Role: Equatable {
    case used(PicturePart, label: Int)
    /// They are in no class, or in a part that is not used.
    case leftOut
  }

  /// One for each folder that was given, in order.
  let roles: [Role]
  let classNames: [String]
  /// Whether there is no test part, so that one must be split off.
  let needsSplit: Bool
  private(set) var notices: [DatasetNotice] = []

  private static let partNames: [String: PicturePart] = [
    "train": .train, "training": .train, "test": .test, "testing": .test, "val": .validation, "valid": .validation,
    "validation": .validation,
  ]

  /// - Parameters:
  ///   - folders: the names of each folder that holds pictures.
  ///   - mostClasses: labels are below this number.
  /// - Throws: `DatasetError` where there are no two classes, or the test part has one that the training part lacks.
  init(_ folders: [[String]], title: String, mostClasses: Int) throws {
    let top = Self.top(folders)
    let inside = folders.map { Array($0.dropFirst(top)) }
    let parts = inside.map { $0.first.flatMap(Self.part) }
    let isParted = parts.contains { $0 != nil }
    // A folder deeper than its class belongs to the class.
    let places = zip(inside, parts).map { folder, part -> (part: PicturePart, name: String)? in
      guard isParted else { return folder.first.map { (.train, $0) } }
      return part.flatMap { part in folder.dropFirst().first.map { (part, $0) } }
    }
    let used = Set(places.compactMap { $0?.part })
    guard used.contains(.train) else {
      let found = Set(folders.map { $0.first ?? "" }).filter { !$0.isEmpty }.sorted().prefix(5).joined(separator: ", ")
      throw DatasetError(
        part: title,
        "there are no pictures in train/CLASS/…; pictures lie in train/CLASS/… and test/CLASS/…"
          + (found.isEmpty ? "" : ", and the folders here are \(found)"))
    }
    needsSplit = used == [.train]
    // What is to be tested on comes first: the images to choose a checkpoint by can be drawn from the training part.
    let isTested = used.contains(.validation) && !used.contains(.test)
    if isTested {
      notices.append(DatasetNotice("validation_as_test", "There is no test part; the pictures of the validation part are taken for it."))
    }
    let classes = try PictureClasses(places.compactMap { $0?.part == .train ? $0?.name : nil }, title: title, most: mostClasses)
    classNames = classes.names
    roles = try places.map { place in
      guard let place else { return .leftOut }
      guard let label = classes.labels[place.name] else {
        throw DatasetError(
          part: title,
          "the \(place.part.rawValue) part has pictures of the class \(place.name.prefix(100)), and the training part has none to learn it from"
        )
      }
      return .used(isTested && place.part == .validation ? .test : place.part, label: label)
    }
  }

  private static func part(_ name: String) -> PicturePart? { partNames[name.lowercased()] }

  /// How many folders stand around all of it.
  private static func top(_ folders: [[String]]) -> Int {
    var depth = 0
    // Pictures beside the one folder count for nothing: a cover, a preview.
    while true {
      let heads = Set(folders.compactMap { $0.dropFirst(depth).first })
      guard heads.count == 1, let head = heads.first, part(head) == nil, folders.contains(where: { $0.count > depth + 1 }) else {
        return depth
      }
      depth += 1
    }
  }
}

/// The classes of folders: by number where all are numbers, else in the order of their names.
private struct PictureClasses {
  let names: [String]
  let labels: [String: Int]

  init(_ folders: [String], title: String, most: Int) throws {
    let found = Set(folders)
    guard found.count > 1 else {
      throw DatasetError(
        part: title,
        "all pictures are of the class \(found.first?.prefix(100) ?? "…"); a classifier needs at least two classes, each a folder")
    }
    guard found.count <= most else {
      throw DatasetError(part: title, "there are \(found.count) folders of classes; there can be at most \(most) classes")
    }
    let numbers = found.compactMap { name in Int(name).flatMap { String($0) == name && (0..<most).contains($0) ? $0 : nil } }
    if numbers.count == found.count, let last = numbers.max() {
      names = (0...last).map(String.init)
      labels = Dictionary(uniqueKeysWithValues: numbers.map { (String($0), $0) })
    } else {
      names = found.sorted()
      labels = Dictionary(uniqueKeysWithValues: zip(names, 0...))
    }
  }
}
