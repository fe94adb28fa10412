import Files

/// A batch of CIFAR as Python's pickle (protocol 2) holds it: a dictionary with `data`, an array of bytes `[n, 3072]`, and `labels` or
/// `fine_labels`.
///
/// A pickle is a program, which may call anything. This is no interpreter of it: only the instructions that build such a dictionary are known,
/// the three names that make an array of NumPy stand for nothing but themselves, and any other instruction or name ends the reading.
struct PickledBatch {
  let labels: [Int]
  /// Where the pixels stand in the file.
  let pixels: Range<Int>

  static func recognises(_ file: OpenFile) throws -> Bool {
    try withUnsafeTemporaryAllocation(byteCount: 2, alignment: 1) {
      try file.read(into: $0, at: 0) == 2 && $0[0] == 0x80 && (2...5).contains($0[1])
    }
  }

  /// - Throws: `DatasetError` for a pickle of anything else.
  init(_ file: OpenFile) throws {
    var machine = PickleReader(file)
    let entries = try machine.dictionary()
    guard case .list(let values) = entries["fine_labels"] ?? entries["labels"] else {
      throw machine.refusal("it has no list named labels or fine_labels")
    }
    labels = try values.map { value in
      guard case .integer(let label) = value, (0..<256).contains(label) else {
        throw machine.refusal("a label is no whole number from 0 to 255")
      }
      return label
    }
    // numpy.core.multiarray._reconstruct(…), to which (version, shape, dtype, is Fortran, bytes) is given.
    guard case .built(let state) = entries["data"], state.count == 5, case .tuple(let shape) = state[1], case .boolean(false) = state[3],
      case .bytes(let range) = state[4], shape == [.integer(labels.count), .integer(CIFARReader.pixels)],
      range.count == labels.count * CIFARReader.pixels, !labels.isEmpty
    else { throw machine.refusal("its data are no array of bytes [\(labels.count), \(CIFARReader.pixels)]") }
    pixels = range
  }
}

/// Reads the instructions of a pickle (Python's `pickletools` describes each) that a batch of CIFAR is made of.
private struct PickleReader {
  enum Value: Equatable {
    case none, mark, boolean(Bool), integer(Int)
    case text(String)
    /// A string too long to be a name: where it stands.
    case bytes(Range<Int>)
    case list([Value]), tuple([Value])
    case dictionary([String: Value])
    /// One of the names that NumPy's arrays need.
    case name(String)
    /// What a name would make, and what was given to it.
    case made, built([Value])
  }

  private let file: OpenFile
  private var offset = 0
  private var stack: [Value] = []
  private var notes: [Int: Value] = [:]

  private static let longestText = 1_000
  private static let mostValues = 1_000_000
  private static let names: Set<String> = [
    "numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct", "numpy ndarray", "numpy dtype",
  ]

  init(_ file: OpenFile) { self.file = file }

  func refusal(_ reason: String) -> DatasetError {
    DatasetError(
      part: file.title, offset: offset,
      "this pickle is no batch of CIFAR: \(reason). Pickles are never executed here; the binary version of CIFAR has the same images, and numpy.savez saves any array"
    )
  }

  /// The value that the whole pickle makes.
  mutating func dictionary() throws -> [String: Value] {
    while true {
      let code = try byte()
      if code == UInt8(ascii: ".") { break }
      try perform(code)
      guard stack.count <= Self.mostValues else { throw refusal("it has too many values") }
    }
    guard case .dictionary(let entries) = try pop(), stack.isEmpty else { throw refusal("it is no dictionary") }
    return entries
  }

