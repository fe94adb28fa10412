/// What whoever brings a data set may say of it.
package struct DatasetOptions: Hashable, Sendable {
  /// Where the channels of an image lie.
  package enum Layout: String, CaseIterable, Hashable, Sendable {
    /// `[n, height, width, channels]`.
    case nhwc
    /// `[n, channels, height, width]`, as PyTorch has it.
    case nchw
  }

  /// The size to which pictures are brought.
  package struct Size: Hashable, Sendable {
    package let height, width: Int

    /// The longest side.
    package static let longest = 4_096

    /// What a schema says of the text.
    package static let pattern: String = {
      let side = "([1-9][0-9]{0,2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-6])"
      return "^\(side),\(side)$"
    }()

    package init(height: Int, width: Int) {
      precondition((1...Self.longest).contains(height) && (1...Self.longest).contains(width), "\(height) × \(width) is no size of pictures")
      (self.height, self.width) = (height, width)
    }

    /// From `HEIGHT,WIDTH`; nil for anything else.
    package init?(_ text: String) {
      let sides = text.split(separator: ",", omittingEmptySubsequences: false).map { side in
        Int(side).flatMap { (1...Self.longest).contains($0) && String($0) == side ? $0 : nil }
      }
      guard sides.count == 2, let height = sides[0], let width = sides[1] else { return nil }
      self.init(height: height, width: width)
    }
  }

  /// The value of white in arrays of floats; nil: 1.
  package var scale: Double?
  /// Of arrays; nil: by the dimensions.
  package var layout: Layout?
  /// Of pictures; nil: they keep their size, which must be one.
  package var resize: Size?

  package init(scale: Double? = nil, layout: Layout? = nil, resize: Size? = nil) {
    self.scale = scale
    self.layout = layout
    self.resize = resize
  }
}
