import ArgumentParser
import JSON
import Jobs

struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what happened to a job, a line for each event.",
    discussion:
      "With --follow it goes on with each line as it comes, until the job has ended. temper watch shows progress and the report instead.")

  @Flag(name: [.customShort("f"), .long], help: "Go on until the job has ended.")
  var follow = false
  @OptionGroup var named: NamedJob

  func run() async throws {
    let (jobs, id) = try await named.found()
    let asJSON = named.output.asJSON
    if follow {
      try await JobEvents(client: jobs.client, job: id).follow { event in
        if let text = Self.text(event, asJSON: asJSON) { StandardStream.output.write(text) }
      }
    } else if asJSON {
      for event in try await jobs.events(id) { StandardStream.output.write(event.serialised() + "\n") }
    } else {
      StandardStream.output.write([UInt8](try await jobs.log(id)))
    }
  }

  /// An event of the stream as the log that is read at once has it: without progress, of which nothing is kept.
  private static func text(_ event: StreamEvent, asJSON: Bool) -> String? {
    guard let kind = JobEvent.Kind(rawValue: event.name), kind != .progress, case .object(var data)? = try? JSONValue(parsing: event.data)
    else { return nil }
    let at = data["at"]?.string ?? ""
    guard asJSON else { return JobLog.line(kind, at: at, .object(data)) }
    data["at"] = nil
    let document: JSONValue = [
      "id": event.id.flatMap { Int64($0) }.map(JSONValue.int) ?? .null, "event": .string(kind.rawValue), "at": .string(at),
      "data": .object(data),
    ]
    return document.serialised() + "\n"
  }
}
