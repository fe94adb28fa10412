import Foundation
import Models
import TensorEngine
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
  private func file(_ header: String, _ values: [UInt8] = []) -> Data {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8) + Data(values)
  }

  private let example = Safetensors(
    Weights([
      .init(name: "1.weight", tensor: Tensor([2, 1], values: [1, -2])), .init(name: "0.bias", tensor: Tensor([1], values: [0.5])),
    ]),
    metadata: ["b": "line\nbreak \u{1}", "a": "\"quoted\" \\ é 🙂"])

  @Test("a file holds the length, the header with metadata sorted and tensors in order, and the values") func writesTheFormat() throws {
    let data = example.encoded()
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = String(decoding: data[8..<8 + length], as: UTF8.self)
    #expect(
      header.trimmingCharacters(in: .whitespaces) == #"""
        {"__metadata__":{"a":"\"quoted\" \\ é 🙂","b":"line\nbreak \u0001"},"1.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}
        """#)
    #expect(length % 8 == 0)
    #expect(Array(data[(8 + length)...]) == [0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 0, 63])
    #expect(example.byteCount == data.count)
  }

  @Test("what was written is read again, order and metadata included") func roundTrips() throws {
    let read = try Safetensors(example.encoded())
    #expect(read.weights == example.weights)
    #expect(read.metadata == example.metadata)
    #expect(read.encoded() == example.encoded())
  }

  @Test("a slice of data is read like data of its own") func readsSlices() throws {
    let sliced = (Data([1, 2, 3]) + example.encoded()).dropFirst(3)
    #expect(try Safetensors(sliced).weights == example.weights)
  }

  @Test("a file on disk is read, and written piece by piece it is the same") func readsFiles() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    var pieces = Data()
    example.write { pieces.append(contentsOf: $0) }
    try pieces.write(to: url)
    #expect(try Safetensors(contentsOf: url).weights == example.weights)
  }

  /// 1, −2 and 0.5 in each type, and the header's name of it.
  static let types: [(String, [UInt8])] = [
    ("F16", [0x00, 0x3C, 0x00, 0xC0, 0x00, 0x38]),
    ("BF16", [0x80, 0x3F, 0x00, 0xC0, 0x00, 0x3F]),
    ("F32", [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0x3F]),
    ("F64", [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F]),
  ]

  @Test("each type of number is converted", arguments: types) func convertsTypes(type: String, bytes: [UInt8]) throws {
    let data = file(#"{"w":{"dtype":"\#(type)","shape":[3],"data_offsets":[0,\#(bytes.count)]}}"#, bytes)
    #expect(try Safetensors(data).weights["w"]?.values == [1, -2, 0.5])
  }

  @Test("scalars, empty tensors, white space and escaped names are read") func readsUnusualHeaders() throws {
    let data = file(
      " \n".trimmingCharacters(in: .whitespacesAndNewlines)
        + #"{ "\u0061\/é" : {"shape": [], "data_offsets": [0, 4], "dtype": "F32"}, "e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]} }  "#,
      [0, 0, 128, 63])
    let read = try Safetensors(data)
    #expect(read.weights["a/é"] == Tensor([], values: [1]))
    #expect(read.weights["e"] == Tensor(zeros: [0, 3]))
  }

  /// Headers, the bytes of values that follow, and a part of what is said of them.
  static let faults: [(String, Int, String)] = [
    ("", 0, "does not begin with {"),
    (#"[]"#, 0, "does not begin with {"),
    (#"{"w""#, 0, "':' expected after the key \"w\", not the end of the text, at byte 12"),
    (#"{"w": 1}"#, 0, "w needs an object with dtype, shape and data_offsets"),
    (#"{} x"#, 0, "'x' after the end of the document, at byte 11"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, 4, "',' or '}' expected, not the end of the text"),
    (
      #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#, 4,
      "a comma after the last entry; JSON has commas only between two, at byte 61"
    ),
    (
      #"{"w":{"dtype":"F32","shape":[1,],"data_offsets":[0,4]}}"#, 4,
      "a comma after the last entry; JSON has commas only between two, at byte 38"
    ),
    (#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "shape of w must hold whole numbers from 0, not -1"),
    (#"{"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, "shape of w must hold whole numbers from 0, not 1.0"),
    (#"{"w":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, 4, "a number with a leading zero"),
    (#"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, "whole numbers from 0, not 1e+20"),
    (#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "is too large"),
    (#"{"w":{"dtype":"F32","shape":[1]}}"#, 4, "w needs an object with dtype, shape and data_offsets"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, 4, "w has a field x"),
    (#"{"w":{"dtype":"C64","shape":[1],"data_offsets":[0,4]}}"#, 4, "w is of type C64: weights are F16, BF16, F32, F64"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "must be where its values begin and end"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "must be where its values begin and end"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "has 4 bytes of values, but F32 of shape [2] takes 8"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "it is truncated"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "1 bytes follow the last tensor's values"),
    (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "leave a gap"),
    (
      #"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12,
      "the values of w begin at 4 and overlap those before them, which end at 8"
    ),
    (
      #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0077":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8,
      "the key \"w\" a second time in one object, at byte 62"
    ),
    (#"{"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "the key \"dtype\" a second time"),
    (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "the key \"a\" a second time"),
    (#"{"__metadata__":{"a":1}}"#, 0, "a in __metadata__ must be a string"),
    (#"{"__metadata__":[]}"#, 0, "__metadata__ must be an object of strings"),
    (#"{"w":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}"#, 4, "dtype of w must be a string"),
    (#"{"w":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}"#, 4, "shape of w must be a list of whole numbers"),
    ("{\"w\":" + String(repeating: "[", count: 100_000), 0, "more than 128 levels"),
    (#"{"__metadata__":{"a":"\x"}}"#, 0, "an escape that JSON does not have"),
    (#"{"__metadata__":{"a":"\"#, 0, "an escape cut off"),
    (#"{"__metadata__":{"a":"1"#, 0, "a string without its closing quote"),
  ]

  @Test("a faulty file is refused with what is wrong", arguments: faults)
  func refusesFaultyFiles(header: String, bytes: Int, part: String) {
    let error = #expect(throws: SafetensorsError.self) { try Safetensors(file(header, [UInt8](repeating: 0, count: bytes))) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test("a header that is too long, or longer than the file, is refused before it is read")
  func refusesLengths() {
    let long = #expect(throws: SafetensorsError.self) { try Safetensors(Data([255, 255, 255, 255, 255, 255, 255, 255])) }
    #expect(long?.description.contains("more than 100000000") == true)
    let short = #expect(throws: SafetensorsError.self) { try Safetensors(Data([9, 0, 0, 0, 0, 0, 0, 0, 123, 125])) }
    #expect(short?.description.contains("only 2 follow: the file is truncated") == true)
    #expect(throws: SafetensorsError.self) { try Safetensors(Data([1, 2, 3])) }
    #expect(throws: SafetensorsError.self) { try Safetensors(Data()) }
  }

  @Test("a file cut off anywhere is refused") func refusesEveryTruncation() {
    let data = example.encoded()
    for length in 0..<data.count {
      #expect(throws: SafetensorsError.self, "cut to \(length) bytes") { try Safetensors(data.prefix(length)) }
    }
  }
}
