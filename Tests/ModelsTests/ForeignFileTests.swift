import Foundation
import Files
import Models
import TensorEngine
import Testing

/// Uploads of weights, and the answers to them.
@Suite("Files that are taken for safetensors")
struct ForeignFileTests {
  @Test(
    "a file of another kind is named with what to do about it",
    arguments: [
      ("PK\u{3}\u{4}archive/data.pkl", "as torch.save and Keras write"),
      ("version https://git-lfs.github.com/spec/v1\noid", "git lfs pull fetches it"),
      ("<!DOCTYPE html><html>", "a page of HTML"), ("<html><body>sign in", "a page of HTML"), ("GGUF\u{3}\u{0}\u{0}\u{0}", "a GGUF file"),
    ])
  func text(content: String, detail: String) throws { try refuse(Array(content.utf8), detail) }

  @Test(
    "so is one of bytes",
    arguments: [
      ([0x80, 2, 0x8A, 0x0A, 0x6C], "never read, since that can run any program"), ([0x80, 4, 0x95, 0, 0], "a Python pickle"),
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file, as Keras writes"),
      ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0], "compressed by gzip: gunzip it"),
      ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0], "an array of NumPy"),
    ] as [([UInt8], String)])
  func bytes(content: [UInt8], detail: String) throws { try refuse(content, detail) }

  private func refuse(_ content: [UInt8], _ detail: String) throws {
    let padded = content + [UInt8](repeating: 32, count: 100)
    let whole = #expect(throws: SafetensorsError.self) { try Safetensors(Data(padded)) }
    #expect(whole?.description.contains(detail) == true, "\(String(describing: whole))")
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("foreign-\(UUID().uuidString)")
    try Data(padded).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let outline = #expect(throws: SafetensorsError.self) { try Safetensors.outline(of: OpenFile(url)) }
    #expect(outline == whole)
  }

  private func file(_ header: String, _ values: [UInt8]) -> Data {
    Data(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + header.utf8 + values)
  }

  @Test("metadata may be null or empty", arguments: ["null", "{}"])
  func metadata(text: String) throws {
    let data = file("{\"__metadata__\":\(text),\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", [0, 0, 0, 0])
    #expect(try Safetensors(data).metadata.isEmpty)
  }

  @Test("a header of 0x4B50 bytes is one of safetensors, though it begins like a zip archive")
  func lengthLikeAZip() throws {
    let text = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
    #expect(try Safetensors(file(text + String(repeating: " ", count: 0x4B50 - text.utf8.count), [0, 0, 0, 0])).weights.entries.count == 1)
  }

  @Test(
    "tensors of other types may stand beside the weights, and are no weights", arguments: ["U8", "I8", "BOOL", "I32", "U64", "F8_E4M3"])
  func otherTypes(type: String) throws {
    let width = ["I32": 4, "U64": 8][type] ?? 1
    let data = file(
      "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"mask\":{\"dtype\":\"\(type)\",\"shape\":[2],\"data_offsets\":[4,\(4 + 2 * width)]}}",
      [0, 0, 128, 63] + [UInt8](repeating: 1, count: 2 * width))
    let weights = try Safetensors(data).weights
    func layout(_ name: String, _ shape: Shape) -> ParameterLayout {
      ParameterLayout([ParameterSpecification(name: name, shape: shape, initial: .constant(0))])
    }
    #expect(try weights.tensors(for: layout("w", [1])) == [Tensor([1], values: [1])])
    let error = #expect(throws: WeightsError.self) { try weights.tensors(for: layout("mask", [2])) }
    #expect(
      error?.faults.contains("mask is of type \(type), and weights are floating-point numbers") == true, "\(String(describing: error))")
  }

  @Test(
    "a value that is not finite is told with its tensor",
    arguments: [("F32", 4, [0, 0, 0xC0, 0x7F]), ("F16", 2, [0, 0x7C]), ("BF16", 2, [0x80, 0xFF])] as [(String, Int, [UInt8])])
  func notFinite(type: String, width: Int, bits: [UInt8]) throws {
    let header =
      "{\"good\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"bad\":{\"dtype\":\"\(type)\",\"shape\":[3],\"data_offsets\":[4,\(4 + 3 * width)]}}"
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("finite-\(UUID().uuidString)")
    try file(header, [0, 0, 128, 63] + [UInt8](repeating: 0, count: 2 * width) + bits).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let error = #expect(throws: SafetensorsError.self) { try Safetensors.requireFinite(OpenFile(url)) }
    #expect(
      error?.description.hasPrefix("the tensor bad holds a value that is not finite, the first at 2") == true,
      "\(String(describing: error))")
  }
}
