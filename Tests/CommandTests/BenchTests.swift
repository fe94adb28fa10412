import JSON
import Foundation
import Robustness
import Testing

@Suite("temper bench") struct BenchTests {
  @Test(
    "measures a step, its ceiling, and the memory that was planned",
    arguments: [["--architecture", "madry_cnn"], ["--architecture", "preact_resnet18", "--image", "16,16,3"]])
  func figures(_ architecture: [String]) async throws {
    let bench = try Executable(["bench", "--json", "--steps", "1", "--attack-steps", "2", "--batch-size", "70"] + architecture)
    let outcome = try await bench.end()
    #expect(outcome.code == 0, "\(outcome.errors)")
    let result = try JSONValue(parsing: outcome.output)
    func number(_ key: String) throws -> Double {
      switch result[key] {
      case .int(let whole)?: return Double(whole)
      case .number(let number)?: return number
      default: throw MissingFigure(key: key)
      }
    }
    for figure in ["examples_per_second", "gflops", "ceiling_gflops", "ratio"] { #expect(try number(figure) > 0) }
    let (peak, planned) = (try number("peak_bytes"), try number("planned_bytes"))
    #expect(abs(peak - planned) <= 0.1 * peak, "\(peak) bytes at the peak, \(planned) planned")
  }

  private struct MissingFigure: Error { let key: String }

  @Test(
    "refuses what it cannot measure, and says what it can",
    arguments: [
      ["--architecture", "lanet"], ["--image", "28,28"], ["--precision", "fp8"], ["--batch-size", "0"],
      ["--image", "30,30,3", "--architecture", "vit_tiny"], ["--image", "512,512,3", "--batch-size", "65536"],
    ])
  func refusals(_ arguments: [String]) async throws {
    let outcome = try await Executable(["bench"] + arguments).end()
    #expect(outcome.code == 2)
    #expect(outcome.output.isEmpty)
    #expect(!outcome.errors.isEmpty)
  }
}
