import Files
import TensorEngine

/// The name and shape of a tensor in a weight file.
package struct TensorOutline: Hashable, Sendable {
  package let name: String
  package let shape: Shape

  package init(name: String, shape: Shape) {
    self.name = name
    self.shape = shape
  }
}

extension [TensorOutline] {
  /// Checks that the tensors fit a network's layout.
  ///
  /// If the names do not fit, a prefix of PyTorch's wrappers that all of them share (`module.`, `model.`) is removed.
  ///
  /// - Parameter fault: a further check. It returns what is wrong with the tensor at an index, as a clause.
  /// - Returns: for each parameter of the layout, the index of its tensor.
  /// - Throws: every name that is missing, unexpected or has another shape, and every result of `fault`.
  @discardableResult
  package func requireFit(_ layout: ParameterLayout, fault: (Int) -> String? = { _ in nil }) throws(WeightsError) -> [Int] {
    let wanted = Set(layout.parameters.map(\.name))
    let names = unwrapped(map(\.name), for: wanted)
    // PyTorch's batch norm counts its batches in this tensor. It is not used here.
    let places = Dictionary(zip(names, indices).filter { !$0.0.hasSuffix(".num_batches_tracked") }) { first, _ in first }
    var faults: [String] = []
    var found: [Int] = []
    for parameter in layout.parameters {
      guard let place = places[parameter.name] else {
        faults.append("\(parameter.name) \(parameter.shape) is missing")
        continue
      }
      if self[place].shape != parameter.shape {
        faults.append("\(parameter.name) is \(self[place].shape), the network needs \(parameter.shape)")
      } else if let detail = fault(place) {
        faults.append("\(parameter.name) \(detail)")
      }
      found.append(place)
    }
    for name in places.keys.sorted() where !wanted.contains(name) { faults.append("\(name) is not part of the network") }
    guard faults.isEmpty else { throw WeightsError(faults: faults) }
    return found
  }

  /// The names without the wrapper's prefix, unless some fit as they are.
  private func unwrapped(_ names: [String], for wanted: Set<String>) -> [String] {
    var names = names
    while !names.contains(where: wanted.contains),
      let prefix = ["module.", "model."].first(where: { prefix in names.allSatisfy { $0.hasPrefix(prefix) } }), !names.isEmpty
    {
      names = names.map { String($0.dropFirst(prefix.count)) }
    }
    return names
  }
}

extension Safetensors {
  /// The tensors of a file, read from its header alone.
  ///
  /// - Throws: `SafetensorsError` as `init(_:)`; `StorageError` when the file cannot be read.
  package static func outline(of file: OpenFile) throws -> [TensorOutline] {
    let (header, length) = try header(of: file)
    try header.checkRanges(of: file.size - 8 - length)
    return header.tensors.map { TensorOutline(name: $0.name, shape: $0.shape) }
  }

  /// The `__metadata__` of a file's header. Throws as `outline(of:)`.
  package static func metadata(of file: OpenFile) throws -> [String: String] { try header(of: file).header.metadata }

  private static func header(of file: OpenFile) throws -> (header: SafetensorsHeader, length: Int) {
    let length = try headerLength(bytes(of: file, at: 0, count: 8), fileBytes: file.size)
    return (try SafetensorsHeader(bytes(of: file, at: 8, count: length)), length)
  }

  private static func bytes(of file: OpenFile, at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
    }
  }

  /// The length of the header, from the file's first 8 bytes.
  static func headerLength(_ prefix: [UInt8], fileBytes: Int) throws(SafetensorsError) -> Int {
    guard prefix.count == 8 else { throw SafetensorsError("the file ends within its first 8 bytes, the length of the header") }
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= longestHeader else {
      throw SafetensorsError("a header of \(length) bytes is more than \(longestHeader): this is not a safetensors file")
    }
    guard Int(length) <= fileBytes - 8 else {
      throw SafetensorsError("the header should have \(length) bytes, but only \(fileBytes - 8) follow: the file is truncated")
    }
    return Int(length)
  }
}
