/// Networks and values that the scripts of `Tests/Peers` compute by the same formulas.
enum Formula {
  static func table(_ rows: Int, _ columns: Int, _ value: (Double, Double) -> Double) -> [[Float]] {
    (0..<rows).map { row in (0..<columns).map { Float(value(Double(row), Double($0))) } }
  }
}
