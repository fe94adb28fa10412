import Datasets
import TensorEngine
import Testing

@Suite struct SplitTests {
  @Test("bytes become exactly Float(byte) / 255, bit by bit as NumPy and torchvision have it")
  func scale() throws {
    let split = Split(imageShape: [1], pixels: Pixels(bytes: Array(0...255)), labels: [Int](repeating: 0, count: 256))
    let values = try split.images(at: 0..<256).values
    for byte in 0...255 { #expect(values[byte] == Float(byte) / 255) }
    #expect([1, 3, 77, 254].map { values[$0].bitPattern } == [998_277_249, 1_010_876_609, 1_050_319_515, 1_065_287_423])
  }

  @Test("images come in the order asked for, each as often as asked for, as bytes and as floats", arguments: [true, false])
  func order(asBytes: Bool) throws {
    let bytes: [UInt8] = (0..<24).map { $0 * 10 }
    let pixels = asBytes ? Pixels(bytes: bytes) : Pixels(floats: bytes.map { Float($0) / 255 })
    let split = Split(imageShape: [3, 2, 1], pixels: pixels, labels: [4, 5, 6, 7])
    let images = try split.images(at: [3, 0, 3])
    let chosen = [18..<24, 0..<6, 18..<24].flatMap { (range: Range<Int>) -> ArraySlice<UInt8> in bytes[range] }
    let expected = chosen.map { (byte: UInt8) -> Float in Float(byte) / 255 }
    #expect(images == Tensor([3, 3, 2, 1], values: expected))
    #expect(split.labels(at: [3, 0, 3]) == [7, 4, 7])
  }

  @Test("any collection of indices will do, an empty one too")
  func collections() throws {
    let split = Split(imageShape: [2], pixels: Pixels(floats: [0, 0.25, 0.5, 1]), labels: [0, 1])
    #expect(try split.images(at: 1..<2).values == [0.5, 1])
    #expect(try split.images(at: [0, 1].lazy.reversed()).values == [0.5, 1, 0, 0.25])
    #expect(try split.images(at: []).shape == [0, 2])
  }

  @Test("a split of some of the images has these, in the order given, and so has a split of that")
  func selection() throws {
    let split = Split(imageShape: [2], pixels: Pixels(bytes: Array(0..<20)), labels: Array(0..<10))
    let some = split.selecting([7, 8, 2, 2, 9])
    #expect(some.labels == [7, 8, 2, 2, 9])
    #expect(try some.images(at: [4, 0, 1, 2]) == split.images(at: [9, 7, 8, 2]))
    let fewer = some.selecting([4, 1])
    #expect(fewer.labels == [9, 8])
    #expect(try fewer.images(at: 0..<2) == split.images(at: [9, 8]))
    #expect(fewer.memoryBytes == 20 + 2 * (2 + 8))
    #expect(split.selecting([]).count == 0)
  }

  @Test("a byte of the source is a byte in memory, a label takes two")
  func memory() {
    let split = Split(imageShape: [1000], pixels: Pixels(bytes: [UInt8](repeating: 9, count: 5000)), labels: [0, 0, 1, 1, 2])
    #expect(split.memoryBytes == 5000 + 5 * 2)
    #expect(split.countsPerClass(4) == [2, 2, 1, 0])
  }
}
