/// Which arrays of an archive hold the images and labels of each part.
struct NPZNames: Equatable {
  let trainImages, trainLabels, testImages, testLabels: String
  /// Further arrays that such an archive has, which are not used.
  var unused: [String] = []

  var all: [String] { [trainImages, trainLabels, testImages, testLabels] }
  var images: [String] { [trainImages, testImages] }

  /// Ours, which are those of Keras's data sets; MedMNIST's (Yang et al. 2023); those of `numpy.savez` with positional arguments.
  static let known = [
    NPZNames(trainImages: "x_train", trainLabels: "y_train", testImages: "x_test", testLabels: "y_test"),
    NPZNames(
      trainImages: "train_images", trainLabels: "train_labels", testImages: "test_images", testLabels: "test_labels",
      unused: ["val_images", "val_labels"]),
    NPZNames(trainImages: "arr_0", trainLabels: "arr_1", testImages: "arr_2", testLabels: "arr_3"),
  ]

  /// The names that fit an archive best; ours where none does.
  static func fitting(_ arrays: [String]) -> NPZNames {
    func fit(_ names: NPZNames) -> Int { names.all.count { arrays.contains($0) } }
    return known.reduce(known[0]) { fit($1) > fit($0) ? $1 : $0 }
  }
}
