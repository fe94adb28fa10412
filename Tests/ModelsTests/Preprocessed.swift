import JSON
import Models

/// One of each kind of preprocessing.
enum Preprocessed {
  static let documents: JSONValue = [
    ["type": "bit_depth", "bits": 4], ["type": "median"], ["type": "gaussian_blur", "sigma": 0.5], ["type": "jpeg"],
    ["type": "noise", "sigma": 0.1],
  ]

  static let all: [Preprocessing] = (try? Preprocessing.list(documents)) ?? []
}
