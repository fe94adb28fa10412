/// A file that is often taken for one of safetensors, by its first bytes, and what to do about it. None of them is read further.
struct ForeignFile {
  /// As a clause, with the remedy.
  let description: String

  static let magicBytes = 24

  private static let save = "save its tensors with safetensors (README, \"Weights from PyTorch\")"
  private static let kinds: [(magic: [UInt8], description: String)] = [
    (
      Array("PK".utf8),
      "this is a zip archive, as torch.save and Keras write; what it holds is a pickle, which is never read, since that can run any program: \(save)"
    ),
    (
      [0x80, 2], "this is a Python pickle, as torch.save wrote until 2020; a pickle is never read, since that can run any program: \(save)"
    ),
    ([0x80, 3], "this is a Python pickle, which is never read, since that can run any program: \(save)"),
    ([0x80, 4], "this is a Python pickle, which is never read, since that can run any program: \(save)"),
    (Array("version https://git-lfs".utf8), "this is a pointer of Git LFS, not the file itself: git lfs pull fetches it"),
    ([0x89] + Array("HDF".utf8), "this is an HDF5 file, as Keras writes: export the network as ONNX, or \(save)"),
    ([0x1F, 0x8B], "this is compressed by gzip: gunzip it"),
    (Array("GGUF".utf8), "this is a GGUF file, whose weights are quantised: \(save)"),
    ([0x93] + Array("NUMPY".utf8), "this is an array of NumPy: \(save)"),
    (Array("<!DOCTYPE".utf8), "this is a page of HTML, such as an error or a page to sign in: download the file itself"),
    (Array("<!doctype".utf8), "this is a page of HTML, such as an error or a page to sign in: download the file itself"),
    (Array("<html".utf8), "this is a page of HTML, such as an error or a page to sign in: download the file itself"),
  ]

  /// - Returns: nil for what may be a file of safetensors.
  init?(_ bytes: [UInt8]) {
    guard let kind = Self.kinds.first(where: { bytes.starts(with: $0.magic) && !Self.isHeader(bytes) }) else { return nil }
    description = kind.description
  }

  /// Whether these bytes are the length of a header and its beginning: by chance the length may look like another kind.
  private static func isHeader(_ bytes: [UInt8]) -> Bool {
    bytes.count > 8 && bytes[8] == UInt8(ascii: "{") && bytes[4..<8].allSatisfy { $0 == 0 }
  }
}
