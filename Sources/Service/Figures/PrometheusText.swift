/// The text format of Prometheus, version 0.0.4: families of samples, each with HELP and TYPE.
struct PrometheusText {
  enum Kind: String { case counter, gauge, histogram }

  static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var text = ""

  /// Adds a family of one sample without labels.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
    add(name, kind, help, [([], value)])
  }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]) {
    begin(name, kind, help)
    for sample in samples { line(name, sample.labels, sample.value) }
  }

  /// - Parameter buckets: upper bounds with cumulative counts, infinity last.
  mutating func addHistogram(_ name: String, _ help: String, buckets: [(bound: Double, count: Int)], sum: Double, count: Int) {
    begin(name, .histogram, help)
    for bucket in buckets { line(name + "_bucket", [("le", Self.number(bucket.bound))], Double(bucket.count)) }
    line(name + "_sum", [], sum)
    line(name + "_count", [], Double(count))
  }

  private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
  }

  private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
    let inner = labels.map { "\($0)=\"\(Self.escaped($1).replacing("\"", with: "\\\""))\"" }.joined(separator: ",")
    text += "\(name)\(inner.isEmpty ? "" : "{\(inner)}") \(Self.number(value))\n"
  }

  private static func escaped(_ text: String) -> String { text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }
}
