import JSON
import TensorEngine

/// One thing that is done to an image that is trained on, drawn anew in each epoch. The data set stays as it is, and images that a model is
/// measured on are never changed.
package struct Augmentation: Hashable, Sendable {
  /// The most of a run.
  package static let most = 8
  /// Its type and the values of its fields.
  private let values: FieldValues

  /// - Parameter values: of such an object, after it was read.
  package init(_ values: FieldValues) { self.values = values }

  /// - Parameter document: one that is well formed, such as `["type": "flip"]`; what is wrong in it reads as its default.
  package init(_ document: JSONValue) { self.init(FieldReader().object(document, as: Self.object)) }

  package static var object: ObjectType {
    ObjectType(
      "Augmentation", "What is done to an image that is trained on.",
      variants: Variants(
        "type", AugmentationDefinition.all.map { Variants.Variant($0.name, $0.summary, $0.fields) }, help: "What is done."))
  }

  /// Every field, sorted by name.
  package var document: JSONValue {
    .object(values.object.members.sorted { $0.key < $1.key }.reduce(into: JSONObject()) { $0[$1.key] = $1.value })
  }

  /// Why it has no place in front of such images, with the field that would have to change; nil when it has one.
  ///
  /// - Parameter shape: `[height, width, channels]`, or `[features]`.
  package func fault(on shape: Shape) -> (field: String, detail: String)? {
    guard shape.rank == 3, shape[0] > 1, shape[1] > 1 else {
      return ("type", "\(type) changes images, and an example of this data set is a row of \(shape.count) features; leave it out")
    }
    guard let field = definition?.sideLength, let length = values.object[field]?.integer, length > min(shape[0], shape[1]) else {
      return nil
    }
    return (field, "must be at most \(min(shape[0], shape[1])), the smaller side of an image of this data set")
  }

  func augment(_ image: inout ImageValues, _ random: inout RandomStream) { definition?.augment(values, &image, &random) }

  private var type: String { values.text("type") }
  private var definition: AugmentationDefinition? { AugmentationDefinition.all.first { $0.name == type } }
}

extension [Augmentation] {
  /// Images after all of them in turn.
  ///
  /// What is drawn for an example depends on (seed, epoch, example) alone, and so neither on its batch nor on the order in it nor on threads.
  ///
  /// - Parameters:
  ///   - images: `[examples, height, width, channels]`.
  ///   - ids: what the examples are called in the training set.
  package func augmented(_ images: Tensor, ids: [Int], seed: UInt64, epoch: Int) -> Tensor {
    guard !isEmpty else { return images }
    let shape = images.shape.example
    var augmented = images
    for (row, id) in ids.enumerated() {
      var image = ImageValues(height: shape[0], width: shape[1], channels: shape[2], values: [Float](images[example: row]))
      var random = RandomStream(seed: seed, purpose: .augmentation, epoch: epoch, example: id)
      for augmentation in self { augmentation.augment(&image, &random) }
      augmented[example: row] = image.values[...]
    }
    return augmented
  }
}
