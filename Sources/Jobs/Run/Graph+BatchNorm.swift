import TensorEngine

extension Graph {
  /// Whether a batch norm sees one value for each channel of an image, as behind dense layers.
  var hasSingleValueBatchNorm: Bool {
    nodes.contains { $0.operation is BatchNorm && $0.shape.count == $0.shape.dimensions.last }
  }
}
