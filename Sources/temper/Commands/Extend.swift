import ArgumentParser
import JSON

struct Extend: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a job that has succeeded for further epochs, as a new job.",
    discussion: """
      The new job begins where the other ended. Prints its id; with --wait follows it to its end, and prints its report.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @Option(help: "How many epochs.")
  var epochs: Int
  @Option(
    help: ArgumentHelp(
      "How the learning rate changes within them: constant, cosine or another name of a schedule, or one as JSON.", valueName: "schedule"))
  var schedule: String?
  @Option(help: "The learning rate before the schedule.")
  var learningRate: Double?
  @OptionGroup var waiting: WaitOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try waiting.check()
    if let schedule, schedule.hasPrefix("{"), (try? JSONValue(parsing: schedule)) == nil {
      throw ValidationError("--schedule is no JSON: \(schedule)")
    }
  }

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    let made = try await jobs.extend(jobs.id(of: job), by: request)
    try await made.follow(of: jobs, waiting, output)
  }

  private var request: JSONValue {
    var request: JSONObject = ["epochs": .int(Int64(epochs))]
    if let schedule { request["schedule"] = (try? JSONValue(parsing: schedule)) ?? ["name": .string(schedule)] }
    if let learningRate { request["learning_rate"] = .number(learningRate) }
    return .object(request)
  }
}
