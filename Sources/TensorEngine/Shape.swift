/// The extent of each dimension of a tensor, outermost first.
///
/// An image is `[height, width, channels]` (channels last), a row of features `[features]`; with a batch in front,
/// `[batch, height, width, channels]`.
package struct Shape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
  package let dimensions: [Int]

  package init(_ dimensions: [Int]) { self.dimensions = dimensions }
  package init(arrayLiteral elements: Int...) { dimensions = elements }

  /// The number of elements; 1 for a scalar.
  package var count: Int { dimensions.reduce(1, *) }
  package var rank: Int { dimensions.count }
  package subscript(_ index: Int) -> Int { dimensions[index] }

  /// This shape for `batch` examples: `[batch] + dimensions`.
  package func batched(_ batch: Int) -> Shape { Shape([batch] + dimensions) }
  /// The shape of one example of a batch: everything after the first dimension.
  package var example: Shape { Shape(Array(dimensions.dropFirst())) }

  package var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
