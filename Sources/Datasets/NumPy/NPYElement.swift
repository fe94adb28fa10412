/// How an array in NumPy's format stores its elements: what its descriptor says, such as `<f4` (the array interface's type string).
struct NPYElement: Equatable {
  enum Kind: Equatable {
    case bool, signed, unsigned, float
    /// Text of a fixed length: UTF-32, and bytes.
    case utf32, bytes
  }

  let kind: Kind
  /// Bytes of an element.
  let width: Int
  let isBigEndian: Bool

  /// The longest text, in characters.
  static let longestText = 1_000

  /// - Returns: nil for a type that is neither a number nor a text of a fixed length.
  init?(_ descriptor: String) {
    guard let order = descriptor.first, "<>|".contains(order), let type = descriptor.dropFirst().first,
      let size = Int(descriptor.dropFirst(2)), let kind = Self.kinds[type]
    else { return nil }
    let sizes: [Int] =
      switch kind {
      case .bool: [1]
      case .signed, .unsigned: [1, 2, 4, 8]
      case .float: [2, 4, 8]
      case .utf32, .bytes: Array(1...Self.longestText)
      }
    guard sizes.contains(size) else { return nil }
    self.kind = kind
    width = kind == .utf32 ? 4 * size : size
    isBigEndian = order == ">"
  }

  private static let kinds: [Character: Kind] = ["b": .bool, "i": .signed, "u": .unsigned, "f": .float, "U": .utf32, "S": .bytes]

  var isNumber: Bool { kind != .utf32 && kind != .bytes }

  /// The numbers of a piece that holds whole elements; exact but for whole numbers beyond 2⁵³.
  func numbers(_ piece: UnsafeRawBufferPointer) -> [Double] {
    switch (kind, width) {
    case (.bool, _): piece.map { $0 == 0 ? 0 : 1 }
    case (.unsigned, 1): piece.map(Double.init)
    case (.unsigned, 2): map(piece, UInt16.self) { Double($0) }
    case (.unsigned, 4): map(piece, UInt32.self) { Double($0) }
    case (.unsigned, _): map(piece, UInt64.self) { Double($0) }
    case (.signed, 1): map(piece, UInt8.self) { Double(Int8(bitPattern: $0)) }
    case (.signed, 2): map(piece, UInt16.self) { Double(Int16(bitPattern: $0)) }
    case (.signed, 4): map(piece, UInt32.self) { Double(Int32(bitPattern: $0)) }
    case (.signed, _): map(piece, UInt64.self) { Double(Int64(bitPattern: $0)) }
    case (.float, 2): map(piece, UInt16.self) { Double(Float16(bitPattern: $0)) }
    case (.float, 4): map(piece, UInt32.self) { Double(Float(bitPattern: $0)) }
    case (.float, _): map(piece, UInt64.self) { Double(bitPattern: $0) }
    case (.utf32, _), (.bytes, _): []
    }
  }

  /// The texts of a piece that holds whole elements, without the zeros that fill them up.
  func texts(_ piece: UnsafeRawBufferPointer) -> [String] {
    stride(from: 0, to: piece.count, by: width).map { start in
      let element = UnsafeRawBufferPointer(rebasing: piece[start..<start + width])
      guard kind == .utf32 else { return String(decoding: element.prefix { $0 != 0 }, as: UTF8.self) }
      let scalars = map(element, UInt32.self) { $0 }.prefix { $0 != 0 }
      return String(String.UnicodeScalarView(scalars.map { Unicode.Scalar($0) ?? "\u{FFFD}" }))
    }
  }

  private func map<Bits: FixedWidthInteger & BitwiseCopyable, Value>(
    _ piece: UnsafeRawBufferPointer, _: Bits.Type, _ convert: (Bits) -> Value
  ) -> [Value] {
    stride(from: 0, to: piece.count, by: MemoryLayout<Bits>.size).map { place in
      let bits = piece.loadUnaligned(fromByteOffset: place, as: Bits.self)
      return convert(isBigEndian ? Bits(bigEndian: bits) : Bits(littleEndian: bits))
    }
  }
}
