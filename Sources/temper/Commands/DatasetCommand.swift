import ArgumentParser
import Datasets
import Foundation
import JSON

struct DatasetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "Upload, list, show and delete a server's data sets.",
    subcommands: [UploadDataset.self, ListStored<StoredDataset>.self, ShowStored<StoredDataset>.self, DeleteStored<StoredDataset>.self])
}

struct UploadDataset: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upload", abstract: "Upload a data set, and print its id.",
    discussion: """
      PATH is a file, or for a format of several files the folder that holds them under their usual names (as in dataset.path of a spec). \
      What was made of it, and what looks like a mistake, is told on standard error.
      """)

  @Argument(help: "The file or folder.", completion: .file())
  var path: String
  @Option(help: "What to call it (default: the name of the file or folder).")
  var name: String?
  @Option(
    help: "How it comes: \(DatasetFormat.allCases.map(\.rawValue).joined(separator: ", ")) (default: as its name suggests).",
    completion: .list(DatasetFormat.allCases.map(\.rawValue)))
  var format: String?
  @Option(
    name: .customLong("option"),
    help: ArgumentHelp("How to read it, as a query parameter of POST /v1/datasets: layout=nchw, scale=255.", valueName: "name=value"))
  var options: [String] = []
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    for text in options where FieldAssignment(text) == nil { throw ValidationError("--option must be NAME=VALUE, not \"\(text)\"") }
  }

  func run() async throws {
    let url = URL(fileURLWithPath: path)
    let format = try chosenFormat(url)
    let query = [(name: "format", value: format.rawValue), (name: "name", value: name ?? Self.name(of: url))]
    let upload = Upload(
      client: try server.client(), path: StoredDataset.path,
      query: query + options.compactMap(FieldAssignment.init).map { (name: $0.field, value: $0.text) })
    let files = try located(format, url)
    let made = format.isMultipart ? try await upload.send(files) : try await upload.send(files[0].file)
    made.writeMade(asJSON: output.asJSON)
  }

  private func located(_ format: DatasetFormat, _ url: URL) throws -> [(name: String, file: URL)] {
    do { return try DatasetSource.files(of: format, at: url).map { ($0.part, $0.url) } } catch let error as DatasetError {
      throw CommandFailure(.usage, "\(path) cannot be uploaded: \(error)")
    }
  }

  private func chosenFormat(_ url: URL) throws -> DatasetFormat {
    let known = DatasetFormat.allCases.map(\.rawValue).joined(separator: ", ")
    if let format {
      guard let chosen = DatasetFormat(rawValue: format) else {
        throw CommandFailure(.usage, "--format must be one of \(known), not \(format)")
      }
      return chosen
    }
    guard let guessed = DatasetFormat(rawValue: Self.guess(url)) else {
      throw CommandFailure(.usage, "how \(path) comes is not clear from its name: say it with --format, one of \(known)")
    }
    return guessed
  }

  /// By the name alone.
  private static func guess(_ url: URL) -> String {
    let name = url.lastPathComponent.lowercased()
    if name.hasSuffix(".npz") { return "npz" }
    if [".zip", ".tar", ".tar.gz", ".tgz"].contains(where: name.hasSuffix) { return "images" }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    if files.contains(where: { $0.contains("idx3-ubyte") }) { return "idx" }
    return files.contains { $0.hasSuffix(".npz") } ? "npz" : ""
  }

  private static func name(of url: URL) -> String {
    String(url.standardizedFileURL.lastPathComponent.split(separator: ".").first ?? "unnamed")
  }
}

extension JSONValue {
  /// Prints what an upload made: its id alone, and on standard error what the server has to say of it.
  func writeMade(asJSON: Bool) {
    for warning in self["warnings"]?.elements ?? [] {
      StandardStream.error.write("warning \(warning["code"]?.string ?? ""): \(warning["detail"]?.string ?? "")\n")
    }
    StandardStream.output.write(asJSON ? serialised(pretty: true) + "\n" : "\(self["id"]?.string ?? "")\n")
  }
}
