import ArgumentParser
import Files
import Foundation
import JSON
import Jobs
import TensorEngine

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay the evidence of a job on its weights.",
    discussion: """
      FILE is what temper run leaves as evidence.tar, and a server gives at /v1/jobs/JOB/evidence. The weights must be those that were \
      evaluated, by their SHA-256. Each adversarial image is shown to the network again: it must be misclassified as recorded, be within \
      epsilon of its clean image and within [0, 1], and the clean image must be classified correctly. It is also counted how many are still \
      misclassified when their pixels are rounded to 8 bits, as an image file keeps them. With --data the clean images are held against the \
      data too. Exits with 0 when all agrees, with 3 when something does not, with 1 when FILE is no evidence, with 2 when a file cannot be \
      read. On another kind of processor an image that lies right on the boundary of two classes may fall to the other side.
      """)

  @Argument(help: "The evidence.")
  var file: String
  @Option(help: ArgumentHelp("The weights that were evaluated, safetensors.", valueName: "file"))
  var model: String
  @Option(help: ArgumentHelp("The data set: digits, or files of this machine as a spec's dataset.path names them.", valueName: "name|path"))
  var data: String?
  @Option(help: "How the files at --data are written, as in dataset.format (default: npz).")
  var format: String?
  @Option(help: "Threads to use; each core by default.")
  var threads: Int?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024, not \(threads)") }
    if format != nil, data == nil { throw ValidationError("--format says how the files at --data are written; give --data too") }
  }

  func run() throws {
    let check = try checked()
    StandardStream.output.write(output.asJSON ? check.json.serialised(pretty: true) + "\n" : Self.text(check))
    try (check.agrees ? ExitStatus.fine : .gateFailed).exit()
  }

  private func checked() throws -> EvidenceCheck {
    do {
      let source = try data.map { try VerifiedData.load($0, format: format) }
      return try EvidenceCheck(
        URL(fileURLWithPath: file), model: URL(fileURLWithPath: model), dataset: source,
        engine: threads.map { Engine(threads: $0) } ?? Engine())
    } catch let error as EvidenceError {
      throw CommandFailure(.jobFailed, "\(file) cannot be replayed: \(error)")
    } catch {
      throw CommandFailure(.usage, "\(error)")
    }
  }

  /// The most disagreements that are shown as text.
  private static let mostShown = 20

  private static func text(_ check: EvidenceCheck) -> String {
    var lines = [
      "\(check.evaluated) examples evaluated, \(check.correct) correct, \(check.withstood) correct under all attacks",
      "\(check.agreeing) of \(check.images) adversarial images agree",
      "\(check.survivors) of these are still misclassified with 8 bits for each pixel",
    ]
    lines += check.faults
    lines += check.disagreements.prefix(mostShown).map { "example \($0.id) (\($0.attack)): \($0.reasons.joined(separator: "; "))" }
    let more = check.disagreements.count - mostShown
    if more > 0 { lines.append("and \(more) more examples; --json names them all") }
    lines.append(check.agrees ? "the evidence agrees" : "the evidence does not agree")
    return lines.joined(separator: "\n") + "\n"
  }
}
