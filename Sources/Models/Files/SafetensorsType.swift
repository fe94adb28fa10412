import Foundation

/// The number types that can be read.
enum SafetensorsType: String, CaseIterable {
  case f16 = "F16"
  case bf16 = "BF16"
  case f32 = "F32"
  case f64 = "F64"
  /// Counters, such as `num_batches_tracked` of PyTorch's batch norm.
  case i64 = "I64"

  var bytes: Int {
    switch self {
    case .f16, .bf16: 2
    case .f32: 4
    case .f64, .i64: 8
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
