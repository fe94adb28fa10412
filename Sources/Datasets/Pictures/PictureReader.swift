import Files
import Foundation
import TensorEngine

/// Reads pictures in folders of classes. It goes through them twice: first for names and headers, then for pixels. One picture is in memory
/// at a time.
struct PictureReader {
  private let limits: DatasetLimits
  private let options: DatasetOptions
  private let writer: PackedWriter

  /// The share of the pictures of each class that becomes the test part where there is none.
  static let testFraction = 0.2

  init(_ limits: DatasetLimits, _ options: DatasetOptions, into writer: PackedWriter) {
    self.limits = limits
    self.options = options
    self.writer = writer
  }

  func read(_ source: any PictureSource) throws -> PackedParts {
    let survey = try PictureSurvey(source, limits, check: writer.check)
    guard !survey.folders.isEmpty else {
      try survey.faults.require(none: source.title)
      throw DatasetError(part: source.title, "there are no pictures in it; JPEG, PNG and WebP are read, in train/CLASS/… and test/CLASS/…")
    }
    let layout = try PictureLayout(survey.folders.map(\.names), title: source.title, mostClasses: limits.classes)
    let plan = try PicturePlan(survey, layout, title: source.title)
    let shape = try self.shape(survey, layout, source.title)
    var budget = ByteBudget(limits)
    _ = try budget.spend([plan.count] + shape.dimensions, elementBytes: 1, part: source.title)

    let spools: [PicturePart: NewFile] = [.test: try writer.spool("test"), .validation: try writer.spool("validation")]
    func labelled(_ part: PicturePart, _ fill: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> LabelledImages {
      let labels = plan.labels(part)
      let array = try writer.array(.uint8, count: labels.count * shape.count, fill)
      let images = ImageArray(title: part.rawValue, count: labels.count, shape: shape, array: array)
      return try LabelledImages(images, writer.labels(labels, title: part.rawValue))
    }
    func spooled(_ part: PicturePart) throws -> LabelledImages? {
      guard !plan.labels(part).isEmpty, let spool = spools[part] else { return nil }
      return try labelled(part) { try OpenFile(spool.url, title: "the \(part.rawValue) part").forEachPiece($0) }
    }
    let train = try labelled(.train) { append in
      try decode(source, survey, plan, shape) { picture, part in
        if let spool = spools[part] { try spool.append(picture.pixels) } else { try picture.pixels.withUnsafeBytes(append) }
      }
    }
    guard let test = try spooled(.test) else { throw DatasetError(part: source.title, "the test part has no pictures") }
    return PackedParts(
      train: train, test: test, validation: try spooled(.validation), classNames: layout.classNames, notices: notices(survey, layout, plan))
  }

  /// `[height, width, channels]` of all pictures: grey where all are grey.
  private func shape(_ survey: PictureSurvey, _ layout: PictureLayout, _ title: String) throws -> Shape {
    let used = zip(survey.folders, layout.roles).filter { $0.1 != .leftOut }.map(\.0)
    let channels = used.contains { $0.hasColour } ? 3 : 1
    if let size = options.resize { return [size.height, size.width, channels] }
    guard let first = used.first?.first else { throw DatasetError(part: title, "there are no pictures in it") }
    let sizes = used.flatMap { [$0.first, $0.other] }.compactMap(\.self)
    if let other = sizes.first(where: { ($0.height, $0.width) != (first.height, first.width) }) {
      throw DatasetError(
        part: title,
        "the pictures have several sizes: \(first.path) is \(first.width) wide and \(first.height) high, \(other.path) \(other.width) wide and "
          + "\(other.height) high; say resize=HEIGHT,WIDTH to bring all to one size")
    }
    return [first.height, first.width, channels]
  }

  /// Passes each picture that is used to `take`, in the form of `shape`, as long as there was no fault. All faults are found.
  private func decode(
    _ source: any PictureSource, _ survey: PictureSurvey, _ plan: PicturePlan, _ shape: Shape,
    _ take: (Picture, PicturePart) throws -> Void
  ) throws {
    var faults = survey.faults
    var candidates = 0
    let resample = Resampling(height: shape[0], width: shape[1])
    func changed() -> DatasetError { DatasetError(part: source.title, "it was changed while it was read") }
    try source.forEachFile { file in
      try writer.check()
      guard let content = try Self.candidate(file) else { return }
      let place = candidates
      candidates += 1
      guard place < survey.folderOfCandidate.count else { throw changed() }
      guard let part = plan.part(of: place) else { return }
      do {
        let picture = resample(try Picture(content).with(channels: shape[2]))
        guard picture.pixels.count == shape.count else { throw changed() }
        if faults.count == 0 { try take(picture, part) }
      } catch let fault as PictureFault {
        faults.add(file.title, fault)
      }
    }
    try faults.require(none: source.title)
    guard candidates == survey.folderOfCandidate.count else { throw changed() }
  }

  /// The bytes of a picture; nil for a file that is none. One that cannot be read, which the survey has counted, has none.
  private static func candidate(_ file: any PictureFile) throws -> [UInt8]? {
    do {
      return try PictureSurvey.content(of: file)
    } catch is PictureFault {
      return []
    }
  }

  private func notices(_ survey: PictureSurvey, _ layout: PictureLayout, _ plan: PicturePlan) -> [DatasetNotice] {
    var notices = layout.notices
    if survey.hidden > 0 {
      notices.append(
        DatasetNotice(
          "files_skipped", "\(survey.hidden) hidden files of an operating system were skipped (.DS_Store, ._*, __MACOSX and such)."))
    }
    let outside = zip(survey.folders, layout.roles).filter { $0.1 == .leftOut }.reduce(0) { $0 + $1.0.count }
    if survey.others.count + outside > 0 {
      let examples =
        (survey.others.examples + zip(survey.folders, layout.roles).filter { $0.1 == .leftOut }.compactMap { $0.0.first?.path }).prefix(3)
      notices.append(
        DatasetNotice(
          "files_left_out",
          "\(survey.others.count + outside) files are no pictures or lie in no folder of a class, and were left out: \(examples.joined(separator: ", ")) …"
        ))
    }
    if layout.needsSplit {
      notices.append(
        DatasetNotice(
          "test_split",
          "There is no test part: \(plan.labels(.test).count) of the \(plan.count) pictures were taken for it, the same share of each class."
        ))
    }
    if survey.transparent > 0 {
      notices.append(
        DatasetNotice(
          "transparency_left_out", "\(survey.transparent) pictures have transparency, which was left out; their colours stand as they are.")
      )
    }
    return notices
  }
}

/// What becomes of each picture.
private struct PicturePlan {
  private var labels: [PicturePart: [Int]] = [:]
  /// For each candidate of the survey, in order; nil for what is in no part.
  private var parts: [PicturePart?] = []

