import Files
import Foundation
import Glibc
import TensorEngine

/// Adversarial images of the training examples that are made once, from the base model, and then learnt from in every epoch: what
/// `training.attack.source` `base` asks for, and the tutorial does.
///
/// They lie in a file of the run's folder, so that they need no memory. What is in it is a function of the run's arguments and of the base
/// model alone: one that is missing, cut or another run's is made again, to the same bits.
///
/// Bytes: blocks of images (float32), each followed by the SHA-256, in 64 hexadecimal digits, of the key, of the block's number and of its
/// images. The key says which run and which base model they are of.
final class BaseImages: Sendable {
  static let name = "base.images"
  private static let title = "the file of the base model's adversarial images"

  private let descriptor: Int32
  private let key: String
  /// Positions in the training set, ascending.
  private let ids: [Int]
  private let imageShape: Shape
  private let imageBytes: Int
  /// Images of a block.
  private let blockSize: Int

  /// - Parameters:
  ///   - ids: of the examples that are trained on, ascending.
  ///   - blockSize: see `blockSize(_:_:)`.
  ///   - key: of the run and its base model.
  /// - Throws: `StorageError`, also when the disk has no room for all images.
  init(_ url: URL, ids: [Int], imageShape: Shape, blockSize: Int, key: String) throws(StorageError) {
    let path = url.path
    self.key = key
    self.ids = ids
    self.imageShape = imageShape
    self.blockSize = blockSize
    imageBytes = imageShape.count * MemoryLayout<Float>.size
    descriptor = try systemCall("\(Self.title) cannot be opened") { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    let bytes = offset(ofBlock: blockCount)
    // It returns an error's number instead of setting `errno`.
    let refusal = posix_fallocate(descriptor, 0, off_t(max(bytes, 1)))
    if [ENOSPC, EDQUOT, EFBIG].contains(refusal) { throw StorageError("\(Self.title) cannot be made", errno: refusal) }
  }

  deinit { close(descriptor) }

  /// Images of a block: whole shards, as many as take some megabytes, so that every thread has work and memory stays small.
  static func blockSize(_ imageShape: Shape, _ sharding: Sharding) -> Int {
    let shardBytes = sharding.size * imageShape.count * MemoryLayout<Float>.size
    return sharding.size * max(1, min(64, (16 << 20) / shardBytes))
  }

  /// The memory that making them takes: a block, and its bytes on their way to the disk.
  static func bytes(_ imageShape: Shape, _ sharding: Sharding) -> Int {
    2 * blockSize(imageShape, sharding) * imageShape.count * MemoryLayout<Float>.size
  }

  var blockCount: Int { (ids.count + blockSize - 1) / blockSize }

  private func offset(ofBlock block: Int) -> Int {
    min(block * blockSize, ids.count) * imageBytes + block * SealedFile.digestBytes
  }

  private func ids(ofBlock block: Int) -> ArraySlice<Int> { ids[block * blockSize..<min((block + 1) * blockSize, ids.count)] }

  // MARK: Making

  /// Makes the images that are not there.
  ///
  /// - Parameters:
  ///   - perturbed: the adversarial images of these examples.
  ///   - made: told of each block that is on the disk.
  /// - Throws: `StorageError`, after which it may be tried again; what the closures throw.
  func make(_ perturbed: (ArraySlice<Int>) throws -> Tensor, made: () throws -> Void) throws {
    var block = 0
    while block < blockCount, try isWhole(block) { block += 1 }
    while block < blockCount {
      try write(perturbed(ids(ofBlock: block)), asBlock: block)
      try made()
      block += 1
    }
  }

  private func isWhole(_ block: Int) throws -> Bool {
    let images = ids(ofBlock: block).count * imageBytes
    var bytes = [UInt8](repeating: 0, count: images + SealedFile.digestBytes)
    guard try read(&bytes, at: offset(ofBlock: block)) else { return false }
    return bytes[images...].elementsEqual(digest(of: bytes[..<images], block).utf8)
  }

  private func write(_ images: Tensor, asBlock block: Int) throws {
    var bytes = images.values.withUnsafeBytes { Array($0) }
    bytes += Array(digest(of: bytes[...], block).utf8)
    let start = offset(ofBlock: block)
    var written = 0
    while written < bytes.count {
      let done = written
      written += try systemCall("\(Self.title) cannot be written") {
        bytes[done...].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(start + done)) }
      }
    }
    try systemCall("\(Self.title) cannot be synced to the disk") { fdatasync(descriptor) }
  }

  private func digest(of images: ArraySlice<UInt8>, _ block: Int) -> String {
    let digest = SHA256Digest()
    digest.update(Array("\(key)\n\(block)\n".utf8))
    digest.update(images)
    return digest.finishHex()
  }

  // MARK: Reading

  /// The images of these examples, all of which are trained on: `[examples] + imageShape`.
  func images(at examples: [Int]) throws -> Tensor {
    var values = [Float](repeating: 0, count: examples.count * imageShape.count)
    try values.withUnsafeMutableBytes { bytes in
      for (row, id) in examples.enumerated() {
        let place = place(of: id)
        let image = UnsafeMutableRawBufferPointer(rebasing: bytes[row * imageBytes..<(row + 1) * imageBytes])
        let start = offset(ofBlock: place / blockSize) + place % blockSize * imageBytes
        guard try fill(image, at: start) else { throw StorageError("\(Self.title) was cut") }
      }
    }
    return Tensor(imageShape.batched(examples.count), values: values)
  }

  /// By halves: `ids` ascend.
  private func place(of id: Int) -> Int {
    var (low, high) = (0, ids.count)
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    precondition(low < ids.count && ids[low] == id, "example \(id) is not trained on")
    return low
  }

  private func read(_ bytes: inout [UInt8], at offset: Int) throws -> Bool {
    try bytes.withUnsafeMutableBytes { try fill($0, at: offset) }
  }

  /// - Returns: false when the file ends before.
  private func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Bool {
    var filled = 0
    while filled < buffer.count {
      let done = filled
      let count = try systemCall("\(Self.title) cannot be read") {
        pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
      }
      if count == 0 { return false }
      filled += count
    }
    return true
  }
}
