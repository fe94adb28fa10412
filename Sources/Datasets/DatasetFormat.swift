/// A file format of data sets.
///
/// A new format needs a case here with its rows in `parts` and `usualNames`, a reader in its own file, and a line in
/// `DatasetSource.read`.
package enum DatasetFormat: String, CaseIterable, Codable, Sendable {
  /// NumPy's archive of arrays: `x_train`, `y_train`, `x_test`, `y_test`.
  case npz
  /// The four files of MNIST and similar data sets, gzipped or not.
  case idx

  /// The names of the parts that an upload must have, each once. If there is only one, it is the body of the request itself.
  package var parts: [String] {
    switch self {
    case .npz: ["body"]
    case .idx: ["train_images", "train_labels", "test_images", "test_labels"]
    }
  }

  /// Whether an upload is `multipart/form-data`.
  package var isMultipart: Bool { parts.count > 1 }

  /// The usual file names of each part, in the order of `parts`. Each may also end in `.gz`.
  var usualNames: [[String]] {
    switch self {
    case .npz: []
    case .idx:
      [
        ["train-images-idx3-ubyte", "train-images.idx3-ubyte"], ["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"],
        ["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte", "test-images-idx3-ubyte"],
        ["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte", "test-labels-idx1-ubyte"],
      ]
    }
  }
}
