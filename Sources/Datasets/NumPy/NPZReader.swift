import Files
import TensorEngine

/// Reads NumPy's archives: a zip file (compressed or not) with an NPY file for each array, by the names in `NPZNames`. Other arrays are
/// ignored.
struct NPZReader {
  /// What elements must be, in words.
  static let pixelElements = "numbers of at most 64 bits: pixels"
  private static let labelElements = "numbers of at most 64 bits, or texts of at most \(NPYElement.longestText) characters: labels"

  private var budget: ByteBudget
  private let options: DatasetOptions
  private let writer: PackedWriter
  private var images = [String: ImageArray]()
  private var labels = [String: LabelValues]()
  private(set) var notices: [DatasetNotice] = []

  init(_ limits: DatasetLimits, _ options: DatasetOptions = DatasetOptions(), into writer: PackedWriter) {
    budget = ByteBudget(limits)
    self.options = options
    self.writer = writer
  }

  /// - Returns: both parts, with the names of the classes where the labels are names.
  mutating func read(_ file: OpenFile) throws -> PackedParts {
    let found = try NPZArray.names(in: file).filter { $0.hasSuffix(".npy") }.map { String($0.dropLast(4)) }
    let names = NPZNames.fitting(found)
    let archive = try ZipArchive(file)
    while let entry = try archive.nextEntry() {
      guard entry.hasSuffix(".npy"), case let name = String(entry.dropLast(4)), names.known.contains(name) else { continue }
      guard images[name] == nil, labels[name] == nil else {
        throw DatasetError(part: name, "the archive has this array twice")
      }
      try take(name, isImages: names.images.contains(name), ByteReader(ZipArchive.Entry(of: archive, title: name), part: name))
    }
    if let missing = names.all.first(where: { images[$0] == nil && labels[$0] == nil }) {
      let has = found.isEmpty ? "no array at all" : found.prefix(10).joined(separator: ", ")
      throw DatasetError(
        part: file.title,
        "the archive has no array \(missing); it must have \(names.all.joined(separator: ", ")), and has \(has)")
    }
    if let validation = names.validation, (images[validation.images] == nil) != (labels[validation.labels] == nil) {
      let (here, missing) =
        images[validation.images] == nil ? (validation.labels, validation.images) : (validation.images, validation.labels)
      throw DatasetError(part: file.title, "the archive has \(here) without \(missing); a validation part has both, or is left out")
    }
    return try parts(names)
  }

  /// The same of arrays in files of their own, in the order of the names.
  mutating func read(_ files: [OpenFile]) throws -> PackedParts {
    let names = NPZNames.sets[0]
    for (name, file) in zip(names.all, files) {
      let source: any ByteSource = try GzipSource.recognises(file) ? GzipSource(file) : FileSource(file)
      try take(name, isImages: names.images.contains(name), ByteReader(source, part: file.title))
    }
    return try parts(names)
  }

  private mutating func take(_ name: String, isImages: Bool, _ reader: ByteReader) throws {
    let header = try NPYHeader(reader)
    guard let element = NPYElement(header.descriptor) else {
      throw header.refusal(name, wanted: isImages ? Self.pixelElements : Self.labelElements)
    }
    _ = try budget.spend(header.dimensions, elementBytes: element.width, part: name)
    let body = NPYBody(header: header, element: element, reader: reader)
    if isImages {
      var images = try NPYImages(body, options)
      self.images[name] = try images.pack(into: writer)
      notices += images.notices
    } else {
      labels[name] = try LabelValues(body, classes: budget.limits.classes)
    }
    try reader.end(after: "the \(ByteBudget.describe(header.dimensions)) elements")
  }

  private func parts(_ names: NPZNames) throws -> PackedParts {
    guard let trainImages = images[names.trainImages], let testImages = images[names.testImages],
      let trainLabels = labels[names.trainLabels], let testLabels = labels[names.testLabels]
    else { throw DatasetError("an array is missing") }
    let classes = try LabelClasses(trainLabels, names.trainLabels, limit: budget.limits.classes)
    func part(_ images: ImageArray, _ labels: LabelValues, _ title: String) throws -> LabelledImages {
      try LabelledImages(images, writer.labels(classes.numbers(labels, title, beside: names.trainLabels), title: title))
    }
    let validation = try names.validation.flatMap { names in
      try images[names.images].flatMap { images in try labels[names.labels].map { try part(images, $0, names.labels) } }
    }
    return PackedParts(
      train: try part(trainImages, trainLabels, names.trainLabels), test: try part(testImages, testLabels, names.testLabels),
      validation: validation, classNames: classes.names, notices: notices)
  }
}
