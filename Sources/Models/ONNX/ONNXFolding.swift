import Foundation

/// A row of the table of operators that are computed ahead, on constants alone: the arithmetic of shapes, and what exporters leave of weights.
struct ONNXFolding: Sendable {
  /// One node with its inputs.
  struct Work {
    let node: ONNXNode
    /// `nil` where one is left out.
    let inputs: [ONNXArray?]
    let opset: Int
    /// What stands for the number of images.
    let batch: Int
    /// Whether the input is the shape of a value that depends on the image, in the place of the value.
    let isShape: Bool

    func input(_ index: Int) throws(ONNXFault) -> ONNXArray {
      guard inputs.indices.contains(index), let input = inputs[index] else { throw ONNXFault("lacks its input \(index)") }
      return input
    }

    func optional(_ index: Int) -> ONNXArray? { inputs.indices.contains(index) ? inputs[index] : nil }

    /// Whole numbers that are an attribute in earlier opsets and an input in later ones.
    func integers(_ attribute: String, input: Int) throws(ONNXFault) -> [Int]? {
      if let given = node.integers(attribute) { return given }
      return try optional(input)?.integers()
    }

    /// A dimension of the first input.
    func axis(_ axis: Int, of rank: Int) throws(ONNXFault) -> Int {
      let place = axis < 0 ? axis + rank : axis
      guard (0..<max(rank, 1)).contains(place) else { throw ONNXFault("has an axis of \(axis) for \(rank) dimensions") }
      return place
    }
  }

  let name: String
  let fold: @Sendable (Work) throws -> [ONNXArray]

  private init(_ name: String, _ fold: @escaping @Sendable (Work) throws -> [ONNXArray]) {
    self.name = name
    self.fold = fold
  }

