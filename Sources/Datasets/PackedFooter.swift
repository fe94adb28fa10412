import Foundation
import JSON

/// The position of an array in a packed file.
struct PackedArray: Codable, Equatable, Sendable {
  enum Kind: String, Codable, Sendable {
    case uint8, uint16, float32

    /// The bytes of an element.
    var bytes: Int {
      switch self {
      case .uint8: 1
      case .uint16: 2
      case .float32: 4
      }
    }
  }

  let kind: Kind
  /// In bytes from the beginning of the file.
  let offset: Int
  /// In elements.
  let count: Int

  /// Whether the array is aligned and ends within the first `bytes` bytes.
  func fits(_ bytes: Int) -> Bool {
    let (size, overflow) = count.multipliedReportingOverflow(by: kind.bytes)
    return count > 0 && !overflow && size <= bytes && offset >= 0 && offset <= bytes - size && offset % PackedDataset.alignment == 0
  }
}

/// The footer of a packed file.
struct PackedFooter: Codable, Equatable, Sendable {
  struct Part: Codable, Equatable, Sendable {
    let images: PackedArray
    let labels: PackedArray
  }

  let train: Part
  /// nil where the training part has none of its own, as in data sets of versions that knew of none.
  let validation: Part?
  let test: Part
  let summary: DatasetSummary

  /// The most bytes of a footer. A data set with 65,536 classes needs a fiftieth of it.
  private static let longest = 64 << 20
  /// The length of the footer and the version, 32 bits each, and the magic.
  static let trailerBytes = 16
  private static let magic = Array("TEMPERDS".utf8)
  private static let version: UInt32 = 1

  init(train: Part, validation: Part? = nil, test: Part, summary: DatasetSummary) {
    self.train = train
    self.validation = validation
    self.test = test
    self.summary = summary
  }

  /// The footer and the 16 bytes behind it.
  func encoded() throws -> [UInt8] {
    let text = Array(try JSONValue(encoding: self).serialised().utf8)
    return text + Self.bytes(UInt32(text.count)) + Self.bytes(Self.version) + Self.magic
  }

  /// The length of the footer, from the last bytes of a file.
  ///
  /// - Throws: `PackedFault`.
  static func length(trailer: [UInt8]) throws(PackedFault) -> Int {
    guard trailer.suffix(magic.count).elementsEqual(magic) else {
      throw PackedFault("it does not end as a packed data set does; it was cut off or is another file")
    }
    let found = integer(trailer[4..<8])
    guard found == version else { throw PackedFault("it is of version \(found) of the packed format; version \(version) is read") }
    guard integer(trailer[0..<4]) <= longest else { throw PackedFault("its footer is said to have more than \(longest) bytes") }
    return Int(integer(trailer[0..<4]))
  }

  /// - Parameters:
  ///   - text: the footer alone.
  ///   - bytes: the number of bytes before it.
  /// - Throws: `PackedFault`.
  init(_ text: [UInt8], after bytes: Int) throws(PackedFault) {
    do {
      self = try JSONValue(parsing: text).decoded(as: PackedFooter.self)
    } catch {
      throw PackedFault("its footer cannot be read")
    }
    guard summary.classNames.count == summary.classes, (2...DatasetLimits.mostClasses).contains(summary.classes) else {
      throw PackedFault("its footer gives \(summary.classNames.count) names for \(summary.classes) classes")
    }
    let imageSize = try self.imageSize()
    try train.check(summary.train, classes: summary.classes, imageSize: imageSize, within: bytes)
    guard (validation == nil) == (summary.validation == nil) else { throw PackedFault("its footer counts a validation part that it lacks") }
    if let validation, let facts = summary.validation {
      try validation.check(facts, classes: summary.classes, imageSize: imageSize, within: bytes)
    }
    try test.check(summary.test, classes: summary.classes, imageSize: imageSize, within: bytes)
  }

  private func imageSize() throws(PackedFault) -> Int {
    guard [1, 3].contains(summary.shape.count), summary.shape.allSatisfy({ $0 > 0 }), let size = product(summary.shape) else {
      throw PackedFault("its footer gives images of the shape \(summary.shape)")
    }
    return size
  }

  private static func bytes(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  private static func integer(_ bytes: some Collection<UInt8>) -> UInt32 { bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } }
}

extension PackedFooter.Part {
  fileprivate func check(_ summary: DatasetSummary.Part, classes: Int, imageSize: Int, within bytes: Int) throws(PackedFault) {
    guard images.kind != .uint16, labels.kind == .uint16, images.fits(bytes), labels.fits(bytes) else {
      throw PackedFault("its footer names an array that is not in it")
    }
    guard summary.perClass.count == classes, labels.count == summary.count, images.count == product([summary.count, imageSize]) else {
      throw PackedFault("its footer gives \(images.count) pixels and \(labels.count) labels for \(summary.count) images")
    }
  }
}

/// nil when the product overflows.
private func product(_ factors: [Int]) -> Int? {
  factors.reduce(1) { product, factor in
    guard let (value, overflow) = product?.multipliedReportingOverflow(by: factor), !overflow else { return nil }
    return value
  }
}

/// Why a file is not a packed data set, as a phrase about `it`.
struct PackedFault: Error {
  let phrase: String

  init(_ phrase: String) { self.phrase = phrase }
}
