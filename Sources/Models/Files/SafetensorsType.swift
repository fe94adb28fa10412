import Foundation

/// The number types that can be read.
enum SafetensorsType: String, CaseIterable {
  case f16 = "F16"
  case bf16 = "BF16"
  case f32 = "F32"
  case f64 = "F64"
  /// Counters, such as `num_batches_tracked` of PyTorch's batch norm.
  case i64 = "I64"

  // What stands beside weights: masks, indices, quantised copies. No network here can take them.
  case bool = "BOOL"
  case u8 = "U8"
  case i8 = "I8"
  case u16 = "U16"
  case i16 = "I16"
  case u32 = "U32"
  case i32 = "I32"
  case u64 = "U64"
  case f8e4m3 = "F8_E4M3"
  case f8e5m2 = "F8_E5M2"

  var bytes: Int {
    switch self {
    case .bool, .u8, .i8, .f8e4m3, .f8e5m2: 1
    case .f16, .bf16, .u16, .i16: 2
    case .f32, .u32, .i32: 4
    case .f64, .i64, .u64: 8
    }
  }

  /// Whether a network's weights may be of it.
  var isOfWeights: Bool {
    switch self {
    case .f16, .bf16, .f32, .f64, .i64: true
    default: false
    }
  }

  /// The values in single precision.
  ///
  /// - Parameter data: little-endian, a multiple of `bytes` long; it need not be aligned.
  func floats(_ data: Data) -> [Float] {
    data.withUnsafeBytes { raw in
      switch self {
      case .f16: Self.map(raw) { Float(Float16(bitPattern: UInt16(littleEndian: $0))) }
      case .bf16: Self.map(raw) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
      case .f32: Self.map(raw) { Float(bitPattern: UInt32(littleEndian: $0)) }
      case .i64: Self.map(raw) { Float(Int64(bitPattern: UInt64(littleEndian: $0))) }
      case .f64: Self.map(raw) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
      // A network that needs one of these finds no number in it.
      default: [Float](repeating: .nan, count: raw.count / bytes)
      }
    }
  }

  private static func map<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ raw: UnsafeRawBufferPointer, _ convert: (Bits) -> Float
  ) -> [Float] {
    let size = MemoryLayout<Bits>.size
    return [Float](unsafeUninitializedCapacity: raw.count / size) { floats, count in
      count = raw.count / size
      for index in 0..<count {
        floats.initializeElement(at: index, to: convert(raw.loadUnaligned(fromByteOffset: index * size, as: Bits.self)))
      }
    }
  }
}
