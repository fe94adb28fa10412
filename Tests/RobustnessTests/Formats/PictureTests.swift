import Foundation
import FoundationXML
import Robustness
import Testing

@Suite("Pictures of a report") struct PictureTests {
  private func picture(_ name: String) throws -> ReportPicture { try #require(ReportPicture.all.first { $0.name == name }) }

  private func document(_ sample: SampleDocument = .failing, classes: [String]? = nil) throws -> ReportDocument {
    var report = sample.report
    if let classes { report.dataset.classes = classes }
    // 500 of each class; the rows are the true ones.
    report.after.confusion = Confusion(clean: [[495, 5], [5, 495]], attacked: [[400, 100], [180, 320]])
    var document = try ReportDocument(report, from: SampleDocument.origin)
    for epoch in 1...4 {
      var values: [String: Double] = ["validation_robust_accuracy": 0.25 * Double(epoch), "learning_rate": 0.01]
      values["loss"] = epoch == 2 ? Double.nan : 2 / Double(epoch)
      document.history.append(HistoryPoint(epoch: epoch, isBase: epoch == 1, values: values))
    }
    return document
  }

  private func elements(_ svg: [UInt8]) throws -> [XMLElement] {
    func all(_ element: XMLElement) -> [XMLElement] {
      [element] + (element.children ?? []).compactMap { $0 as? XMLElement }.flatMap(all)
    }
    // FoundationXML finds no attribute by its name in a document with a namespace.
    let namespace = #" xmlns="http://www.w3.org/2000/svg""#
    let text = String(decoding: svg, as: UTF8.self)
    #expect(text.contains(namespace))
    return all(try #require(try XMLDocument(data: Data(text.replacing(namespace, with: "").utf8), options: []).rootElement()))
  }

  private func paths(_ svg: [UInt8], _ style: String) throws -> [String] {
    try elements(svg).filter { $0.attribute(forName: "class")?.stringValue == style }.compactMap { $0.attribute(forName: "d")?.stringValue }
  }

  @Test(
    "a picture is well-formed, has no script and loads nothing, whatever the names",
    arguments: ["curve.svg", "history.svg", "confusion.svg"],
    SampleDocument.allCases)
  func harmless(name: String, sample: SampleDocument) throws {
    let svg = try #require(try picture(name).draw(document(sample)))
    for element in try elements(svg) {
      #expect(["svg", "title", "style", "path", "text"].contains(element.name ?? ""), "\(element.name ?? "")")
      let attributes = Set((element.attributes ?? []).compactMap(\.name))
      #expect(
        attributes.isSubset(of: [
          "viewBox", "width", "height", "role", "aria-label", "class", "d", "x", "y", "text-anchor", "fill-opacity", "transform",
        ]), "\(attributes)")
    }
    let text = String(decoding: svg, as: UTF8.self)
    #expect(!text.contains("url(") && !text.contains("@import") && !text.contains("NaN") && !text.contains("inf "))
    #expect(text.contains("prefers-color-scheme: dark"))
    #expect(try picture(name).contentSecurityPolicy.hasPrefix("default-src 'none'; style-src 'sha256-"))
  }

  @Test("the curve has a line and a band for before and for after, at the heights of their numbers") func curve() throws {
    let svg = try #require(try picture("curve.svg").draw(document()))
    // The plot lies from 60 to 690 and from 62, for 100 %, to 352; epsilon goes from 0 to 0.15. Before: 99 % and 1 %, after: 99 % and 72 %.
    #expect(try paths(svg, "line look0").contains("M60.0 64.9L690.0 143.2"))
    #expect(try paths(svg, "line look1").contains("M60.0 64.9L690.0 349.1"))
    // Wilson's intervals of 990 and of 720 in 1,000: [0.9817, 0.9946] and [0.6914, 0.7470].
    #expect(try paths(svg, "band look0") == ["M60.0 63.6L690.0 135.4L690.0 151.5L60.0 67.3Z"])
    let label = try elements(svg)[0].attribute(forName: "aria-label")?.stringValue
    #expect(
      label?.contains("after adversarial training 99.0% at 0, 72.0% at 0.15; before 99.0% at 0, 1.0% at 0.15") == true, "\(label ?? "")")
  }

  @Test("a report without a curve has clean and attacked accuracy as one; without a base model it has one line") func fewer() throws {
    var document = try document(.withoutBase)
    #expect(try paths(#require(try picture("curve.svg").draw(document)), "band look1").isEmpty)
    var report = document.report
    report.after.curve = []
    document = try ReportDocument(report, from: SampleDocument.origin)
    #expect(try paths(#require(try picture("curve.svg").draw(document)), "line look0").contains("M60.0 64.9L690.0 143.2"))
  }

