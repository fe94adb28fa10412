/// Which arrays of an archive hold the images and labels of each part.
struct NPZNames {
  let trainImages, trainLabels, testImages, testLabels: String
  /// The images and the labels that are held out of the training part, which may be left out.
  var validation: (images: String, labels: String)?

  /// Those that must be there.
  var all: [String] { [trainImages, trainLabels, testImages, testLabels] }
  var images: [String] { [trainImages, testImages] + (validation.map { [$0.images] } ?? []) }
  /// Those that are read.
  var known: [String] { all + (validation.map { [$0.images, $0.labels] } ?? []) }

  /// Ours, which are those of Keras's data sets; MedMNIST's (Yang et al. 2023); those of `numpy.savez` with positional arguments.
  static let sets = [
    NPZNames(trainImages: "x_train", trainLabels: "y_train", testImages: "x_test", testLabels: "y_test", validation: ("x_val", "y_val")),
    NPZNames(
      trainImages: "train_images", trainLabels: "train_labels", testImages: "test_images", testLabels: "test_labels",
      validation: ("val_images", "val_labels")),
    NPZNames(trainImages: "arr_0", trainLabels: "arr_1", testImages: "arr_2", testLabels: "arr_3"),
  ]

  /// The names that fit an archive best; ours where none does.
  static func fitting(_ arrays: [String]) -> NPZNames {
    func fit(_ names: NPZNames) -> Int { names.all.count { arrays.contains($0) } }
    return sets.reduce(sets[0]) { fit($1) > fit($0) ? $1 : $0 }
  }
}
