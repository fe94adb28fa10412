/// Limits on the size of a data set. They apply whatever its headers say.
package struct DatasetLimits: Equatable, Sendable {
  /// The most bytes that all parts together may have after decompression.
  package var uncompressedBytes: Int
  /// The most classes. Labels are below this number.
  package let classes: Int

  /// A label is stored in 16 bits.
  static let mostClasses = 1 << 16

  package init(uncompressedBytes: Int = 8 << 30, classes: Int = 1000) {
    precondition((2...Self.mostClasses).contains(classes), "there can be 2 to \(Self.mostClasses) classes, not \(classes)")
    self.uncompressedBytes = uncompressedBytes
    self.classes = classes
  }
}

/// The rest of `DatasetLimits.uncompressedBytes` while the parts of a data set are read.
struct ByteBudget {
  let limits: DatasetLimits
  private(set) var spent = 0

  init(_ limits: DatasetLimits) { self.limits = limits }

  /// Subtracts the bytes of an array of `dimensions`, before any of them is read.
  ///
  /// - Returns: the number of elements.
  mutating func spend(_ dimensions: [Int], elementBytes: Int, part: String) throws -> Int {
    let shape = Self.describe(dimensions)
    for dimension in dimensions where dimension < 1 {
      throw DatasetError(part: part, "the header gives the dimensions \(shape); every dimension must be at least 1")
    }
    var bytes = elementBytes
    for dimension in dimensions {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
      guard !overflow else {
        throw DatasetError(part: part, "the header gives the dimensions \(shape), whose product overflows 64 bits")
      }
      bytes = product
    }
    guard bytes <= limits.uncompressedBytes - spent else {
      throw DatasetError(
        part: part,
        "the header gives the dimensions \(shape), \(bytes) bytes; with the \(spent) bytes of the parts before, that is over the limit of "
          + "\(limits.uncompressedBytes) bytes for a data set after decompression")
    }
    spent += bytes
    return bytes / elementBytes
  }

  static func describe(_ dimensions: [Int]) -> String { dimensions.map(String.init).joined(separator: " × ") }
}
