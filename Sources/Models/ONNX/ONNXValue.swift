/// A value of an ONNX graph that depends on the image, and the node of the network that it has become.
///
/// ONNX keeps channels before the pixels, `[batch, channels, height, width]`, and the batch as a dimension; here an image is `[height, width,
/// channels]`, and shapes are those of one example. So a value says how its dimensions stand in ONNX, and how they stand here.
struct ONNXValue {
  /// The node's name.
  let node: String
  /// In the order of ONNX, without the batch.
  var dims: [Int]
  /// The place of the batch among the dimensions in ONNX.
  var batchAxis = 0
  /// Whether in ONNX the batch and the first dimension are one, `[batch · dims[0], dims[1], …]`.
  var isMerged = false
  /// Whether the first dimension stands last here: an image's channels.
  var isChannelsLast = false
  /// Whether no weight has been met between the image and here.
  var isBeforeWeights: Bool

  /// The dimensions in the order in which they stand here.
  var order: [Int] { isChannelsLast ? Array(dims.indices.dropFirst()) + [0] : Array(dims.indices) }
  /// The shape here.
  var shape: [Int] { order.map { dims[$0] } }
  /// The number of dimensions in ONNX.
  var rank: Int { isMerged ? dims.count : dims.count + 1 }
  var count: Int { dims.reduce(1, *) }

  /// The place of a dimension here.
  func axis(of dimension: Int) -> Int { order.firstIndex(of: dimension) ?? 0 }

  /// The shape in ONNX.
  func fullShape(batch: Int) -> [Int] {
    if isMerged { return [batch * (dims.first ?? 1)] + dims.dropFirst() }
    var shape = dims
    shape.insert(batch, at: batchAxis)
    return shape
  }

  /// The dimension that an axis of an ONNX operator means; axes below 0 count from the end.
  ///
  /// - Throws: for the batch.
  func dimension(_ axis: Int) throws(ONNXFault) -> Int {
    let place = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(place) else { throw ONNXFault("has an axis of \(axis), and its input \(rank) dimensions") }
    guard place != batchAxis else { throw ONNXFault("works along the batch: images must not depend on one another") }
    return isMerged || place < batchAxis ? place : place - 1
  }

  /// The same node, read in another way.
  func read(_ dims: [Int], batchAxis: Int = 0, isMerged: Bool = false, isChannelsLast: Bool = false) -> ONNXValue {
    ONNXValue(
      node: node, dims: dims, batchAxis: batchAxis, isMerged: isMerged, isChannelsLast: isChannelsLast, isBeforeWeights: isBeforeWeights)
  }
}
