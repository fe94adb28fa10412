import JSON
import TensorEngine

/// Multi-head attention as exporters write it, softmax(Q Kᵀ / √width) V, and the tokens in which queries, keys and values stand.
///
/// Exporters move the heads apart in many ways. So no way is looked for: each of the three is followed back as far as nodes only move
/// elements, and then it is compared which elements it has.
struct ONNXAttention {
  let heads: Int
  /// Where the queries, the keys and the values come from.
  let parts: [Part]
  /// The features of all heads.
  let features: Int

  /// A run of features of tokens `[tokens, features]`.
  struct Part: Equatable {
    let tokens: String
    let start: Int
  }

  /// - Parameters:
  ///   - name: of a node.
  ///   - node: a node by its name.
  ///   - shapes: of the nodes' values for one example.
  /// - Returns: nil where the node's value is not the whole of an attention, `[tokens, features]`.
  init?(_ name: String, _ node: (String) -> NetworkNode?, _ shapes: [String: Shape]) {
    guard let shape = shapes[name], shape.rank == 2, let result = Moved(name, node, shapes), result.factor == 1,
      let product = node(result.source), product.type == "matmul", let sides = product.inputs,
      let shares = Self.shares(sides[0], node), let scores = node(shares.scores), scores.type == "matmul", let factors = scores.inputs,
      let queries = Moved(factors[0], node, shapes), let keys = Moved(factors[1], node, shapes),
      let values = Moved(sides[1], node, shapes), values.factor == 1
    else { return nil }
    let whole = shapes[result.source]?.dimensions ?? []
    guard let width = whole.last, whole.count == 2 || whole.count == 3, whole.reduce(1, *) == shape.count, width > 0 else { return nil }
    let (tokens, heads) = (shape[0], whole.count == 3 ? whole[0] : 1)
    guard whole.dropLast().last == tokens, shape[1] == heads * width else { return nil }
    let scale = queries.factor * keys.factor * shares.factor * Double(width).squareRoot()
    guard abs(scale - 1) < 1e-5 else { return nil }
    // Element (head, token, k) of each stands at its token, and there head by head.
    let whereHeadsStand = Self.places(tokens, heads, width) { head, token, k in (head * tokens + token) * width + k }
    guard result.places == whereHeadsStand else { return nil }
    let found = [queries, keys, values].enumerated().compactMap { index, moved in
      Self.part(moved, shapes, tokens, heads, width, isTurned: index == 1)
    }
    guard found.count == 3 else { return nil }
    (self.heads, parts, features) = (heads, found, shape[1])
  }

  /// What stands before a softmax, and what it is multiplied by there.
  private static func shares(_ name: String, _ node: (String) -> NetworkNode?) -> (scores: String, factor: Double)? {
    guard let softmax = node(name), softmax.type == "softmax", var source = softmax.inputs?.first else { return nil }
    var factor = 1.0
    while let scaled = node(source), let scale = Moved.factor(scaled), let input = scaled.inputs?.first {
      (source, factor) = (input, factor * scale)
    }
    return (source, factor)
  }

  /// For each element of `[tokens, heads · width]`, a place.
  private static func places(_ tokens: Int, _ heads: Int, _ width: Int, _ place: (Int, Int, Int) -> Int) -> [Int] {
    (0..<tokens).flatMap { token in (0..<heads).flatMap { head in (0..<width).map { place(head, token, $0) } } }
  }

  /// - Parameter isTurned: whether the tokens come last, as those of keys do.
  private static func part(_ moved: Moved, _ shapes: [String: Shape], _ tokens: Int, _ heads: Int, _ width: Int, isTurned: Bool) -> Part? {
    guard let source = shapes[moved.source], source.rank == 2, source[0] == tokens, moved.places.count == tokens * heads * width,
      let start = moved.places.first, start + heads * width <= source[1]
    else { return nil }
    let isSame = (0..<heads).allSatisfy { head in
      (0..<tokens).allSatisfy { token in
        (0..<width).allSatisfy { k in
          let place = isTurned ? (head * width + k) * tokens + token : (head * tokens + token) * width + k
          return moved.places[place] == token * source[1] + start + head * width + k
        }
      }
    }
    return isSame ? Part(tokens: moved.source, start: start) : nil
  }
}

/// A value whose elements are those of one before it, moved and multiplied by a number.
private struct Moved {
  let source: String
  /// For each element, its place in the source.
  let places: [Int]
  let factor: Double

  init?(_ name: String, _ node: (String) -> NetworkNode?, _ shapes: [String: Shape]) {
    var (chain, place, product): ([NetworkNode], String, Double) = ([], name, 1)
    while let step = node(place), let input = step.inputs?.first {
      if let factor = Self.factor(step) { product *= factor } else if Self.isView(step) { chain.append(step) } else { break }
      place = input
    }
    guard let shape = shapes[place] else { return nil }
    var array = ONNXArray(shape.dimensions, .integers(Array(0..<shape.count)))
    for node in chain.reversed() { array = Self.moved(array, node) }
    guard case .integers(let places) = array.elements else { return nil }
    (source, self.places, factor) = (place, places, product)
  }

  /// What a node multiplies by, where it does nothing else.
  static func factor(_ node: NetworkNode) -> Double? {
    node.type == "scale" && node.values.number("offset") == 0 ? node.values.number("factor") : nil
  }

  private static func isView(_ node: NetworkNode) -> Bool { ["reshape", "permute", "slice"].contains(node.type) }

  private static func moved(_ array: ONNXArray, _ node: NetworkNode) -> ONNXArray {
    let values = node.values
    return switch node.type {
    case "reshape": array.reshaped(values.integers("shape"))
    case "permute": array.permuted(values.integers("order"))
    default:
      array.sliced(values.integer("axis"), start: values.integer("start"), count: values.integer("count"), step: values.integer("step"))
    }
  }
}
