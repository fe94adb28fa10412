import JSON
import Testing

@Suite("Reading by fields") struct FieldReaderTests {
  private static let shapes = Variants(
    "shape",
    [
      Variants.Variant("circle", "", [Field("radius", .number(above: 0, to: 9), .required, help: "")]),
      Variants.Variant(
        "box", "", [Field("size", .extent(1...9), default: 2, help: ""), Field("depth", .extent(1...9), .sameAs("size"), help: "")]),
    ], default: "box", later: ["star"], elsewhere: ["line": "a line is no shape"], help: "")

  private static let type: ObjectType = ObjectType(
    "Drawing", "", variants: shapes, alternatives: Alternatives([["name"], ["id"]], conflict: "give a name or an id"),
    fields: [
      Field("name", .text(1...5), .alternative, help: ""), Field("id", .integer(1...9), .alternative, help: ""),
      Field("width", .number(0...10, unit: .pixels), default: 1.0, help: ""),
      Field("curve", .list(.number(atLeast: 0, unit: .pixels), count: 0...3), default: [], help: ""),
      Field("tags", .texts(TextMap(("tag", "tags"), count: 2, nameLength: 1...3, valueLength: 0...3)), default: [:], help: ""),
      Field("parts", .list(.object(type), count: 0...2), default: [], help: ""),
      Field("corners", .odd(3...7), help: ""),
      Field("round", .boolean, default: false, help: "", onlyDefault: "nothing is round yet"),
      Field("later", .only(nil, .notSupported, "there is no later"), help: ""),
    ])

  private func read(_ document: JSONValue) -> (values: FieldValues, faults: [FieldFault]) {
    let reader = FieldReader()
    return (reader.object(document, as: Self.type), reader.log.faults)
  }

