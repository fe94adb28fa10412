import Foundation
import Service
import Testing

/// The page as the executable has it. What it does is tested in a browser: `Tests/Browser`.
@Suite("The dashboard") struct DashboardTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Sources/Service/Dashboard/Page").standardizedFileURL

  @Test("the executable has every file of the page as it is in the sources") func same() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(names) == Set(DashboardFile.all.map(\.name)))
    for file in DashboardFile.all {
      let source = try String(contentsOf: Self.folder.appendingPathComponent(file.name), encoding: .utf8)
      #expect(file.text == source, "write it anew: python3 Sources/Service/Dashboard/generate.py")
    }
  }

  @Test("the executable has the files for clients as they are in the sources") func clients() throws {
    let folder = Self.folder.appendingPathComponent("../../Client").standardizedFileURL
    for file in ClientFile.all {
      let source = try String(contentsOf: folder.appendingPathComponent(file.name), encoding: .utf8)
      #expect(file.text == source, "write it anew: python3 Sources/Service/Client/generate.py")
    }
  }

  @Test("the page is small, asks no other host for anything, and every file that it names is there") func whole() throws {
    #expect(DashboardFile.all.reduce(0) { $0 + $1.text.utf8.count } < 300_000)
    let names = Set(DashboardFile.all.map(\.name))
    for file in DashboardFile.all {
      for match in file.text.matches(of: /https?:\/\/[^\s"'`]+/) {
        #expect(match.output.hasPrefix("http://www.w3.org/"), "\(file.name): \(match.output)")
      }
      for match in file.text.matches(of: /(?:from |import\()"\.\/([^"]+)"/) {
        #expect(names.contains(String(match.output.1)), "\(match.output.1)")
      }
      for match in file.text.matches(of: /"\/dashboard\/([^"]+)"/) { #expect(names.contains(String(match.output.1)), "\(match.output.1)") }
    }
  }

  @Test("browsers get the page under a policy without inline script or style, and clients that ask for JSON the routes") func served()
    async throws
  {
    try await RunningService.with { service async throws in
      let page = try await service.curl("/")
      #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
      let policy = try #require(page.headers["content-security-policy"])
      #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("unsafe") && !policy.contains("data:") && !policy.contains("*"))
      #expect(!page.text.contains("style=\"") && page.text.firstMatch(of: /<script[^>]*>[^<]|<style| on[a-z]+=/) == nil)
      #expect(try await service.curl("/", "-H", "If-None-Match: \(page.headers["etag"] ?? "")").status == 304)
      #expect(try await service.curl("/", "-H", "Accept: application/json").json["service"] == "temper")
      #expect(try await service.curl("/", "-H", "Accept: image/png").isProblem(406))
      for file in DashboardFile.all where file.name != "index.html" {
        let answer = try await service.curl("/dashboard/\(file.name)")
        #expect(answer.status == 200 && answer.text == file.text && answer.headers["x-content-type-options"] == "nosniff", "\(file.name)")
      }
      #expect(try await service.curl("/dashboard/none.js").isProblem(404))
    }
  }
}