  @Test("the history breaks its line where a value is no number; a job that trained nothing has none") func history() throws {
    let svg = try #require(try picture("history.svg").draw(document()))
    // Epochs 1 to 4 over 620 pixels, and 25, 50, 75 and 100 % over 230.
    #expect(try paths(svg, "line look0").contains("M70.0 234.5L276.7 177.0L483.3 119.5L690.0 62.0"))
    #expect(try paths(svg, "line look0").contains { $0.count(where: { $0 == "M" }) == 2 })
    var none = try document()
    none.history = []
    #expect(try picture("history.svg").draw(none) == nil)
    none.history = (1...10_000).map { HistoryPoint(epoch: $0, isBase: false, values: ["loss": 1]) }
    #expect(try #require(try picture("history.svg").draw(none)).count < 40_000)
  }

  @Test("the confusion has a cell for each pair of classes, by its share; with many classes no numbers") func confusion() throws {
    let cells = try elements(#require(try picture("confusion.svg").draw(document(classes: ["cat", "dog"]))))
    #expect(cells.filter { $0.attribute(forName: "class")?.stringValue == "cell" }.count == 8)
    let numbers = cells.filter { $0.name == "text" }.compactMap { $0.stringValue.flatMap(Int.init) }
    #expect(numbers == [495, 5, 5, 495, 400, 100, 180, 320])
    var report = SampleDocument.failing.report
    report.dataset.classes = (0..<60).map { "class \($0)" }
    let row = [Int](repeating: 1, count: 60)
    report.after.confusion = Confusion(clean: Array(repeating: row, count: 60), attacked: Array(repeating: row, count: 60))
    let many = try #require(try picture("confusion.svg").draw(ReportDocument(report, from: SampleDocument.origin)))
    #expect(try elements(many).filter { $0.name == "text" }.count == 4)
    report.after.confusion = nil
    #expect(try picture("confusion.svg").draw(ReportDocument(report, from: SampleDocument.origin)) == nil)
  }

  @Test("examples are drawn clean, adversarial and as their difference; rows of features have no picture") func examples() throws {
    var document = try document()
    #expect(try picture("examples.png").draw(document) == nil)
    let example = ExampleSheet.Example(
      clean: [0, 0.5, 1, 0.25], adversarial: [0.1, 0.4, 0.9, 0.25], trueClass: SampleDocument.hostileName, predictedClass: "dog",
      attack: "pgd")
    document.examples = ExampleSheet(shape: [2, 2, 1], examples: [example, example])
    let png = try #require(try picture("examples.png").draw(document))
    #expect(Array(png.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(try picture("examples.png").draw(document) == png)
    #expect(try ReportFormat.html.write(document).contains("src=\"data:image/png;base64,\(Data(png).base64EncodedString())\""))
    document.examples = ExampleSheet(shape: [4], examples: [example])
    #expect(try picture("examples.png").draw(document) == nil)
  }

  @Test("the model card says what was trained how and evaluated how, and what that says nothing of") func card() throws {
    var report = SampleDocument.failing.report
    report.spec = [
      "seed": 7,
      "training": [
        "method": "trades", "epochs": 10, "base_epochs": 2, "attack": ["name": "pgd", "steps": 7],
        "optimizer": ["name": "adam", "learning_rate": 0.001],
      ],
    ]
    let text = try ReportFormat.markdown.write(ReportDocument(report, from: SampleDocument.origin))
    #expect(
      text.contains("| trained by | trades, 10 epochs after 2 of standard training, against pgd of 7 steps, adam at 0.001, seed 7 |"),
      "\(text)")
    #expect(text.contains("| evaluated | 1000 of 2000 test images, changed by L∞ ≤ 0.15, by fgsm, pgd-40, "))
    #expect(text.contains("| says nothing of | larger changes"))
    #expect(try ReportFormat.markdown.write(SampleDocument.withoutBase.document()).contains("| trained by | not here |"))
  }

  @Test("the page of HTML holds the pictures that there are, and a headline for those who read no further") func page() throws {
    let text = try ReportFormat.html.write(document())
    #expect(text.count(of: "<svg ") == 3 && text.contains("<figcaption>Predictions by class</figcaption>"))
    #expect(
      text.contains(
        "Of 100 test images the model gets 99 right as they are, and 72 when each may be changed by L∞ ≤ 0.15 (69 to 75 at 95 %, "
          + "1000 images tried). Before adversarial training it was 99 and 1."))
    #expect(text.contains("@media print"))
    let plain = try ReportFormat.html.write(SampleDocument.withoutBase.document())
    #expect(plain.count(of: "<svg ") == 1 && !plain.contains("Before adversarial training"))
  }
}

extension String {
  fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
