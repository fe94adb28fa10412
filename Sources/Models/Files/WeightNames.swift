/// The names of a file's tensors held against those of a network's weights.
struct WeightNames {
  /// By the network's name, the index in the file.
  private(set) var places: [String: Int] = [:]
  /// Those of a layer that the network has, or of one between its layers.
  private(set) var shadows: [String] = []
  /// All others.
  private(set) var others: [String] = []
  /// The prefixes of further copies of the network.
  private var copies: Set<String> = []
  private var buffers: [String] = []

  private static let prefixes = ["module.", "model.", "net.", "_orig_mod."]
  /// What PyTorch's batch norm and averages of weights count.
  private static let counters: Set<String> = ["num_batches_tracked", "n_averaged"]
  /// As a normalisation of images in front of a network is called.
  private static let ofNormalization: Set<String> = ["mu", "sigma", "mean", "std", "new_mean", "new_std"]

  init(_ names: [String], wanted: Set<String>) {
    let heads = Set(wanted.map(Self.head))
    // What stands in no layer says nothing of another.
    let layers = Set(wanted.map(Self.layer)).subtracting([""])
    let areNumbered = heads.contains { Int($0) != nil }
    var rest: [String] = []
    for (index, name) in names.enumerated() {
      if Self.counters.contains(Self.last(name)) { continue }
      if let meant = Self.meant(name, wanted) {
        guard let earlier = places[meant] else {
          places[meant] = index
          continue
        }
        // The name itself goes before one with a prefix.
        if name == meant { places[meant] = index }
        copies.insert(String((name == meant ? names[earlier] : name).dropLast(meant.count)))
      } else {
        rest.append(name)
      }
    }
    for name in rest.sorted() {
      let bare = Self.bare(name)
      if let meant = Self.tail(of: bare, in: wanted) {
        // The network again, within another: `attacker.model.conv1.weight`.
        copies.insert(String(bare.dropLast(meant.count)))
      } else if layers.contains(Self.layer(bare)) || heads.contains(Self.head(bare)) || areNumbered && Int(Self.head(bare)) != nil {
        shadows.append(name)
      } else if Self.ofNormalization.contains(Self.last(name)) {
        buffers.append(name)
      } else {
        others.append(name)
      }
    }
  }

  /// What is in the file beside the network, in sentences.
  var notices: [String] {
    var notices: [String] = []
    if !copies.isEmpty {
      notices.append(
        "The file holds the network more than once, also as \(copies.sorted().map { "\($0)*" }.joined(separator: ", ")); one of them is used."
      )
    }
    if !buffers.isEmpty {
      notices.append(
        "The file holds what looks like the normalisation of the images (\(buffers.prefix(4).joined(separator: ", "))); it is not applied: set model.normalization to its values."
      )
    }
    if !others.isEmpty {
      let some = others.prefix(5).joined(separator: ", ") + (others.count > 5 ? ", …" : "")
      notices.append("\(others.count) tensors of the file are of no layer of the network, and are not used: \(some).")
    }
    return notices
  }

  /// The network's name that a name stands for; nil where there is none.
  private static func meant(_ name: String, _ wanted: Set<String>) -> String? {
    var rest = name
    while true {
      if wanted.contains(rest) { return rest }
      guard let prefix = prefixes.first(where: rest.hasPrefix) else { break }
      rest = String(rest.dropFirst(prefix.count))
    }
    // A part of a network may have been compiled by itself.
    let plain = rest.replacing("_orig_mod.", with: "")
    return plain != rest && wanted.contains(plain) ? plain : nil
  }

  /// A name without any prefix.
  private static func bare(_ name: String) -> String {
    var rest = name
    while let prefix = prefixes.first(where: rest.hasPrefix) { rest = String(rest.dropFirst(prefix.count)) }
    return rest.replacing("_orig_mod.", with: "")
  }

  /// The longest end of a name, from one of its dots on, that is a weight of the network in a layer with a name of its own.
  private static func tail(of name: String, in wanted: Set<String>) -> String? {
    var rest = Substring(name)
    while let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if wanted.contains(String(rest)), rest.contains(".") { return String(rest) }
    }
    return nil
  }

  private static func head(_ name: String) -> String { String(name.prefix { $0 != "." }) }
  private static func last(_ name: String) -> String { name.split(separator: ".").last.map(String.init) ?? name }
  private static func layer(_ name: String) -> String { name.split(separator: ".").dropLast().joined(separator: ".") }
}
