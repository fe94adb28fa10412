import Foundation
import JSON
import Testing

/// Jobs beside each other: by two, and all of one data set and threat.
@Suite("Comparisons") struct ComparisonRoutesTests {
  private static func ended(_ service: RunningService, _ spec: String) async throws -> String {
    let answer = try await service.post("/v1/jobs", spec)
    let id = try #require(answer.json["id"]?.text, "\(answer.text)")
    #expect(try await service.job(id)["state"]?.text == "succeeded")
    return id
  }

  private static func strong(_ epochs: Int) -> String {
    Spec.quick().replacing("\"epochs\": 1", with: "\"epochs\": \(epochs)")
      .replacing(#"[{"name": "fgsm"}, {"name": "pgd", "steps": 3}]"#, with: #"[{"name": "apgd_t"}]"#)
  }

  @Test("two jobs of the same images and attacks are tested example by example, those attacked otherwise on the clean images alone")
  func paired() async throws {
    try await RunningService.with { service async throws in
      let weak = try await Self.ended(service, Spec.quick())
      let (first, second) = (try await Self.ended(service, Self.strong(1)), try await Self.ended(service, Self.strong(8)))
      let comparison = try await service.curl("/v1/jobs/\(first)/comparison/\(second)").json
      #expect(comparison["jobs"] == [.string(first), .string(second)])
      #expect(comparison["spec"]?.list == [["pointer": "/training/epochs", "values": [1, 8]]], "\(comparison.serialised())")
      for (index, id) in [first, second].enumerated() {
        let report = try await service.curl("/v1/jobs/\(id)/report").json["after"]
        for (metric, member) in [("clean_accuracy", "clean_accuracy"), ("robust_accuracy", "worst_case")] {
          let figure = comparison["figures"]?.list.first { $0["metric"]?.text == metric }?["values"]?.list[index]
          #expect(figure?["value"]?.double == report?[member]?["value"]?.double, "\(metric)")
        }
      }
      let test = comparison["paired"]?["robust_accuracy"]
      let counts = ["both", "gained", "lost", "neither"].map { test?[$0]?.integer ?? -1 }
      #expect(counts.reduce(0, +) == 50 && counts.allSatisfy { $0 >= 0 })
      // The other way round what was gained is lost.
      let back = try await service.curl("/v1/jobs/\(second)/comparison/\(first)").json["paired"]?["robust_accuracy"]
      #expect(back?["gained"] == test?["lost"] && back?["lost"] == test?["gained"] && back?["p"] == test?["p"])

      let other = try await service.curl("/v1/jobs/\(first)/comparison/\(weak)").json["paired"]
      #expect(other?["robust_accuracy"] == .null && other?["clean_accuracy"]?["total"] == nil && other?["clean_accuracy"] != .null)
      #expect(other?["reason"]?.text?.contains("not attacked alike") == true)

      // The leaderboard: a place for strong evaluations alone, the better first.
      let rows = try await service.curl("/v1/leaderboard?dataset=digits&norm=linf&epsilon=0.1").json["data"]?.list ?? []
      #expect(rows.count == 3 && rows.last?["job"]?.text == weak && rows.last?["place"] == .null && rows.last?["strong"] == false)
      let robust = rows.prefix(2).compactMap { $0["figures"]?["robust_accuracy"]?["value"]?.double }
      #expect(robust.count == 2 && robust[0] >= robust[1] && rows[0]["place"] == 1)
      #expect(try await service.curl("/v1/leaderboard?epsilon=8/255").json["data"] == [])
      let table = try await service.curl("/v1/leaderboard", "-H", "Accept: text/csv")
      #expect(table.text.hasPrefix("place,job,name,dataset,norm,epsilon,") && table.text.split(separator: "\r\n").count == 4)
      #expect(try await service.curl("/v1/jobs?id=\(weak.suffix(10))").json["data"]?.list.compactMap { $0["id"]?.text } == [weak])
    }
  }
}