  init(_ survey: PictureSurvey, _ layout: PictureLayout, title: String) throws {
    let roles = survey.folderOfCandidate.map { $0.map { layout.roles[Int($0)] } ?? .leftOut }
    parts = [PicturePart?](repeating: nil, count: roles.count)
    for (place, role) in roles.enumerated() {
      guard case .used(let part, let label) = role else { continue }
      labels[part, default: []].append(label)
      parts[place] = part
    }
    if layout.needsSplit { try split(layout.classNames.count, title) }
  }

  private mutating func split(_ classes: Int, _ title: String) throws {
    let all = labels(.train)
    let parted = stratifiedValidation(of: all, classes: classes, fraction: PictureReader.testFraction, seed: 0)
    guard !parted.validation.isEmpty else {
      throw DatasetError(part: title, "there is no test part, and \(all.count) pictures are too few to take one from")
    }
    let places = parts.indices.filter { parts[$0] == .train }
    for index in parted.validation { parts[places[index]] = .test }
    labels = [.test: parted.validation.map { all[$0] }, .train: parted.train.map { all[$0] }]
  }

  /// Pictures that are used.
  var count: Int { labels.values.reduce(0) { $0 + $1.count } }

  func labels(_ part: PicturePart) -> [Int] { labels[part] ?? [] }
  func part(of candidate: Int) -> PicturePart? { parts[candidate] }
}
