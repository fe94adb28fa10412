import Foundation
import JSON
import Testing

@Suite("Compressed answers") struct CompressionTests {
  @Test("a large document is compressed for whoever takes gzip, under a tag of its own that conditions know") func gzip() async throws {
    try await RunningService.with { service async throws in
      let plain = try await service.curl("/openapi.json")
      #expect(plain.headers["content-encoding"] == nil && plain.headers["vary"]?.contains("Accept-Encoding") == true)
      let coded = try await service.curl("/openapi.json", "--compressed")
      #expect(coded.headers["content-encoding"] == "gzip" && coded.body == plain.body)
      #expect(coded.headers["vary"]?.contains("Accept-Encoding") == true)
      let length = try #require(coded.headers["content-length"].flatMap { Int($0) })
      #expect(length < plain.body.count / 4)
      let (tag, codedTag) = (try #require(plain.headers["etag"]), try #require(coded.headers["etag"]))
      #expect(codedTag == tag.dropLast() + "-gzip\"")
      for known in [tag, codedTag] {
        let answer = try await service.curl("/openapi.json", "--compressed", "-H", "If-None-Match: \(known)")
        #expect(answer.status == 304 && answer.headers["etag"] == known, "\(known)")
        #expect(try await service.curl("/openapi.json", "-H", "If-Match: \(known)").status == 200)
      }
      let head = try await service.curl("/openapi.json", "-I", "-H", "Accept-Encoding: gzip")
      #expect(head.headers["content-length"] == coded.headers["content-length"] && head.headers["etag"] == codedTag)
    }
  }

  @Test(
    "who does not take gzip does not get it",
    arguments: [
      ("gzip", true), ("GZIP;q=0.5", true), ("br, *;q=0.1", true), ("x-gzip", true), ("gzip;q=0", false), ("identity", false),
      ("br, deflate", false), ("*;q=0", false), ("gzip;q=0, *", false), ("\u{212A}gzip", false),
    ])
  func accepted(field: String, isCoded: Bool) async throws {
    try await RunningService.with { service async throws in
      let answer = try await service.curl("/openapi.json", "-H", "Accept-Encoding: \(field)")
      #expect((answer.headers["content-encoding"] == "gzip") == isCoded)
    }
  }
}