  static func named(_ name: String) -> ONNXFolding? { byName[name] }
  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private static let all: [ONNXFolding] = [
    ONNXFolding("Constant") { work in
      let node = work.node
      if var tensor = try node.tensor("value") {
        tensor.origin = nil
        return [tensor]
      }
      if node.has("value_float") { return [ONNXArray([], .floats([node.number("value_float", 0)]))] }
      if node.has("value_int") { return [ONNXArray([], .integers([node.integer("value_int")]))] }
      if let numbers = node.numbers("value_floats"), node.has("value_floats") { return [ONNXArray([numbers.count], .floats(numbers))] }
      if let numbers = node.integers("value_ints"), node.has("value_ints") { return [ONNXArray(numbers)] }
      throw ONNXFault("holds no numbers")
    },
    ONNXFolding("Identity") { work in
      var array = try work.input(0)
      // An exporter that stores equal weights once gives each its name by an identity.
      array.origin = work.node.outputs.first ?? array.origin
      return [array]
    },
    ONNXFolding("Dropout") { work in [try work.input(0)] },
    ONNXFolding("Shape") { work in
      let shape = work.isShape ? try work.input(0).integers() : try work.input(0).dims
      let range = try ONNXRange(work.node.integer("start"), work.node.integer("end", .max), 1, of: shape.count)
      return [ONNXArray(Array(shape[range.start..<range.start + range.count]))]
    },
    ONNXFolding("Size") { work in
      let shape = work.isShape ? try work.input(0).integers() : try work.input(0).dims
      return [ONNXArray([], .integers([try ONNXArray.count(shape, atMost: .max)]))]
    },
    ONNXFolding("ConstantOfShape") { work in
      // What there is once for each image is there once here.
      let dims = try work.input(0).integers().enumerated().map { $0.offset == 0 && $0.element == work.batch ? 1 : $0.element }
      let count = try ONNXArray.count(dims)
      guard let value = try work.node.tensor("value") else { return [ONNXArray(dims, .floats([Float](repeating: 0, count: count)))] }
      guard value.count == 1 else { throw ONNXFault("has a value of \(value.dims)") }
      return [value.gathered(dims, [Int](repeating: 0, count: count))]
    },
    ONNXFolding("Cast") { work in
      let array = try work.input(0)
      switch work.node.integer("to") {
      case 1, 10, 11, 16: return [ONNXArray(array.dims, .floats(array.floats), origin: array.origin)]
      case 9: return [ONNXArray(array.dims, .integers(array.floats.map { $0 == 0 ? 0 : 1 }))]
      case 2...7, 12, 13:
        let whole = array.floats.map { Int(exactly: $0.rounded(.towardZero)) ?? 0 }
        if case .integers = array.elements { return [array] }
        return [ONNXArray(array.dims, .integers(whole))]
      default: throw ONNXFault("makes numbers of type \(work.node.integer("to"))")
      }
    },
    ONNXFolding("Reshape") { work in
      let array = try work.input(0)
      var shape = try work.input(1).integers().enumerated().map { index, extent in
        extent == 0 && work.node.integer("allowzero") == 0 && index < array.dims.count ? array.dims[index] : extent
      }
      if let open = shape.firstIndex(of: -1) {
        shape[open] = 1
        let rest = try ONNXArray.count(shape, atMost: max(ONNXArray.most, array.count))
        guard rest > 0 else { throw ONNXFault("gives \(array.dims) the shape \(shape)") }
        shape[open] = array.count / rest
      }
      guard try ONNXArray.count(shape, atMost: max(ONNXArray.most, array.count)) == array.count else {
        throw ONNXFault("gives \(array.dims) the shape \(shape)")
      }
      return [array.reshaped(shape)]
    },
    ONNXFolding("Flatten") { work in
      let array = try work.input(0)
      let axis = work.node.integer("axis", 1)
      let place = axis < 0 ? axis + array.dims.count : axis
      guard (0...array.dims.count).contains(place) else { throw ONNXFault("has an axis of \(axis)") }
      return [array.reshaped([array.dims[..<place].reduce(1, *), array.dims[place...].reduce(1, *)])]
    },
    ONNXFolding("Transpose") { work in
      let array = try work.input(0)
      let order = work.node.integers("perm") ?? array.dims.indices.reversed()
      guard order.sorted() == Array(array.dims.indices) else { throw ONNXFault("turns \(array.dims) by \(order)") }
      return [array.permuted(order)]
    },
    ONNXFolding("Squeeze") { work in
      let array = try work.input(0)
      let axes = try work.integers("axes", input: 1) ?? array.dims.indices.filter { array.dims[$0] == 1 }
      let places = try Set(axes.map { axis throws(ONNXFault) in try work.axis(axis, of: array.dims.count) })
      guard places.allSatisfy({ array.dims.indices.contains($0) && array.dims[$0] == 1 }) else {
        throw ONNXFault("leaves out dimensions of \(array.dims)")
      }
      return [array.reshaped(array.dims.indices.filter { !places.contains($0) }.map { array.dims[$0] })]
    },
    ONNXFolding("Unsqueeze") { work in
      let array = try work.input(0)
      let axes = try work.integers("axes", input: 1) ?? []
      let rank = array.dims.count + axes.count
      let places = try Set(axes.map { axis throws(ONNXFault) in try work.axis(axis, of: rank) })
      guard places.count == axes.count else { throw ONNXFault("has axes \(axes)") }
      var rest = array.dims.makeIterator()
      return [array.reshaped((0..<rank).map { places.contains($0) ? 1 : rest.next() ?? 1 })]
    },
    ONNXFolding("Concat") { work in
      let arrays = try work.inputs.indices.map { index throws(ONNXFault) in try work.input(index) }
      guard let first = arrays.first else { throw ONNXFault("has no inputs") }
      let axis = try work.axis(work.node.integer("axis"), of: first.dims.count)
      var dims = first.dims
      guard dims.indices.contains(axis), arrays.allSatisfy({ $0.dims.count == dims.count }) else {
        throw ONNXFault("puts scalars together")
      }
      dims[axis] = arrays.reduce(0) { $0 + $1.dims[axis] }
      let rows = dims[..<axis].reduce(1, *)
      let together = arrays.reduce(0) { $0 + $1.count }
      guard try ONNXArray.count(dims, atMost: max(ONNXArray.most, together)) == together, rows > 0 else {
        throw ONNXFault("puts arrays of different shapes together")
      }
      func joined<Value>(_ parts: [[Value]]) -> [Value] {
        (0..<rows).flatMap { row in parts.flatMap { part in part[row * (part.count / rows)..<(row + 1) * (part.count / rows)] } }
      }
      let isWhole = arrays.allSatisfy { if case .integers = $0.elements { true } else { false } }
      if isWhole { return [ONNXArray(dims, .integers(joined(try arrays.map { array throws(ONNXFault) in try array.integers() })))] }
      return [ONNXArray(dims, .floats(joined(arrays.map(\.floats))))]
    },
    ONNXFolding("Split") { work in
      let array = try work.input(0)
      let axis = try work.axis(work.node.integer("axis"), of: array.dims.count)
      guard array.dims.indices.contains(axis) else { throw ONNXFault("cuts a scalar") }
      let parts = max(work.node.outputs.count, 1)
      let each = (array.dims[axis] + parts - 1) / parts
      let sizes = try work.integers("split", input: 1) ?? (0..<parts).map { min(each, array.dims[axis] - $0 * each) }
      guard sizes.count == parts, sizes.allSatisfy({ (0...array.dims[axis]).contains($0) }), sizes.reduce(0, +) == array.dims[axis] else {
        throw ONNXFault("cuts \(array.dims[axis]) into \(sizes)")
      }
      var start = 0
      return sizes.map { size in
        defer { start += size }
        return array.sliced(axis, start: start, count: size)
      }
    },
    ONNXFolding("Slice") { work in
      var array = try work.input(0)
      guard let starts = try work.integers("starts", input: 1), let ends = try work.integers("ends", input: 2) else {
        throw ONNXFault("lacks its starts and ends")
      }
      let axes = try work.integers("axes", input: 3) ?? Array(starts.indices)
      let steps = try work.integers("steps", input: 4) ?? starts.map { _ in 1 }
      guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
        throw ONNXFault("has \(axes.count) axes for \(starts.count) starts")
      }
      for index in axes.indices {
        let axis = try work.axis(axes[index], of: array.dims.count)
        guard array.dims.indices.contains(axis) else { throw ONNXFault("takes a part of a scalar") }
        let range = try ONNXRange(starts[index], ends[index], steps[index], of: array.dims[axis])
        array = array.sliced(axis, start: range.start, count: range.count, step: range.step)
      }
      return [array]
    },
    ONNXFolding("Gather") { work in
      let (array, indices) = (try work.input(0), try work.input(1))
      let axis = try work.axis(work.node.integer("axis"), of: array.dims.count)
      guard array.dims.indices.contains(axis) else { throw ONNXFault("takes places of a scalar") }
      let extent = array.dims[axis]
      let places = try indices.integers().map { $0 < 0 ? $0 + extent : $0 }
      guard places.allSatisfy({ (0..<extent).contains($0) }) else { throw ONNXFault("takes places beyond \(extent)") }
      let (rows, width) = (array.dims[..<axis].reduce(1, *), array.dims[(axis + 1)...].reduce(1, *))
      let dims = array.dims[..<axis] + indices.dims + array.dims[(axis + 1)...]
      _ = try ONNXArray.count(Array(dims), atMost: max(ONNXArray.most, array.count))
      let all = (0..<rows).flatMap { row in places.flatMap { place in (0..<width).map { (row * extent + place) * width + $0 } } }
      return [array.gathered(Array(dims), all)]
    },
    ONNXFolding("Expand") { work in
      let array = try work.input(0)
      let given = try work.input(1).integers().enumerated().map { $0.offset == 0 && $0.element == work.batch ? 1 : $0.element }
      let dims = try ONNXArray.broadcast(array.dims, given)
      _ = try ONNXArray.count(dims, atMost: max(ONNXArray.most, array.count))
      return [try array.expanded(to: dims)]
    },
    ONNXFolding("Where") { work in
      let (choice, one, other) = (try work.input(0), try work.input(1), try work.input(2))
      let dims = try ONNXArray.broadcast(choice.dims, try ONNXArray.broadcast(one.dims, other.dims))
      let isFirst = try choice.expanded(to: dims).integers().map { $0 != 0 }
      if case .integers = one.elements, case .integers = other.elements {
        let (left, right) = (try one.expanded(to: dims).integers(), try other.expanded(to: dims).integers())
        return [ONNXArray(dims, .integers(isFirst.indices.map { isFirst[$0] ? left[$0] : right[$0] }))]
      }
      let (left, right) = (try one.expanded(to: dims).floats, try other.expanded(to: dims).floats)
      return [ONNXArray(dims, .floats(isFirst.indices.map { isFirst[$0] ? left[$0] : right[$0] }))]
    },
    ONNXFolding("Range") { work in
      let (start, limit, step) = (try work.input(0), try work.input(1), try work.input(2))
      if case .integers = start.elements, case .integers = step.elements {
        let (first, last, by) = (try start.integers(), try limit.integers(), try step.integers())
        guard first.count == 1, last.count == 1, by.count == 1, by[0] != 0, abs(first[0]) < 1 << 40, abs(last[0]) < 1 << 40,
          abs(by[0]) < 1 << 40
        else { throw ONNXFault("has ends that are no numbers") }
        let count = max(0, by[0] > 0 ? (last[0] - first[0] + by[0] - 1) / by[0] : (first[0] - last[0] - by[0] - 1) / -by[0])
        _ = try ONNXArray.count([count])
        return [ONNXArray((0..<count).map { first[0] + $0 * by[0] })]
      }
      let (first, last, by) = (try start.scalar(), try limit.scalar(), try step.scalar())
      let places = ((last - first) / by).rounded(.up)
      guard by != 0, abs(places) < 1e8 else { throw ONNXFault("has ends that are no numbers") }
      let count = max(0, Int(places))
      return [ONNXArray([count], .floats((0..<count).map { first + Float($0) * by }))]
    },
    ONNXFolding("ReduceProd") { work in
      let array = try work.input(0)
      let product = try array.integers().reduce(1) { product, factor throws(ONNXFault) in
        let (next, isTooLarge) = product.multipliedReportingOverflow(by: factor)
        guard !isTooLarge else { throw ONNXFault("has a product that is too large") }
        return next
      }
      return [ONNXArray(work.node.integer("keepdims", 1) != 0 ? array.dims.map { _ in 1 } : [], .integers([product]))]
    },
    comparison("Equal") { $0 == $1 }, comparison("Greater") { $0 > $1 }, comparison("Less") { $0 < $1 },
    comparison("GreaterOrEqual") { $0 >= $1 }, comparison("LessOrEqual") { $0 <= $1 },
    comparison("And") { $0 != 0 && $1 != 0 }, comparison("Or") { $0 != 0 || $1 != 0 },
    function("Not") { $0 == 0 ? 1 : 0 },
    function("Sqrt") { $0.squareRoot() }, function("Reciprocal") { 1 / $0 }, function("Exp") { exp($0) },
    function("Floor") { $0.rounded(.down) }, function("Ceil") { $0.rounded(.up) }, function("Abs") { abs($0) },
    ONNXFolding("Neg") { work in
      let array = try work.input(0)
      guard case .integers(let values) = array.elements else { return [ONNXArray(array.dims, .floats(array.floats.map { -$0 }))] }
      return [ONNXArray(array.dims, .integers(values.map { $0 == .min ? .max : -$0 }))]
    },
    arithmetic("Add", { $0.addingReportingOverflow($1) }) { $0 + $1 },
    arithmetic("Sub", { $0.subtractingReportingOverflow($1) }) { $0 - $1 },
    arithmetic("Mul", { $0.multipliedReportingOverflow(by: $1) }) { $0 * $1 },
    arithmetic("Div", { $1 == 0 ? (0, true) : $0.dividedReportingOverflow(by: $1) }) { $0 / $1 },
    arithmetic("Mod", { $1 == 0 ? (0, true) : $0.remainderReportingOverflow(dividingBy: $1) }) { fmodf($0, $1) },
    arithmetic("Min", { (min($0, $1), false) }) { min($0, $1) },
    arithmetic("Max", { (max($0, $1), false) }) { max($0, $1) },
    ONNXFolding("Pow") { work in
      let (base, exponent) = (try work.input(0), try work.input(1))
      let dims = try ONNXArray.broadcast(base.dims, exponent.dims)
      let (left, right) = (try base.expanded(to: dims).floats, try exponent.expanded(to: dims).floats)
      return [ONNXArray(dims, .floats(zip(left, right).map { pow($0, $1) }))]
    },
  ]

  private static func function(_ name: String, _ function: @escaping @Sendable (Float) -> Float) -> ONNXFolding {
    ONNXFolding(name) { work in
      let array = try work.input(0)
      let results = array.floats.map(function)
      guard case .integers(let values) = array.elements else { return [ONNXArray(array.dims, .floats(results))] }
      // Beyond 2²⁴ single precision does not hold every whole number.
      guard values.allSatisfy({ ((-1 << 24)...(1 << 24)).contains($0) }) else { throw ONNXFault("has numbers that are too large") }
      let whole = results.compactMap { Int(exactly: $0) }
      return [ONNXArray(array.dims, whole.count == results.count ? .integers(whole) : .floats(results))]
    }
  }

  private static func comparison(_ name: String, _ compare: @escaping @Sendable (Double, Double) -> Bool) -> ONNXFolding {
    ONNXFolding(name) { work in
      let (one, two) = (try work.input(0), try work.input(1))
      let dims = try ONNXArray.broadcast(one.dims, two.dims)
      let (left, right) = (try one.expanded(to: dims).doubles, try two.expanded(to: dims).doubles)
      return [ONNXArray(dims, .integers(zip(left, right).map { compare($0, $1) ? 1 : 0 }))]
    }
  }

  private static func arithmetic(
    _ name: String, _ whole: @escaping @Sendable (Int, Int) -> (partialValue: Int, overflow: Bool),
    _ real: @escaping @Sendable (Float, Float) -> Float
  ) -> ONNXFolding {
    ONNXFolding(name) { work in
      let (one, two) = (try work.input(0), try work.input(1))
      let dims = try ONNXArray.broadcast(one.dims, two.dims)
      if case .integers = one.elements, case .integers = two.elements {
        let results = zip(try one.expanded(to: dims).integers(), try two.expanded(to: dims).integers()).map(whole)
        guard !results.contains(where: \.overflow) else { throw ONNXFault("has a result that is too large") }
        return [ONNXArray(dims, .integers(results.map(\.partialValue)))]
      }
      return [ONNXArray(dims, .floats(zip(try one.expanded(to: dims).floats, try two.expanded(to: dims).floats).map(real)))]
    }
  }
}

