/// A file format of data sets.
///
/// A new format needs a case here with its rows in `parts` and `usualNames`, a reader in its own file, and a line in
/// `DatasetSource.read`.
package enum DatasetFormat: String, CaseIterable, Codable, Sendable {
  /// NumPy's archive of arrays: `x_train`, `y_train`, `x_test`, `y_test`.
  case npz
  /// The same arrays as files of their own, gzipped or not.
  case npy
  /// The four files of MNIST and similar data sets, gzipped or not.
  case idx
  /// The batches of CIFAR-10 and CIFAR-100, binary or for Python.
  case cifar
  /// Rows of features with a column `label`.
  case csv
  /// Pictures in an archive, in a folder for each class.
  case images

  /// The names of the parts that an upload must have. If there is only one, it is the body of the request itself.
  package var parts: [String] {
    switch self {
    case .npz, .images: ["body"]
    case .idx: ["train_images", "train_labels", "test_images", "test_labels"]
    case .npy: NPZNames.sets[0].all
    case .cifar, .csv: ["train", "test"]
    }
  }

  /// Parts that may be left out.
  package var optionalParts: [String] { self == .cifar ? ["names"] : [] }

  /// Whether an upload is `multipart/form-data`.
  package var isMultipart: Bool { parts.count > 1 }

  /// Whether this part may come in several files, which then count in their order.
  package func takesSeveral(_ part: String) -> Bool { self == .cifar && parts.contains(part) }

  /// The files that each part usually is, in the order of `parts` and `optionalParts`. Of the sets of names the first counts that is there;
  /// each name may also end in `.gz`.
  var usualNames: [[[String]]] {
    switch self {
    case .npz, .images: []
    case .idx:
      [
        [["train-images-idx3-ubyte"], ["train-images.idx3-ubyte"]], [["train-labels-idx1-ubyte"], ["train-labels.idx1-ubyte"]],
        [["t10k-images-idx3-ubyte"], ["t10k-images.idx3-ubyte"], ["test-images-idx3-ubyte"]],
        [["t10k-labels-idx1-ubyte"], ["t10k-labels.idx1-ubyte"], ["test-labels-idx1-ubyte"]],
      ]
    case .npy:
      [
        [["x_train.npy"], ["train_images.npy"]], [["y_train.npy"], ["train_labels.npy"]], [["x_test.npy"], ["test_images.npy"]],
        [["y_test.npy"], ["test_labels.npy"]],
      ]
    case .cifar:
      [
        [(1...5).map { "data_batch_\($0).bin" }, (1...5).map { "data_batch_\($0)" }, ["train.bin"], ["train"]],
        [["test_batch.bin"], ["test_batch"], ["test.bin"], ["test"]], [["batches.meta.txt"], ["fine_label_names.txt"]],
      ]
    case .csv: [[["train.csv"], ["mnist_train.csv"]], [["test.csv"], ["mnist_test.csv"]]]
    }
  }
}
