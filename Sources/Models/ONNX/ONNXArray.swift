import Foundation
import ONNXSchema
import TensorEngine

/// A constant of an ONNX graph. Floating point of every width is single precision here; whole numbers and truth values are `Int`.
struct ONNXArray {
  enum Elements {
    case floats([Float])
    case integers([Int])
  }

  var dims: [Int]
  var elements: Elements
  /// The initializer that it is, or that it was made of by moving its elements alone.
  var origin: String?

  init(_ dims: [Int], _ elements: Elements, origin: String? = nil) {
    self.dims = dims
    self.elements = elements
    self.origin = origin
  }

  init(_ integers: [Int]) { self.init([integers.count], .integers(integers)) }

  /// The most elements of a constant that is computed ahead of smaller ones: what exporters leave of shapes and masks is smaller by far, and a
  /// file of some kilobytes must not take more memory than a network does.
  static let most = 1 << 22
  /// The most elements of a tensor of a file.
  static let mostStored = 1 << 28

  var count: Int {
    switch elements {
    case .floats(let values): values.count
    case .integers(let values): values.count
    }
  }

  var floats: [Float] {
    switch elements {
    case .floats(let values): values
    case .integers(let values): values.map(Float.init)
    }
  }

  /// - Throws: for fractions.
  func integers() throws(ONNXFault) -> [Int] {
    switch elements {
    case .integers(let values): return values
    case .floats(let values):
      let whole = values.compactMap { Int(exactly: $0) }
      guard whole.count == values.count else { throw ONNXFault("needs whole numbers, not \(values.prefix(3))") }
      return whole
    }
  }

  /// The only element.
  func scalar() throws(ONNXFault) -> Float {
    guard count == 1 else { throw ONNXFault("needs a single number, not \(count)") }
    return floats[0]
  }

  /// The elements at these places, as an array of another shape.
  func gathered(_ dims: [Int], _ places: [Int]) -> ONNXArray {
    switch elements {
    case .floats(let values): ONNXArray(dims, .floats(places.map { values[$0] }), origin: origin)
    case .integers(let values): ONNXArray(dims, .integers(places.map { values[$0] }), origin: origin)
    }
  }

  /// The same elements under another shape.
  func reshaped(_ dims: [Int]) -> ONNXArray { ONNXArray(dims, elements, origin: origin) }

  func permuted(_ order: [Int]) -> ONNXArray {
    let target = order.map { dims[$0] }
    let strides = Self.strides(dims)
    return gathered(target, Self.places(target, order.map { strides[$0] }))
  }

  /// Row-major.
  static func strides(_ dims: [Int]) -> [Int] {
    var (strides, next) = ([Int](repeating: 0, count: dims.count), 1)
    for index in dims.indices.reversed() {
      strides[index] = next
      next *= dims[index]
    }
    return strides
  }

  /// The places of the elements of an array with these strides, in order, from `offset` on.
  static func places(_ dims: [Int], _ strides: [Int], offset: Int = 0) -> [Int] {
    var places = [offset]
    for (extent, stride) in zip(dims, strides) { places = places.flatMap { place in (0..<extent).map { place + $0 * stride } } }
    return places
  }

  /// - Throws: where the product is negative or does not fit.
  static func count(_ dims: [Int], atMost most: Int = ONNXArray.most) throws(ONNXFault) -> Int {
    var product = 1
    for extent in dims {
      guard extent >= 0 else { throw ONNXFault("has a dimension of \(extent)") }
      // An empty dimension does not make the others smaller: parts of the product are computed elsewhere.
      let (next, isTooLarge) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard !isTooLarge, next <= most else { throw ONNXFault("has a shape of \(dims), more than \(most) values") }
      product = next
    }
    return dims.contains(0) ? 0 : product
  }
}

extension ONNXArray {
  /// A tensor of the file.
  ///
  /// - Throws: for types that are no numbers, for values in other files, and where there are more or fewer values than its shape says.
  init(_ tensor: Onnx_TensorProto) throws(ONNXFault) {
    guard tensor.dataLocation != .external, tensor.externalData.isEmpty else {
      throw ONNXFault("keeps its values in another file: save the model as one file (external_data=False, save_as_external_data=False)")
    }
    guard !tensor.hasSegment else { throw ONNXFault("is stored in segments, which are not read") }
    let dims = tensor.dims.map(Int.init)
    let count = try Self.count(dims, atMost: Self.mostStored)
    let elements = try Self.elements(tensor, count)
    let found = ONNXArray(dims, elements).count
    guard found == count else { throw ONNXFault("has a shape of \(dims), \(count) values, and holds \(found)") }
    self.init(dims, elements, origin: tensor.hasName ? tensor.name : nil)
  }

  private static func elements(_ tensor: Onnx_TensorProto, _ count: Int) throws(ONNXFault) -> Elements {
    let raw = tensor.rawData
    func read<Bits: FixedWidthInteger & BitwiseCopyable, Value>(_: Bits.Type, _ convert: (Bits) -> Value) throws(ONNXFault) -> [Value] {
      let size = MemoryLayout<Bits>.size
      guard raw.count == count * size else { throw ONNXFault("should have \(count * size) bytes of values, and has \(raw.count)") }
      return raw.withUnsafeBytes { bytes in
        (0..<count).map { convert(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self))) }
      }
    }
    let type = Onnx_TensorProto.DataType(rawValue: Int(tensor.dataType)) ?? .undefined
    let isRaw = tensor.hasRawData
    switch type {
    case .float: return .floats(isRaw ? try read(UInt32.self) { Float(bitPattern: $0) } : tensor.floatData)
    case .double: return .floats(isRaw ? try read(UInt64.self) { Float(Double(bitPattern: $0)) } : tensor.doubleData.map(Float.init))
    case .float16:
      let bits = isRaw ? try read(UInt16.self) { $0 } : tensor.int32Data.map { UInt16(truncatingIfNeeded: $0) }
      return .floats(bits.map { Float(Float16(bitPattern: $0)) })
    case .bfloat16:
      let bits = isRaw ? try read(UInt16.self) { $0 } : tensor.int32Data.map { UInt16(truncatingIfNeeded: $0) }
      return .floats(bits.map { Float(bitPattern: UInt32($0) << 16) })
    case .int64: return .integers(isRaw ? try read(UInt64.self) { Int(Int64(bitPattern: $0)) } : tensor.int64Data.map(Int.init))
    case .int32: return .integers(isRaw ? try read(UInt32.self) { Int(Int32(bitPattern: $0)) } : tensor.int32Data.map(Int.init))
    case .int16: return .integers(isRaw ? try read(UInt16.self) { Int(Int16(bitPattern: $0)) } : tensor.int32Data.map(Int.init))
    case .int8: return .integers(isRaw ? try read(UInt8.self) { Int(Int8(bitPattern: $0)) } : tensor.int32Data.map(Int.init))
    case .uint8, .bool: return .integers(isRaw ? try read(UInt8.self) { Int($0) } : tensor.int32Data.map(Int.init))
    case .uint16: return .integers(isRaw ? try read(UInt16.self) { Int($0) } : tensor.int32Data.map(Int.init))
    case .string: throw ONNXFault("holds strings, not numbers")
    default: throw ONNXFault("holds numbers of type \(type), which are not read: export in float32")
    }
  }
}