  @Test("what is left out, or null, takes its default, those within it too") func defaults() throws {
    let (values, faults) = read(["name": "a", "size": nil, "parts": [["id": 3, "shape": "box", "size": [4, 4]]]])
    #expect(faults.isEmpty)
    let part: JSONValue = [
      "shape": "box", "size": 4, "depth": 4, "id": 3, "width": 1.0, "curve": [], "tags": [:], "parts": [], "corners": nil, "round": false,
      "later": nil,
    ]
    #expect(
      JSONValue.object(values.object) == [
        "shape": "box", "size": 2, "depth": 2, "name": "a", "width": 1.0, "curve": [], "tags": [:], "parts": [part],
        "corners": nil, "round": false, "later": nil,
      ])
    #expect(read(.object(values.object)).values == values)
  }

  static let faulty: [(JSONValue, String, FieldFault.Code, String)] = [
    ([1], "", .wrongType, "must be an object, not a list"),
    ([:], "/name", .required, "name is required"),
    (["id": 1, "name": "a"], "/id", .conflict, "give a name or an id"),
    (["name": "a", "widht": 1], "/widht", .unknownField, "there is no field \"widht\"; did you mean width?"),
    (
      ["name": "a", "a/b~c": 1], "/a~1b~0c", .unknownField,
      "there is no field \"a/b~c\"; known here: corners, curve, depth, id, later, name, parts, round, shape, size, tags, width"
    ),
    (["name": "abcdef"], "/name", .outOfRange, "must have 1 to 5 characters, not 6"),
    (["id": 1.5], "/id", .wrongType, "must be a whole number, not the number 1.5"),
    (["id": 10], "/id", .outOfRange, "must be from 1 to 9, not 10"),
    (["name": "a", "corners": 4], "/corners", .outOfRange, "must be odd, from 3 to 7, not 4"),
    (["name": "a", "corners": 9], "/corners", .outOfRange, "must be odd, from 3 to 7, not 9"),
    (["name": "a", "corners": "5"], "/corners", .wrongType, "must be a whole number, not a string"),
    (["name": "a", "width": 11], "/width", .outOfRange, "must be from 0.0 to 10.0, not 11.0"),
    (["name": "a", "curve": [0, "x"]], "/curve/1", .wrongType, "must be a number, or a fraction"),
    (["name": "a", "curve": [1, 2, 3, 4]], "/curve", .outOfRange, "must have 0 to 3 entries, not 4"),
    (["name": "a", "tags": ["a": "b", "c": 1]], "/tags/c", .wrongType, "must be a string, not the number 1"),
    (["name": "a", "tags": ["a": "", "b": "", "c": ""]], "/tags", .outOfRange, "there may be at most 2 tags, not 3"),
    (["name": "a", "tags": ["abcd": ""]], "/tags/abcd", .outOfRange, "a tag's name must have 1 to 3 characters, not 4"),
    (["name": "a", "shape": "star"], "/shape", .notSupported, "star is not available in this version; available: circle, box"),
    (["name": "a", "shape": "line"], "/shape", .conflict, "a line is no shape"),
    (
      ["name": "a", "shape": "cicrle", "radius": 1], "/shape", .notAllowed,
      "must be one of circle, box, not \"cicrle\"; did you mean circle?"
    ),
    (["name": "a", "shape": "circle"], "/radius", .required, "radius is required"),
    (["name": "a", "shape": "circle", "radius": 0], "/radius", .outOfRange, "must be from 0.0 to 9.0, but not 0.0, not 0.0"),
    (["name": "a", "size": [1, 2, 3]], "/size", .outOfRange, "must have 2 to 2 entries, not 3"),
    (["name": "a", "size": [1, 10]], "/size/1", .outOfRange, "must be from 1 to 9, not 10"),
    (["name": "a", "round": true], "/round", .conflict, "nothing is round yet"),
    (["name": "a", "later": 1], "/later", .notSupported, "there is no later"),
    (["name": "a", "parts": [["name": "b", "parts": [["id": 0]]]]], "/parts/0/parts/0/id", .outOfRange, "must be from 1 to 9, not 0"),
  ]

  @Test("a fault is noted where it is, alone, in words", arguments: faulty)
  func faults(document: JSONValue, pointer: String, code: FieldFault.Code, detail: String) {
    let faults = read(document).faults
    #expect(faults.map(\.pointer) == [pointer])
    #expect(faults.map(\.code) == [code])
    #expect(faults.allSatisfy { $0.detail.hasPrefix(detail) }, "\(faults)")
  }

  @Test("all faults come at once, and every field has a value whatever was wrong") func all() {
    let (values, faults) = read(["shape": "circel", "radius": "wide", "size": 1, "width": -1, "colour": 3, "tags": 1])
    #expect(Set(faults.map(\.pointer)) == ["/shape", "/radius", "/width", "/colour", "/tags", "/name"])
    #expect(values.text("shape") == "circle")
    #expect(values.number("width") == 1)
    #expect(values.texts("tags").isEmpty)
  }

  @Test(
    "a number of pixels may be a fraction as text",
    arguments: [
      ("8/255", 8.0 / 255), ("0/1", 0), ("255/255", 1), ("000000000000008/255", 8.0 / 255), ("8/00000000000000000255", 8.0 / 255),
    ] as [(String, Double)])
  func fractions(text: String, value: Double) {
    #expect(read(["name": "a", "width": .string(text)]).values.number("width") == value)
  }

  static let noNumbers: [(String, FieldFault.Code, String)] = [
    ("0.1", .wrongType, "not the text \"0.1\"; write the number without quotes"),
    ("8/0", .outOfRange, "not the text \"8/0\": nothing is divided by 0"),
    ("8/000", .outOfRange, "nothing is divided by 0"),
    ("-8/255", .outOfRange, "must be from 0.0 to 10.0, not \"-8/255\""),
    ("5000/255", .outOfRange, "must be from 0.0 to 10.0, not \"5000/255\""),
    ("8/-255", .wrongType, "\"8/255\", not the text \"8/-255\""),
    ("1e400/2", .wrongType, "must be a number, or a fraction of two whole numbers such as \"8/255\", not the text \"1e400/2\""),
    ("1/2/3", .wrongType, "not the text \"1/2/3\""), ("8 / 255", .wrongType, "not the text"), ("/255", .wrongType, "not the text"),
    ("8/", .wrongType, "not the text"), ("", .wrongType, "not the text"), ("nan", .wrongType, "not the text \"nan\""),
    ("9999999999999999/1", .wrongType, "not the text"), ("٨/٢", .wrongType, "not the text"),
  ]

  @Test("any other text is no number, and says what to write", arguments: noNumbers)
  func noFractions(text: String, code: FieldFault.Code, detail: String) {
    let faults = read(["name": "a", "width": .string(text)]).faults
    #expect(faults.map(\.code) == [code])
    #expect(faults.allSatisfy { $0.detail.contains(detail) }, "\(faults)")
  }

  @Test("a text is no number where the unit is not pixels") func otherUnits() {
    #expect(read(["name": "a", "shape": "circle", "radius": "8/255"]).faults.map(\.code) == [.wrongType])
  }
}