  private mutating func perform(_ code: UInt8) throws {
    switch Character(Unicode.Scalar(code)) {
    case "\u{80}": _ = try byte()
    case "}": stack.append(.dictionary([:]))
    case "]": stack.append(.list([]))
    case ")": stack.append(.tuple([]))
    case "(": stack.append(.mark)
    case "N": stack.append(.none)
    case "\u{88}": stack.append(.boolean(true))
    case "\u{89}": stack.append(.boolean(false))
    case "K": stack.append(.integer(try integer(1)))
    case "M": stack.append(.integer(try integer(2)))
    case "J": stack.append(.integer(Int(Int32(truncatingIfNeeded: try integer(4)))))
    case "U", "C": stack.append(try string(integer(1)))
    case "T", "B", "X": stack.append(try string(integer(4)))
    case "q": notes[try integer(1)] = try top()
    case "r": notes[try integer(4)] = try top()
    case "h": stack.append(try noted(integer(1)))
    case "j": stack.append(try noted(integer(4)))
    case "\u{85}": try tuple(1)
    case "\u{86}": try tuple(2)
    case "\u{87}": try tuple(3)
    case "t": stack.append(.tuple(try popToMark()))
    case "c": stack.append(try name())
    case "a": try extend([pop()])
    case "e": try extend(popToMark())
    case "s":
      let value = try pop()
      try set([pop(), value])
    case "u": try set(popToMark())
    case "R": try make()
    case "b": try build()
    default: throw refusal("it has the instruction 0x\(SHA256Digest.hex([code])), which no such batch has")
    }
  }

  // MARK: Bytes

  private mutating func bytes(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard try bytes.withUnsafeMutableBytes({ try file.read(into: $0, at: offset) }) == count else { throw refusal("it ends too early") }
    offset += count
    return bytes
  }

  private mutating func byte() throws -> UInt8 { try bytes(1)[0] }

  private mutating func integer(_ count: Int) throws -> Int { try bytes(count).reversed().reduce(0) { $0 << 8 | Int($1) } }

  private mutating func string(_ count: Int) throws -> Value {
    guard count > Self.longestText else { return .text(String(decoding: try bytes(count), as: UTF8.self)) }
    guard count <= file.size - offset else { throw refusal("it ends too early") }
    defer { offset += count }
    return .bytes(offset..<offset + count)
  }

  private mutating func line() throws -> String {
    var line: [UInt8] = []
    while true {
      let next = try byte()
      if next == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      guard line.count < Self.longestText else { throw refusal("it has a name that is too long") }
      line.append(next)
    }
  }

  private mutating func name() throws -> Value {
    let name = "\(try line()) \(try line())"
    guard Self.names.contains(name) else { throw refusal("it names \(name.prefix(100))") }
    return .name(name)
  }

  // MARK: The stack

  private func top() throws -> Value {
    guard let last = stack.last else { throw refusal("its stack is empty") }
    return last
  }

  private mutating func pop() throws -> Value {
    guard let last = stack.popLast(), last != .mark else { throw refusal("its stack is empty") }
    return last
  }

  private mutating func popToMark() throws -> [Value] {
    guard let mark = stack.lastIndex(of: .mark) else { throw refusal("it has no mark") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[(mark + 1)...])
  }

  private func noted(_ number: Int) throws -> Value {
    guard let value = notes[number] else { throw refusal("it asks for a value that it has not kept") }
    return value
  }

  private mutating func tuple(_ count: Int) throws {
    guard stack.count >= count else { throw refusal("its stack is empty") }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    stack.append(.tuple(values))
  }

  private mutating func extend(_ values: [Value]) throws {
    guard case .list(let list) = try pop() else { throw refusal("it adds to what is no list") }
    stack.append(.list(list + values))
  }

  private mutating func set(_ pairs: [Value]) throws {
    guard case .dictionary(var entries) = try pop(), pairs.count % 2 == 0 else { throw refusal("it adds to what is no dictionary") }
    for place in stride(from: 0, to: pairs.count, by: 2) {
      guard case .text(let key) = pairs[place] else { throw refusal("it has a key that is no text") }
      entries[key] = pairs[place + 1]
    }
    stack.append(.dictionary(entries))
  }

  private mutating func make() throws {
    guard case .tuple = try pop(), case .name = try pop() else { throw refusal("it calls what is no part of an array") }
    stack.append(.made)
  }

  private mutating func build() throws {
    let state = try pop()
    guard case .tuple(let values) = state, case .made = try pop() else { throw refusal("it completes what is no part of an array") }
    stack.append(.built(values))
  }
}
