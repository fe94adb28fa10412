import Attacks
import Files
import Foundation
import Glibc
import Synchronization
import TensorEngine

/// The misclassified images that an evaluation finds, in a file of its own: never more of them are in memory than are being attacked.
///
/// Each example has a place in the file, by its position in the evaluation and so whatever the order in which shards end; places that are
/// not written take no room on the disk. Of an example that several attacks fell, the image is that of the first of them. Shards are
/// recorded with the digest of their images, so that those which a crash took, or someone changed, are found and made again.
///
/// Threads write different places at once.
package final class AdversarialImages: Sendable {
  /// Which attack of an evaluation found an image.
  package struct Finder: Hashable, Sendable {
    /// Its index among the evaluation's attacks.
    package let attack: Int
    /// Of a sequence: the index of its part.
    package var part: Int?

    package init(attack: Int, part: Int? = nil) {
      self.attack = attack
      self.part = part
    }
  }

  package struct Found: Hashable, Sendable {
    package let finder: Finder
    /// What the image is taken for; −1 when the answer holds a NaN.
    package let prediction: Int
  }

  /// `[height, width, channels]` or `[features]`.
  package let imageShape: Shape
  private let descriptor: Int32
  private let imageBytes: Int
  /// Whether the image of an example that withstands is kept too: the one of the highest loss.
  private let keepsAll: Bool
  private static let title = "the file of the adversarial images"

  private struct State {
    /// By position.
    var found: [Found?]
    var unsyncedBytes = 0
  }
  private let state: Mutex<State>

  /// - Parameters:
  ///   - url: of the file; what is there of an earlier attempt is used where it is what the journal says.
  ///   - count: of the examples of the evaluation.
  ///   - keepsAll: whether the best image of an example that withstands is kept too; for an evaluation by one attack.
  package init(_ url: URL, count: Int, imageShape: Shape, keepsAll: Bool = false) throws(StorageError) {
    let path = url.path
    self.keepsAll = keepsAll
    descriptor = try systemCall("\(Self.title) cannot be opened") { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    self.imageShape = imageShape
    imageBytes = imageShape.count * MemoryLayout<Float>.size
    state = Mutex(State(found: [Found?](repeating: nil, count: count)))
  }

  deinit { close(descriptor) }

  /// By the position of the example in the evaluation; `nil` where no image was found.
  package var found: [Found?] { state.withLock { $0.found } }

  /// The images at `positions`, all of which were found: `[positions.count] + imageShape`.
  package func images(at positions: [Int]) throws -> Tensor {
    var values = [Float](repeating: 0, count: positions.count * imageShape.count)
    for (row, position) in positions.enumerated() {
      guard try fill(&values, row: row, from: position) else { throw StorageError("\(Self.title) was cut") }
    }
    return Tensor(imageShape.batched(positions.count), values: values)
  }

  /// Makes sure that what was kept so far survives the machine.
  ///
  /// - Returns: the bytes that this wrote.
  package func sync() throws(StorageError) -> Int {
    let bytes = state.withLock { state in
      defer { state.unsyncedBytes = 0 }
      return state.unsyncedBytes
    }
    guard bytes > 0 else { return 0 }
    do throws(StorageError) {
      try systemCall("\(Self.title) cannot be synced to the disk") { fdatasync(descriptor) }
    } catch {
      state.withLock { $0.unsyncedBytes += bytes }
      throw error
    }
    return bytes
  }

  // MARK: Within an evaluation

  /// Forgets what was found. An evaluation that goes on claims it again, stage by stage.
  func begin() { state.withLock { state in state.found = [Found?](repeating: nil, count: state.found.count) } }

  /// Writes the images of a shard that are wanted, but for examples that an earlier attack felled.
  ///
  /// - Returns: what identifies them; `nil` for none.
  func keep(_ result: AttackResult, at members: [Int]) throws -> ShardRecord.KeptImages? {
    let rows = rows(result.misclassified, at: members)
    guard !rows.isEmpty else { return nil }
    let digest = SHA256Digest()
    for row in rows {
      try result.images.values.withUnsafeBytes { bytes in
        let image = UnsafeRawBufferPointer(rebasing: bytes[row * imageBytes..<(row + 1) * imageBytes])
        digest.update(image)
        try write(image, at: members[row])
      }
    }
    state.withLock { $0.unsyncedBytes += rows.count * imageBytes }
    return ShardRecord.KeptImages(predictions: rows.map { result.predictions[$0] }, sha256: digest.finishHex())
  }

  /// Whether the images of a recorded shard are there.
  func holds(_ record: ShardRecord, at members: [Int]) throws -> Bool {
    let rows = rows(record.withstood.map { !$0 }, at: members)
    guard !rows.isEmpty else { return record.images == nil }
    guard let images = record.images, images.predictions.count == rows.count else { return false }
    let digest = SHA256Digest()
    var image = [Float](repeating: 0, count: imageShape.count)
    for row in rows {
      guard try fill(&image, row: 0, from: members[row]) else { return false }
      image.withUnsafeBytes { digest.update($0) }
    }
    return digest.finishHex() == images.sha256
  }

  /// Notes who found the images of a shard. Call it for every shard of an attack before the next attack begins.
  func claim(_ record: ShardRecord, at members: [Int], by finder: Finder) {
    let rows = rows(record.withstood.map { !$0 }, at: members)
    for (row, prediction) in zip(rows, record.images?.predictions ?? []) {
      state.withLock { $0.found[members[row]] = Found(finder: finder, prediction: prediction) }
    }
  }

  /// The examples of a shard whose images are wanted: those that are misclassified and that no earlier attack felled.
  private func rows(_ misclassified: [Bool], at members: [Int]) -> [Int] {
    state.withLock { state in members.indices.filter { (keepsAll || misclassified[$0]) && state.found[members[$0]] == nil } }
  }

  // MARK: The file

  private func write(_ image: UnsafeRawBufferPointer, at position: Int) throws(StorageError) {
    var written = 0
    while written < imageBytes {
      let count = try systemCall("\(Self.title) cannot be written") {
        pwrite(descriptor, image.baseAddress.map { $0 + written }, imageBytes - written, position * imageBytes + written)
      }
      guard count > 0 else { throw StorageError("\(Self.title) cannot be written", errno: ENOSPC) }
      written += count
    }
  }

  /// Reads an image into the row of `values`.
  ///
  /// - Returns: whether the file is long enough.
  private func fill(_ values: inout [Float], row: Int, from position: Int) throws -> Bool {
    var filled = 0
    while filled < imageBytes {
      let count = try values.withUnsafeMutableBytes { bytes in
        try systemCall("\(Self.title) cannot be read") {
          pread(
            descriptor, bytes.baseAddress.map { $0 + row * imageBytes + filled }, imageBytes - filled, position * imageBytes + filled)
        }
      }
      if count == 0 { return false }
      filled += count
    }
    return true
  }
}