extension ONNXArray {
  fileprivate var doubles: [Double] {
    switch elements {
    case .floats(let values): values.map(Double.init)
    case .integers(let values): values.map(Double.init)
    }
  }

  /// NumPy's rules of repetition, of arrays with these dimensions.
  ///
  /// - Throws: also where the result is much larger than both.
  static func broadcast(_ one: [Int], _ two: [Int]) throws(ONNXFault) -> [Int] {
    let rank = max(one.count, two.count)
    let (left, right) = ([Int](repeating: 1, count: rank - one.count) + one, [Int](repeating: 1, count: rank - two.count) + two)
    guard zip(left, right).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { throw ONNXFault("pairs \(one) and \(two)") }
    let dims = zip(left, right).map { $0 == 1 ? $1 : $0 }
    let (first, second) = (try count(one, atMost: .max), try count(two, atMost: .max))
    _ = try count(dims, atMost: max(most, first, second))
    return dims
  }

  func expanded(to target: [Int]) throws(ONNXFault) -> ONNXArray {
    if target == dims { return self }
    let missing = target.count - dims.count
    guard missing >= 0 else { throw ONNXFault("repeats \(dims) to \(target)") }
    let own = Self.strides(dims)
    let strides = target.indices.map { $0 < missing || dims[$0 - missing] == 1 ? 0 : own[$0 - missing] }
    return gathered(target, Self.places(target, strides))
  }

  func sliced(_ axis: Int, start: Int, count: Int, step: Int = 1) -> ONNXArray {
    var (target, strides) = (dims, Self.strides(dims))
    let offset = start * strides[axis]
    target[axis] = count
    strides[axis] *= step
    return count == 0 ? gathered(target, []) : gathered(target, Self.places(target, strides, offset: offset))
  }
}
