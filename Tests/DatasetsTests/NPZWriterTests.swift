import Datasets
import Files
import Foundation
import Testing

@Suite struct NPZWriterTests {
  private func write(to url: URL, _ body: (NPZWriter) throws -> Void) throws {
    try AtomicFile.write(to: url) { file in
      let npz = try NPZWriter { try file.append($0) }
      try body(npz)
      try npz.finish()
    }
  }

  @Test("arrays come back by name, with type and dimensions, also where they are empty")
  func arrays() throws {
    let folder = try ScratchFolder()
    let url = folder.url.appendingPathComponent("a.npz")
    let pixels = (0..<24).map { Float($0) / 24 }
    try write(to: url) { npz in
      try npz.add("ids", [3, -1, 1 << 40])
      try npz.add("flags", [true, false, true, true, false, false], dimensions: [2, 3])
      try npz.add("images", .float32, [2, 3, 4]) { write in try pixels.withUnsafeBytes(write) }
      try npz.add("none", .float32, [0, 3, 4]) { _ in }
    }
    let file = try OpenFile(url)
    #expect(try NPZArray("ids", in: file).integers() == [3, -1, 1 << 40])
    let flags = try NPZArray("flags", in: file)
    #expect(flags.dimensions == [2, 3])
    #expect(try flags.booleans() == [true, false, true, true, false, false])
    let images = try NPZArray("images", in: file)
    #expect(images.dimensions == [2, 3, 4] && images.descriptor == "<f4")
    #expect(try images.floats(10) + images.floats(14) == pixels)
    try images.end()
    #expect(try NPZArray("none", in: file).count == 0)
    #expect(throws: DatasetError.self) { try NPZArray("others", in: file) }
    #expect(throws: DatasetError.self) { try NPZArray("ids", in: file).booleans() }
  }

  @Test("what it writes is a data set for the reader of uploads")
  func upload() throws {
    let folder = try ScratchFolder()
    let url = folder.url.appendingPathComponent("a.npz")
    try write(to: url) { npz in
      for (part, count) in [("train", 4), ("test", 2)] {
        let pixels = (0..<count * 6).map { Float($0) / 24 }
        try npz.add("x_\(part)", .float32, [count, 2, 3]) { write in try pixels.withUnsafeBytes(write) }
        try npz.add("y_\(part)", (0..<count).map { $0 % 2 })
      }
    }
    let data = try DatasetSource.load(format: .npz, path: url)
    #expect(data.imageShape == [2, 3, 1])
    #expect(data.train.labels == [0, 1, 0, 1])
    #expect(try data.test.images(at: [1]).values == (6..<12).map { Float($0) / 24 })
  }

  @Test(
    "headers that claim more than the file has are refused before anything is read",
    arguments: [
      "(9223372036854775807, 4)", "(4611686018427387904, 4611686018427387904)", "(-1,)", "(100000000,)",
    ])
  func claims(_ shape: String) throws {
    let folder = try ScratchFolder()
    var text = "{'descr': '<i8', 'fortran_order': False, 'shape': \(shape), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    var archive = StoredArchive()
    archive.add("ids.npy", [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8) + [0, 0, 0, 0, 0, 0, 0, 0])
    let file = try OpenFile(try folder.write(archive.bytes, to: "a.npz"))
    #expect(throws: DatasetError.self) { try NPZArray("ids", in: file) }
  }

  @Test("an array that is compressed is refused as such, whatever its size")
  func compressed() throws {
    let folder = try ScratchFolder()
    var archive = StoredArchive()
    archive.add("ids.npy", [UInt8](repeating: 0, count: 100), method: 8)
    let file = try OpenFile(try folder.write(archive.bytes, to: "a.npz"))
    let error = try #require(throws: DatasetError.self) { try NPZArray("ids", in: file) }
    #expect(error.part == "ids" && error.detail.contains("is compressed") && error.detail.contains("numpy.savez,"), "\(error)")
  }
}
