/// A way in which a data set comes as files.
///
/// A new format is a case here, its row in `parts` and `usualNames`, a reader in a file of its own and its line in `DatasetSource.read`.
package enum DatasetFormat: String, CaseIterable, Codable, Sendable {
  /// NumPy's archive of arrays: `x_train`, `y_train`, `x_test`, `y_test`.
  case npz
  /// The four files of MNIST and its kin, gzip or not.
  case idx

  /// The names of the parts that an upload must have, each once. A format of one part is the body of the request itself.
  package var parts: [String] {
    switch self {
    case .npz: ["body"]
    case .idx: ["train_images", "train_labels", "test_images", "test_labels"]
    }
  }

  /// Whether an upload comes as `multipart/form-data`.
  package var isMultipart: Bool { parts.count > 1 }

  /// The names that the file of each part usually has in a folder, in the order of `parts`; each may end in `.gz` as well.
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
