import JSON
import Testing

@Suite("Places in a JSON text") struct JSONPlacesTests {
  private static let text = """
    {
      "name": "é😀", "x": 1,
      "gates": [
        {"metric": "a"},
        {
          "metric": "b", "min": 0.5
        }
      ],
      "a/b~c": {"": null}
    }
    """

  private func place(of pointer: String, _ text: String = text) throws -> [Int] {
    let place = try JSONPlaces(parsing: text.utf8).place(of: pointer)
    return [place.line, place.column, place.endLine, place.endColumn]
  }

  @Test(
    "a value stands where its text does, a member with its key; the end is the place behind it",
    arguments: [
      ("/name", [2, 3, 2, 15]), ("/x", [2, 17, 2, 23]), ("/gates", [3, 3, 8, 4]), ("/gates/0", [4, 5, 4, 20]), ("/gates/1", [5, 5, 7, 6]),
      ("/gates/1/min", [6, 22, 6, 32]), ("/a~1b~0c", [9, 3, 9, 22]), ("/a~1b~0c/", [9, 13, 9, 21]),
    ])
  func places(pointer: String, expected: [Int]) throws { #expect(try place(of: pointer) == expected) }

  @Test(
    "what is not there stands where the nearest above it does, in the end at the beginning",
    arguments: [
      ("/gates/7/min", [3, 3, 8, 4]), ("/gates/0/attack", [4, 5, 4, 20]), ("/nothing/at/all", [1, 1, 1, 2]), ("", [1, 1, 1, 2]),
    ])
  func nearest(pointer: String, expected: [Int]) throws { #expect(try place(of: pointer) == expected) }

  @Test("lines that end with a carriage return too are counted once") func carriageReturn() throws {
    #expect(try place(of: "/b", "{\r\n\"a\": 1,\r\n\"b\": 2}") == [3, 1, 3, 7])
  }

  @Test("an element of a nested list has its own place") func nested() throws {
    #expect(try place(of: "/1/0", "[[1, 2], [ 30 ]]") == [1, 12, 1, 14])
    #expect(try place(of: "/0/1", "[[1, 2], [ 30 ]]") == [1, 6, 1, 7])
  }

  @Test("what is not JSON is refused, with its place") func syntax() {
    #expect(throws: JSONSyntaxError.self) { _ = try JSONPlaces(parsing: "{\"a\": }".utf8) }
  }
}
