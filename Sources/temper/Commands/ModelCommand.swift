import ArgumentParser
import Foundation
import Jobs

struct ModelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Upload, list, show and delete a server's models.",
    subcommands: [UploadModel.self, ListStored<StoredModel>.self, ShowStored<StoredModel>.self, DeleteStored<StoredModel>.self])
}

struct UploadModel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upload", abstract: "Upload weights, or a network with its weights as ONNX, and print the id.",
    discussion: "What was made of the file is told on standard error.")

  @Argument(help: "The file.", completion: .file(extensions: ["safetensors", "onnx"]))
  var path: String
  @Option(help: "What to call it (default: the name of the file).")
  var name: String?
  @Option(help: "How it comes: safetensors or onnx (default: onnx for a name that ends so).")
  var format: ModelFormat?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let url = URL(fileURLWithPath: path)
    let format = format ?? (url.pathExtension.lowercased() == "onnx" ? .onnx : .safetensors)
    let upload = Upload(
      client: try server.client(), path: StoredModel.path,
      query: [("format", format.rawValue), ("name", name ?? url.deletingPathExtension().lastPathComponent)])
    try await upload.send(url).writeMade(asJSON: output.asJSON)
  }
}
