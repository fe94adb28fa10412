import JSON
import Foundation
import Testing

@Suite("JSON") struct JSONValueTests {
  @Test(
    "valid documents are read",
    arguments: [
      ("null", JSONValue.null), (" true ", .bool(true)), ("-0", .int(0)), ("9223372036854775807", .int(.max)),
      ("9223372036854775808", .number(9223372036854775808)), ("1e2", .number(100)), ("0.15", .number(0.15)), ("1.0", .number(1)),
      ("\"\\u00e9\\ud83d\\ude00\\n\"", .string("é😀\n")), ("[]", .array([])), ("{}", .object(JSONObject())),
      ("{\"a\":[1,{\"b\":null}],\"c\":\"\"}", ["a": [1, ["b": nil]], "c": ""] as JSONValue),
    ])
  func reads(text: String, value: JSONValue) throws { #expect(try JSONValue(parsing: text) == value) }

  @Test(
    "what is not JSON is refused, with the place",
    arguments: [
      ("", 1, 1), ("{", 1, 2), ("{\"a\":1,}", 1, 7), ("[1, ]", 1, 3), ("{'a':1}", 1, 2), ("{\"a\" 1}", 1, 6), ("[1 2]", 1, 4), ("01", 1, 1),
      ("1.", 1, 3), ("-", 1, 2), ("1e", 1, 3), (".5", 1, 1), ("NaN", 1, 1), ("1e999", 1, 1), ("tru", 1, 1), ("1 2", 1, 3),
      ("{\n  \"a\": 1,\n  \"a\": 2}", 3, 3), ("\"\t\"", 1, 2), ("\"a", 1, 1), ("\"\\x\"", 1, 2), ("\"\\ud800\"", 1, 2),
      ("\"\\udc00\"", 1, 2), ("\"\\ud800\\u0041\"", 1, 2), ("\"\\u12g4\"", 1, 6), ("[\n\n  ?]", 3, 3),
      ("// no\n1", 1, 1), ("1\u{0}", 1, 2), ("+1", 1, 1), ("Infinity", 1, 1),
    ])
  func refuses(text: String, line: Int, column: Int) throws {
    let error = try #require(throws: JSONSyntaxError.self) { _ = try JSONValue(parsing: text) }
    #expect(error.line == line && error.column == column, "\(error)")
  }

  @Test("bytes that are not UTF-8 are refused") func notUTF8() {
    #expect(throws: JSONSyntaxError.self) { _ = try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    #expect(throws: JSONSyntaxError.self) { _ = try JSONValue(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }

  @Test("deep nesting is refused before the stack ends") func depth() {
    #expect(throws: Never.self) { _ = try JSONValue(parsing: String(repeating: "[", count: 100) + String(repeating: "]", count: 100)) }
    #expect(throws: JSONSyntaxError.self) { _ = try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
  }

  @Test("the error names the key that comes twice") func duplicate() throws {
    let error = try #require(throws: JSONSyntaxError.self) { _ = try JSONValue(parsing: "{\"epsilon\": 1, \"epsilon\": 2}") }
    #expect(error.description == "line 1, column 16: the key \"epsilon\" a second time in one object")
  }

  @Test("text reads back as the same value and keeps the order of keys, compact and indented") func writes() throws {
    let value: JSONValue = ["z": [1, 2.5, true, nil], "a": ["k": "\"\\\n\u{1}é😀/"], "e": [], "o": [:]]
    #expect(value.serialised() == "{\"z\":[1,2.5,true,null],\"a\":{\"k\":\"\\\"\\\\\\n\\u0001é😀/\"},\"e\":[],\"o\":{}}")
    for pretty in [false, true] { #expect(try JSONValue(parsing: value.serialised(pretty: pretty)) == value) }
    #expect((["a": [1]] as JSONValue).serialised(pretty: true) == "{\n  \"a\": [\n    1\n  ]\n}")
  }

  @Test("numbers that JSON has no notation for become strings, and others keep every digit") func numbers() throws {
    #expect(
      JSONValue.array([.number(.nan), .number(.infinity), .number(-.infinity)]).serialised() == "[\"NaN\",\"Infinity\",\"-Infinity\"]")
    for number in [0.1, 1e-7, 1e22, 1.7976931348623157e308, .leastNonzeroMagnitude, -2.5e-10, 123456.789] {
      #expect(try JSONValue(parsing: JSONValue.number(number).serialised()) == .number(number))
    }
  }

  @Test("another parser reads what is written") func foundationReads() throws {
    let value: JSONValue = ["a": [1, 2.5, 1e-7, true, nil, .number(.nan)], "b": "\u{1}\u{7F}é"]
    let object = try #require(try JSONSerialization.jsonObject(with: Data(value.serialised(pretty: true).utf8)) as? [String: Any])
    #expect(object["b"] as? String == "\u{1}\u{7F}é")
    #expect((object["a"] as? [Any])?.count == 6)
  }

  @Test("it passes through Foundation's coders") func codable() throws {
    let value: JSONValue = ["a": [1, 2.5, true, nil, "NaN"], "b": ["c": "x"]]
    #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value)) == value)
    #expect(try JSONValue(encoding: value).decoded(as: JSONValue.self) == value)
  }

  @Test("an object's members can be set, replaced and removed") func objects() {
    var object: JSONObject = ["b": 1, "a": 2]
    object["b"] = 3
    object["c"] = nil
    #expect(object.keys == ["b", "a"] && object["b"] == 3)
    object["b"] = nil
    #expect(object.keys == ["a"] && object["b"] == nil)
    #expect((["x": 1, "y": 2] as JSONValue) == (["y": 2, "x": 1] as JSONValue))
  }

  @Test("a value at a pointer is replaced, made or removed, and what is no object on the way stays") func setting() throws {
    let document: JSONValue = ["a": ["b": 1, "c/d": 2], "e": 5]
    #expect(document.setting("/a/b", to: 3) == ["a": ["b": 3, "c/d": 2], "e": 5])
    #expect(document.setting("/a/c~1d", to: nil as JSONValue?) == ["a": ["b": 1], "e": 5])
    #expect(document.setting("/x/y", to: true) == ["a": ["b": 1, "c/d": 2], "e": 5, "x": ["y": true]])
    #expect(document.setting("/e/f", to: 1) == document)
    #expect(JSONValue.array([1]).setting("/a", to: 1) == [1])
  }
}
