import Foundation
import Models
import TensorEngine

@testable import Datasets

/// libFuzzer's target: any bytes at the reader that the variable `TEMPER_FUZZ` names. Readers may refuse them, and do nothing else.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  reader(Data(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

private let reader: @Sendable (Data) -> Void = {
  let name = ProcessInfo.processInfo.environment["TEMPER_FUZZ"] ?? ""
  guard let reader = readers[name] else { preconditionFailure("TEMPER_FUZZ is one of \(readers.keys.sorted())") }
  return reader
}()

private let readers: [String: @Sendable (Data) -> Void] = [
  "onnx": { bytes in
    guard let network = try? ONNXNetwork(bytes), network.weights.entries.reduce(0, { $0 + $1.tensor.shape.count }) < 1 << 16 else { return }
    // What was read can be built, written and read again.
    let card = network.card
    _ = try? card.graph()
    guard let written = try? ONNXWriter.encoded(card, network.weights) else { return }
    _ = try? ONNXNetwork(written)
  },
  "safetensors": { bytes in
    guard let file = try? Safetensors(bytes) else { return }
    _ = try? ModelCard(metadata: file.metadata)
    guard let again = try? Safetensors(Safetensors(file.weights, metadata: file.metadata).encoded()) else {
      preconditionFailure("what was read is written as something that is not")
    }
    precondition(again.metadata == file.metadata)
  },
  "npz": { load(.npz, ["body": $0]) },
  "npy": { bytes in
    // Either as images or as labels.
    let isImages = bytes.first.map { $0 & 1 == 1 } ?? false
    let rest = Data(bytes.dropFirst())
    let (images, labels) = (isImages ? rest : twoImages, isImages ? twoLabels : rest)
    load(.npy, ["x_train": images, "y_train": labels, "x_test": images, "y_test": labels])
  },
  "archive": { bytes in
    for size in [nil, DatasetOptions.Size(height: 4, width: 4)] {
      var options = DatasetOptions()
      options.resize = size
      load(.images, ["body": bytes], options)
    }
  },
  "exif": { bytes in
    for format in PictureFormat.allCases { _ = EXIFOrientation(of: Array(bytes), format) }
  },
  "csv": { load(.csv, ["train": $0, "test": $0]) },
  "cifar": { load(.cifar, ["train": $0, "test": $0, "names": Data("a\nb\n".utf8)]) },
  "idx": { bytes in
    load(.idx, ["train_images": bytes, "train_labels": bytes, "test_images": bytes, "test_labels": bytes])
  },
]

/// Of two grey images of one pixel, and their labels.
private let twoImages = array("|u1", "(2, 1, 1)", [0, 255])
private let twoLabels = array("|u1", "(2,)", [0, 1])

private func array(_ type: String, _ shape: String, _ values: [UInt8]) -> Data {
  let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
  let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
  return Data([0x93] + "NUMPY".utf8 + [1, 0, UInt8(padded.utf8.count), 0] + padded.utf8 + values)
}

private let folder: URL = {
  let folder = URL(fileURLWithPath: "/dev/shm/temper-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
  try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder
}()

private func load(_ format: DatasetFormat, _ parts: [String: Data], _ options: DatasetOptions = DatasetOptions()) {
  do {
    let files = try parts.map { name, bytes in
      let url = folder.appendingPathComponent(name)
      try bytes.write(to: url)
      return DatasetFile(part: name, url: url)
    }
    let limits = DatasetLimits(uncompressedBytes: 1 << 22)
    let dataset = try DatasetSource.load(format: format, files: files, name: "fuzz", options: options, limits: limits, in: folder)
    let images = try dataset.train.images(at: 0..<dataset.train.count)
    precondition(images.values.allSatisfy { (0...1).contains($0) }, "a pixel is beyond [0, 1]")
    precondition(dataset.train.labels.allSatisfy { Int($0) < dataset.classes }, "a label is beyond the classes")
  } catch {}
}
