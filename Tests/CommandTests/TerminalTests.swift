import JSON
import Logging
import Robustness
import Synchronization
import Testing

import temper

@Suite struct TerminalTests {
  private static var progress: ProgressFacts {
    var facts = ProgressFacts()
    facts.phase = "retrain"
    (facts.epoch, facts.epochs, facts.fraction) = (7, 30, 0.5)
    (facts.loss, facts.robustAccuracy, facts.etaSeconds) = (0.4125, 0.718, 72)
    return facts
  }

  @Test("the bar says phase, epoch, share, loss, robust accuracy and time left") func barSaysPhaseEpoch() {
    let line = ProgressBar(columns: 80, color: false).line(Self.progress)
    #expect(line == "retrain 7/30 ━━━━━━━───────  50%  loss 0.412  validation robust 71.8%  eta 1:12")
  }

  @Test("the line shows how the robust accuracy went, with a column for each of the last epochs") func history() {
    var progress = Self.progress
    progress.robustHistory = [0, 0.13, 0.5, 0.718, 1, .nan]
    let line = ProgressBar(columns: 90, color: false).line(progress)
    #expect(line.contains("robust ▁▂▅▆█  71.8%"), "\(line)")
  }

  @Test("the bar is never as wide as the terminal", arguments: [10, 20, 40, 60, 79, 80, 120, 200]) func barIsNever(columns: Int) {
    #expect(ProgressBar(columns: columns, color: false).line(Self.progress).count < columns)
  }

  @Test("nothing but the bar itself is coloured, and only where it may be") func nothingButTheBarItself() {
    let (plain, colored) = (ProgressBar(columns: 80, color: false), ProgressBar(columns: 80, color: true))
    #expect(!plain.line(Self.progress).contains("\u{1B}"))
    #expect(colored.line(Self.progress).replacing(/\u{1B}\[[0-9;]*m/, with: "") == plain.line(Self.progress))
  }

  @Test(
    "durations are short",
    arguments: [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (10_929, "3:02:09"), (.infinity, "–"), (.nan, "–")])
  func durationsAreShort(seconds: Double, text: String) {
    #expect(ProgressBar.duration(seconds) == text)
  }

  @Test("a log line is one JSON object with its metadata as members") func logLineIsOne() throws {
    let written = Written()
    var logger = Logger(label: "test") { JSONLogHandler(label: $0, level: .info) { written.add($0) } }
    logger[metadataKey: "request"] = "r1"
    logger.debug("not this one")
    logger.info("a \"word\"\nor two", metadata: ["port": .stringConvertible(8080), "ok": .stringConvertible(true), "list": ["a", "b"]])
    let line = try #require(written.lines.first)
    #expect(written.lines.count == 1)
    #expect(line.hasSuffix("\n") && line.dropLast().contains("\n") == false)
    let json = try JSONValue(parsing: line.utf8)
    #expect(json["level"] == "info")
    #expect(json["logger"] == "test")
    #expect(json["message"] == "a \"word\"\nor two")
    #expect(json["request"] == "r1")
    #expect(json["port"] == 8080)
    #expect(json["ok"] == true)
    #expect(json["list"] == ["a", "b"])
    #expect(json["time"]?.string?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
  }

  private final class Written: Sendable {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }
    func add(_ line: String) { state.withLock { $0.append(line) } }
  }
}
