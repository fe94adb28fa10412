import Foundation
import HTTP
import Testing

struct ProblemTests {
  private struct Fault: Encodable, Sendable {
    let pointer: String
  }

  @Test("a problem has the members of the standard and its own") func aProblemHasTheMembersOfTheStandardAndItsOwn() throws {
    let problem = Problem(
      status: .unprocessableContent, detail: "two faults", type: "https://x/spec", requestID: "req_1",
      members: ["errors": [Fault(pointer: "/a"), Fault(pointer: "/b")], "status": 7])
    let document = try #require(try JSONSerialization.jsonObject(with: Data(problem.encoded())) as? [String: Any])
    // A further member cannot replace a standard one.
    #expect(document["status"] as? Int == 422)
    #expect(document["title"] as? String == "Unprocessable Content")
    #expect(document["type"] as? String == "https://x/spec")
    #expect(document["request_id"] as? String == "req_1")
    #expect((document["errors"] as? [[String: String]])?.map { $0["pointer"] } == ["/a", "/b"])
  }

  @Test("what cannot be written is left out") func whatCannotBeWrittenIsLeftOut() throws {
    let document = try JSONSerialization.jsonObject(with: Data(Problem(status: .conflict, members: ["x": Double.nan]).encoded()))
    #expect((document as? [String: Any])?["status"] as? Int == 409)
  }

  @Test("a bare number still has its phrase") func aBareNumberStillHasItsPhrase() {
    #expect(Problem(status: 413).title == "Content Too Large")
  }
}

struct RequestIDTests {
  @Test("new ones are sane and differ") func newOnesAreSaneAndDiffer() {
    let ids = (0..<100).map { _ in RequestID.new() }
    #expect(Set(ids).count == 100)
    #expect(ids.allSatisfy { RequestID.kept($0) == $0 && $0.count == 20 })
  }

  @Test(
    "a wild one is not kept", arguments: ["", "a b", "a\"b", "é", String(repeating: "x", count: 129)]) func aWildOneIsNotKept(_ id: String)
  {
    #expect(RequestID.kept(id) == nil)
  }

  @Test("an UUID is kept") func anUUIDIsKept() { #expect(RequestID.kept("5b1f6f0a-4a0e-4f6e-9f70-0a5f3d2b1c00") != nil) }
}

struct HTTPDateTests {
  @Test(
    "a date is written as the standard shows",
    arguments: [
      (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
    ])
  func aDateIsWrittenAsTheStandardShows(_ seconds: Int, _ text: String) { #expect(HTTPDate.string(secondsSince1970: seconds) == text) }
}
