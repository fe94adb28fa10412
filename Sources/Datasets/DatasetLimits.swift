/// How large a data set may be, whatever its headers promise.
package struct DatasetLimits: Equatable, Sendable {
  /// The most bytes that all parts together may have after decompression.
  package var uncompressedBytes: Int
  /// The most classes: labels are below it.
  package let classes: Int

  /// A label is kept in 16 bits.
  static let mostClasses = 1 << 16

  package init(uncompressedBytes: Int = 8 << 30, classes: Int = 1000) {
    precondition((2...Self.mostClasses).contains(classes), "there can be 2 to \(Self.mostClasses) classes, not \(classes)")
    self.uncompressedBytes = uncompressedBytes
    self.classes = classes
  }
}

/// What is left of `DatasetLimits.uncompressedBytes` while the parts of a data set are read.
struct ByteBudget {
  let limits: DatasetLimits
  private(set) var spent = 0

  init(_ limits: DatasetLimits) { self.limits = limits }

  /// Takes the bytes of an array of `dimensions` before any of them is read.
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
