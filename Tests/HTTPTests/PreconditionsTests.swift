import HTTP
import Testing

struct PreconditionsTests {
  private static let current = EntityTag(strong: "a")

  private static let cases: [(HTTPRequest.Method, HTTPFields, Preconditions.Outcome)] = [
    (HTTPRequest.Method.get, HTTPFields(), Preconditions.Outcome.proceed), (.get, [.ifNoneMatch: "\"a\""], .notModified),
    (.head, [.ifNoneMatch: "\"x\", W/\"a\""], .notModified), (.get, [.ifNoneMatch: "*"], .notModified),
    (.get, [.ifNoneMatch: "\"b\""], .proceed),
    (.put, [.ifNoneMatch: "*"], .failed), (.put, [.ifMatch: "\"a\""], .proceed), (.put, [.ifMatch: "W/\"a\""], .failed),
    (.put, [.ifMatch: "\"b\" , \"a\""], .proceed), (.put, [.ifMatch: "*"], .proceed),
    (.get, [.ifMatch: "\"b\"", .ifNoneMatch: "\"a\""], .failed),
    (.get, [.ifMatch: "\"a\"", .ifNoneMatch: "\"a\""], .notModified), (.get, [.ifNoneMatch: "a"], .proceed),
    (.get, [.ifMatch: "a"], .failed),
  ]

  @Test("a condition is weighed against the tag", arguments: cases) func aConditionIsWeighedAgainstTheTag(
    _ method: HTTPRequest.Method, _ headers: HTTPFields, _ expected: Preconditions.Outcome
  ) {
    #expect(Preconditions.evaluate(method: method, headers: headers, current: Self.current) == expected)
  }

  @Test("what does not exist matches nothing") func whatDoesNotExistMatchesNothing() {
    #expect(Preconditions.evaluate(method: .put, headers: [.ifMatch: "*"], current: nil) == .failed)
    #expect(Preconditions.evaluate(method: .put, headers: [.ifNoneMatch: "*"], current: nil) == .proceed)
  }

  @Test("fields on several lines are one list") func fieldsOnSeveralLinesAreOneList() {
    var headers = HTTPFields()
    headers.append(.init(name: .ifNoneMatch, value: "\"x\""))
    headers.append(.init(name: .ifNoneMatch, value: "\"a\""))
    #expect(Preconditions.evaluate(method: .get, headers: headers, current: Self.current) == .notModified)
  }

  @Test(
    "tags are read from a list",
    arguments: [
      ("\"a,b\", W/\"\" ,, \"c\"", ["\"a,b\"", "W/\"\"", "\"c\""]), ("\"a\"", ["\"a\""]), ("\"a\" \"b\"", nil), ("\"a", nil),
      ("w/\"a\"", nil), ("", nil),
    ])
  func tagsAreReadFromAList(_ text: String, _ expected: [String]?) {
    guard case .tags(let tags)? = EntityTag.List(text) else {
      #expect(expected == nil)
      return
    }
    #expect(tags.map(\.description) == expected)
  }
}
