import ArgumentParser
import Attacks
import Datasets
import Files
import Foundation
import JSON
import Jobs
import Models
import TensorEngine

struct AttackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Make an adversarial picture of a picture.",
    discussion: """
      Shows IMAGE (JPEG, PNG or WebP) to a network, in the network's size, and lowers the output of the class that it sees by an optimiser on \
      the pixels (Adam), as the tutorial does; or raises the output of --target. What comes out is within epsilon of the picture, and is written to \
      --out as PNG of 8 bits. The five likeliest classes are told before, after, and once more of the picture as it is written, since rounding \
      may undo a small change.
      """)

  @Argument(help: "The picture.")
  var image: String
  @Option(
    help: ArgumentHelp(
      "The network: an ONNX or safetensors file, or of a server the id of a model, or a job's checkpoint such as job_…/best_robust.",
      valueName: "file|id"))
  var model: String
  @Option(help: ArgumentHelp("Where to.", valueName: "png"))
  var out: String
  @Option(
    help: ArgumentHelp(
      "Of a safetensors file that does not describe its network: mobilenet_v2, or an object as a spec's model has it.",
      valueName: "name|json"))
  var architecture: String?
  @Option(help: ArgumentHelp("Of such a file, the size of its images; by default the picture's.", valueName: "height,width"))
  var size: String?
  @Option(help: ArgumentHelp("The names of the classes, one on each line, in the order of the outputs.", valueName: "file"))
  var classes: String?
  @Option(help: "linf, l2 or l1.")
  var norm = "linf"
  @Option(help: "How far the picture may change, of pixels from 0 to 1; 8/255 or a number.")
  var epsilon = "8/255"
  @Option(help: "Steps of the optimiser.")
  var steps = 10
  @Option(help: "Its learning rate.")
  var stepSize = 0.01
  @Option(help: ArgumentHelp("The class that the picture is to be taken for: a name or a number.", valueName: "class"))
  var target: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...100_000).contains(steps) { throw ValidationError("--steps must be from 1 to 100000, not \(steps)") }
    if !(stepSize > 0 && stepSize <= 1) { throw ValidationError("--step-size must be above 0 and at most 1, not \(stepSize)") }
    if Norm(rawValue: norm) == nil { throw ValidationError("--norm must be linf, l2 or l1, not \(norm)") }
    if let size, DatasetOptions.Size(size) == nil { throw ValidationError("--size must be HEIGHT,WIDTH, such as 224,224, not \(size)") }
    _ = try threat()
  }

  func run() async throws {
    let file = try await modelFile()
    let attack = try attacked(file)
    do {
      try AtomicFile.write(Data(attack.png), to: URL(fileURLWithPath: out))
    } catch {
      throw CommandFailure(.usage, "\(out) cannot be written: \(error)")
    }
    StandardStream.output.write(output.asJSON ? document(attack).serialised(pretty: true) + "\n" : text(attack))
  }

  /// `8/255` or a number.
  private func threat() throws -> Threat {
    let type = FieldType.number(atLeast: 0, unit: .pixels)
    let value: JSONValue = Double(epsilon).map { .number($0) } ?? .string(epsilon)
    let most = norm == "linf" ? 1.0 : 1e6
    guard let norm = Norm(rawValue: norm), case .success(let number) = type.checked(value), let found = number.double, found <= most else {
      throw ValidationError("--epsilon must be a number of at least 0, in linf at most 1, or a fraction such as 8/255, not \(epsilon)")
    }
    return Threat(norm: norm, epsilon: found)
  }

  private func attacked(_ file: ModelFile) throws -> PictureAttack {
    do {
      let picture = try SinglePicture(URL(fileURLWithPath: image))
      let network = try PictureNetwork(
        file.url, architecture: architecture, size: size.flatMap(DatasetOptions.Size.init), names: try names(), picture: picture)
      let settings = PictureAttack.Settings(threat: try threat(), steps: steps, stepSize: stepSize, target: try label(network.classNames))
      return try PictureAttack(picture.tensor(network.graph.inputShape), network, settings, engine: Engine())
    } catch let error as CommandFailure {
      throw error
    } catch {
      throw CommandFailure(.usage, "\(error)")
    }
  }

  private func names() throws -> [String]? {
    guard let classes else { return nil }
    guard let text = try? String(contentsOf: URL(fileURLWithPath: classes), encoding: .utf8) else {
      throw CommandFailure(.usage, "the names of the classes in \(classes) cannot be read")
    }
    return text.split(whereSeparator: \.isNewline).map(String.init)
  }

  private func label(_ names: [String]) throws -> Int? {
    guard let target else { return nil }
    if let place = names.firstIndex(of: target) { return place }
    guard let number = Int(target), names.indices.contains(number) else {
      throw CommandFailure(
        .usage, "--target \(target) is none of the \(names.count) classes; give a name or a number from 0 to \(names.count - 1)")
    }
    return number
  }

  // MARK: The model

  /// A file of weights, which goes with this value where it came from a server.
  private final class ModelFile {
    let url: URL
    private let isTemporary: Bool

    init(_ url: URL, isTemporary: Bool) { (self.url, self.isTemporary) = (url, isTemporary) }

    deinit { if isTemporary { Folder.remove(url) } }
  }

  private func modelFile() async throws -> ModelFile {
    if FileManager.default.fileExists(atPath: model) { return ModelFile(URL(fileURLWithPath: model), isTemporary: false) }
    guard let path = storedPath else {
      throw CommandFailure(
        .usage, "there is no file \(model); a model of a server is named by its id, mdl_…, or as a job's checkpoint, job_…/best_robust")
    }
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("temper-\(UUID().uuidString).safetensors")
    let file = ModelFile(url, isTemporary: true)
    let download = FileDownload(client: try server.client(), path: path, query: [], target: url)
    _ = try await download.run()
    return file
  }

  /// Where a server has the weights; nil where the name is none of its.
  private var storedPath: String? {
    if Identifier.model.matches(model) { return "/v1/models/\(Client.segment(model))/weights" }
    let parts = model.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2, Identifier.job.matches(parts[0]) else { return nil }
    return "/v1/jobs/\(Client.segment(parts[0]))/checkpoints/\(Client.segment(parts[1]))"
  }

  // MARK: What is told

  private func document(_ attack: PictureAttack) -> JSONValue { attack.json.setting("/file", to: .string(out)) }

  private func text(_ attack: PictureAttack) -> String {
    func line(_ title: String, _ guesses: [PictureAttack.Guess]) -> String {
      title
        + guesses.map { "\($0.name) \(($0.probability * 100).formatted(.number.precision(.fractionLength(1)))) %" }.joined(separator: ", ")
    }
    func length(_ distance: Double) -> String {
      distance.formatted(.number.precision(.significantDigits(1...4)).locale(Locale(identifier: "en")))
    }
    let change = "\(attack.settings.threat.norm.symbol) \(length(attack.distance)), as written \(length(attack.writtenDistance))"
    return [
      line("before:      ", attack.before), line("after:       ", attack.after), line("as written:  ", attack.written),
      "change:      \(change)",
      "\(out): \(attack.isFooled ? "the network is fooled" : "the network is not fooled")",
    ].joined(separator: "\n") + "\n"
  }
}
