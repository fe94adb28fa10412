import Datasets
import JSON
import Jobs
import Robustness
import Training

/// The objects that routes answer with, one after the other as the contract names them.
extension AnswerType {
  static func id(_ kind: Identifier) -> Shape { .pattern(kind.pattern) }

  /// A page of a list.
  static func list(of type: AnswerType, id: Shape = .text) -> AnswerType {
    AnswerType(
      "\(type.name)List", "A page of a list.",
      [
        .init("object", .constant("list")), .init("data", .list(.object(type))), .init("has_more", .boolean, "Whether more follow."),
        .init("first_id", .orNull(id)), .init("last_id", .orNull(id), "Give it as after to get the next page."),
      ])
  }

  static let warning = AnswerType(
    "Warning", "Something found on the way, and what to do about it.",
    [.init("code", .text, "It never changes its meaning."), .init("detail", .text, "In a sentence or two.")])

  // MARK: Jobs

  static let job = AnswerType(
    "Job", "A job and how it stands.",
    [
      .init("id", id(.job)), .init("object", .constant("job")), .init("name", .orNull(.text)), .init("labels", .map(.text)),
      .init("owner", .text, "Who sees it."), .init("state", .words(JobState.self)),
      .init("terminal", .boolean, "Whether nothing will change any more."),
      .init("reason", .orNull(.text), "Why it is in this state, in a sentence."),
      .init("attempt", .integer(atLeast: 1), "How many times it was begun."),
      .init("resumed_from", .orNull(id(.job)), "The failed job that it goes on with."),
      .init("extended_from", .orNull(id(.job)), "The finished job that it goes on with."),
      .init("after", .orNull(id(.job)), "The job that must have succeeded before it begins."), .init("priority", .number(atLeast: nil)),
      .init("generated_dataset", .orNull(id(.dataset)), "The data set that it made."), .init("progress", .object(progress)),
      .init(
        "metrics", .map(.figure),
        "The latest of each. What begins with `validation_` is of the part held out of training, never of test images."),
      .init("warnings", .list(.object(warning))),
      .init("created_at", .timestamp), .init("started_at", .orNull(.timestamp)), .init("finished_at", .orNull(.timestamp)),
      .init("transitions", .list(.object(transition))), .init("links", .map(.text), "Paths of its parts."),
      .init("result", .orNull(.object(result)), "What its report says; null before there is one."),
      .init("spec", .input(JobSpec.object), "Completed by every default."),
      .init("waiting", .orNull(.object(wait)), "Of a queued job; null in every other state, and in answers to a change."),
    ])

  private static let wait = AnswerType(
    "JobWait", "Why a queued job waits, and for how long it likely will.",
    [
      .init("reason", .words(JobWait.Reason.self)), .init("detail", .text, "In a sentence."),
      .init("behind", .orNull(.count), "Queued jobs that likely begin before it."),
      .init("starts_in_seconds", .orNull(.figure), "A guess, to two digits; null where nothing tells."),
    ])

  private static let result = AnswerType(
    "JobResult", "What the report of a job says, in short.",
    [
      .init("verdict", .words(Verdict.self)), .init("figures", .map(.object(figure)), "By the names of a gate's metric."),
      .init("discredited_by", .list(.text), "Codes of warnings that make the robust accuracy unfit for a verdict."),
    ])

  static let figure = AnswerType(
    "JobFigure", "A figure with its 95 % interval.", [.init("value", .figure), .init("low", .figure), .init("high", .figure)])

  private static let transition = AnswerType(
    "Transition", "A change of state.",
    [.init("state", .words(JobState.self)), .init("at", .timestamp), .init("reason", .orNull(.text))])

  private static let progress = AnswerType(
    "Progress", "How far a job is.",
    [
      .init("phase", .orNull(.words(TrainingPhase.self))), .init("epoch", .orNull(.count), "From 1, over both stages."),
      .init("epochs", .orNull(.count)), .init("step", .orNull(.count), "Batches of the epoch that are done."),
      .init("steps", .orNull(.count)),
      .init("saved_step", .orNull(.count), "Weight updates in the last saved state; null before the first."),
      .init("fraction", .share, "Of the whole work, 0 to 1."), .init("eta_seconds", .orNull(.figure)),
      .init("examples_per_second", .orNull(.figure)),
    ])

  /// What `validate_only` answers.
  static let validated = AnswerType(
    "ValidatedSpec", "A spec completed by every default, and what it will take.",
    [
      .init("spec", .input(JobSpec.object)), .init("estimate", .object(estimate)),
      .init("warnings", .list(.object(finding)), "What is doubtful about it and can be seen before it runs."),
    ])

  static let estimate = AnswerType(
    "Estimate", "What a job will take.",
    [
      .init("steps", .count, "Weight updates."), .init("gradient_evaluations", .count), .init("floating_point_operations", .share),
      .init("parameters", .count), .init("peak_bytes", .count, "Of memory."),
      .init(
        "evaluation",
        .object(
          AnswerType(
            "EstimatedEvaluation", "The attacks that will judge it.",
            [.init("attacks", .list(.text)), .init("seconds", .share), .init("reason", .text, "Why these.")]))),
      .init(
        "accumulate",
        .object(
          AnswerType(
            "EstimatedParts", "In how many parts a batch passes.", [.init("parts", .orNull(.count)), .init("reason", .text)])),
        isOptional: true),
      .init(
        "training", .object(AnswerType("EstimatedTraining", "What was chosen where the spec left it open.", [.init("reason", .text)])),
        isOptional: true),
      .init("new_last_layer", .text, "Why the last layer begins anew.", isOptional: true),
    ])

  static let event = AnswerType(
    "Event", "Something that happened to a job.",
    [
      .init("id", .integer(atLeast: 1), "Rises within the job; there may be gaps."), .init("event", .words(JobEvent.Kind.self)),
      .init("at", .timestamp), .init("data", .open),
    ])

  static let placedEvent = AnswerType(
    "PlacedEvent", "An event among those of all jobs.",
    [
      .init("id", .integer(atLeast: 1), "Rises over all jobs."), .init("event", .words(JobEvent.Kind.self)), .init("job", id(.job)),
      .init("at", .timestamp), .init("data", .open),
    ])

  static let metrics = AnswerType(
    "Metrics", "What was measured, by epoch.",
    [
      .init("object", .constant("metrics")), .init("job", id(.job)), .init("thinned", .count, "Epochs that are no longer kept."),
      .init(
        "data",
        .list(
          .object(
            AnswerType(
              "MetricsPoint", "What was measured in one epoch.",
              [
                .init("epoch", .count), .init("step", .count), .init("phase", .words(TrainingPhase.self)),
                .init("values", .map(.figure)),
              ])))),
    ])

  static let checkpoint = AnswerType(
    "Checkpoint", "Weights that a job has kept.",
    [
      .init("id", id(.checkpoint)), .init("object", .constant("checkpoint")), .init("job", id(.job)),
      .init("role", .words(CheckpointRole.self)), .init("epoch", .count), .init("metrics", .map(.figure), "Of that epoch."),
      .init("bytes", .count), .init("sha256", .sha256), .init("formats", .list(.text)), .init("created_at", .timestamp),
      .init("damaged", .boolean, "Its file no longer has its digest.", isOptional: true), .init("links", .map(.text)),
    ])

  // MARK: Data sets and weights

  static let dataset = AnswerType(
    "StoredDataset", "Images with their labels.",
    [
      .init("id", .text), .init("object", .constant("dataset")), .init("name", .text), .init("format", .orNull(.words(DatasetFormat.self))),
      .init("built_in", .boolean), .init("shape", .list(.integer(atLeast: 1)), "Height, width, channels."),
      .init("classes", .count), .init("class_names", .list(.text)), .init("train", .object(part)), .init("test", .object(part)),
      .init("validation", .object(part), "What its makers held out of the training part.", isOptional: true),
      .init("sha256", .sha256), .init("bytes", .count), .init("created_at", .orNull(.timestamp)),
      .init("warnings", .list(.object(notice)), "What was made of it, and what looks like a mistake."),
      .init("damaged", .boolean, "Its file no longer has its digest.", isOptional: true),
    ])

  private static let part = AnswerType(
    "DatasetPart", "The examples of one part.", [.init("count", .count), .init("per_class", .list(.count))])

  static let model = AnswerType(
    "StoredModel", "Uploaded weights.",
    [
      .init("id", id(.model)), .init("object", .constant("model")), .init("name", .text), .init("format", .text),
      .init("parameters", .count),
      .init(
        "tensors",
        .list(.object(AnswerType("Tensor", "A tensor of the file.", [.init("name", .text), .init("shape", .list(.count))])))),
      .init("bytes", .count), .init("sha256", .sha256), .init("created_at", .timestamp),
      .init("input", .list(.count), "Of weights that hold their network: height, width, channels.", isOptional: true),
      .init("classes", .count, "Of weights that hold their network.", isOptional: true),
      .init("warnings", .list(.object(notice)), "What was made of an ONNX file.", isOptional: true),
      .init("damaged", .boolean, "Its file no longer has its digest.", isOptional: true),
    ])

  private static let notice = AnswerType(
    "Notice", "Something that whoever uploaded a file should know.", [.init("code", .text), .init("detail", .text, "A sentence.")])

  static let architecture = AnswerType(
    "Architecture", "A network that a spec can ask for by name.",
    [
      .init("id", .text), .init("object", .constant("architecture")), .init("description", .text), .init("source", .text),
      .init(
        "parameters",
        .list(
          .object(
            AnswerType(
              "ArchitectureParameter", "A setting of the network.",
              [.init("name", .text), .init("description", .text), .init("must_be", .text), .init("default", .anything)])))),
    ])

  // MARK: Sweeps

  static let sweep = AnswerType(
    "SweepResult", "A spec with varied fields, and its jobs.", sweepMembers(isWhole: true))

  /// Lists leave the spec and the table out.
  static let listedSweep = AnswerType("ListedSweep", "A sweep as a list has it.", sweepMembers(isWhole: false))

  private static func sweepMembers(isWhole: Bool) -> [Member] {
    let members: [Member] = [
      .init("id", id(.sweep)), .init("object", .constant("sweep")), .init("name", .orNull(.text)), .init("labels", .map(.text)),
      .init("owner", .text), .init("mode", .words(SweepSpec.Mode.self)), .init("vary", .map(.list(.anything))),
      .init("best_by", .open, "The rule by which one is the best."), .init("terminal", .boolean),
      .init("states", .map(.orNull(.count)), "How many jobs are in each state."), .init("jobs", .list(id(.job))),
      .init("front", .list(id(.job)), "Those that none is better than in both accuracies."), .init("best", .orNull(id(.job))),
      .init("best_reason", .text), .init("created_at", .timestamp), .init("links", .map(.text)),
    ]
    let whole: [Member] = [.init("table", .list(.open), "A row for each job: its values and its results."), .init("spec", .open)]
    return members + (isWhole ? whole : [])
  }

  static let sweepEstimate = AnswerType(
    "SweepEstimate", "What the jobs of a sweep will take.",
    [
      .init("count", .count),
      .init(
        "table",
        .list(
          .object(
            AnswerType(
              "SweepEstimateRow", "What one job will take.",
              [.init("name", .orNull(.text)), .init("values", .open), .init("estimate", .object(estimate))])))),
    ])

  // MARK: Schedules, quotas

  static let schedule = AnswerType(
    "JobSchedule", "A spec, and when a job of it is made.",
    [
      .init("id", id(.schedule)), .init("object", .constant("schedule")), .init("name", .orNull(.text)), .init("labels", .map(.text)),
      .init("owner", .text), .init("cron", .text), .init("next_at", .orNull(.timestamp)),
      .init("last", .list(.object(scheduleRun)), "Newest first."), .init("created_at", .timestamp), .init("links", .map(.text)),
      .init("spec", .open, "As it was given."),
    ])

  private static let scheduleRun = AnswerType(
    "ScheduleRun", "What was made at one due minute.",
    [
      .init("due_at", .timestamp), .init("made_at", .timestamp, "Later, when the service was down."),
      .init("job", .orNull(id(.job)), "Null where none could be made."), .init("state", .orNull(.words(JobState.self))),
      .init("reason", .orNull(.text), "Why no job could be made, or why it is in this state."),
      .init("verdict", .orNull(.words(Verdict.self))),
      .init(
        "turned", .boolean, "Whether the verdict is another than that of the run before, or no job could be made after one with a verdict."),
    ])

  private static let quotaRow = AnswerType(
    "QuotaRow", "What is used and what is allowed.", [.init("used", .count), .init("allowed", .orNull(.count), "Null: any number.")])

  static let quota = AnswerType(
    "Quota", "What an owner uses and may use.",
    [.init("object", .constant("quota")), .init("owner", .text)]
      + ["queued_jobs", "running_jobs", "stored_bytes", "uploads"].map { .init($0, .object(quotaRow)) })

  static let retention = AnswerType(
    "Retention", "What the rules of retention take.",
    [
      .init("object", .constant("retention")), .init("dry_run", .boolean), .init("rules", .open, "As they are configured."),
      .init("count", .count), .init("counts", .map(.count), "By kind."),
      .init("bytes", .count, "A file that several name counts for each."),
      .init("removals", .list(.object(removal)), "The first thousand."),
      .init("kept", .map(.count), "Jobs that a rule would take, and that stay since they are named, or for their evidence."),
    ])

  private static let removal = AnswerType(
    "Removal", "Something that goes.",
    [
      .init("kind", .words(RetentionPlan.Removal.Kind.self)), .init("id", .text, "Of the job, or of the checkpoint."),
      .init("job", id(.job)),
      .init("owner", .text), .init("bytes", .count), .init("reason", .text, "A sentence."),
    ])

  static let serviceState = AnswerType(
    "ServiceState", "Whether jobs begin.",
    [
      .init("object", .constant("service")), .init("paused", .boolean),
      .init("running_jobs", .orNull(.words(Store.Pause.self)), "What became of running jobs when it was paused."),
      .init("queued", .count), .init("running", .count),
    ])

  // MARK: The service

  private static let tokenMembers: [Member] = [
    .init("id", id(.token)), .init("object", .constant("token")), .init("name", .text), .init("owner", .text),
    .init("role", .words(Role.self)), .init("created_at", .timestamp), .init("expires_at", .orNull(.timestamp)),
  ]

  static let token = AnswerType("Token", "A token without its secret.", tokenMembers)
  static let newToken = AnswerType(
    "NewToken", "A token with its secret.", tokenMembers + [.init("token", .text, "The secret; it is shown here alone.")])

  private static let webhookMembers: [Member] = [
    .init("id", id(.webhook)), .init("object", .constant("webhook")), .init("owner", .text), .init("url", .text),
    .init("on", .list(.words(Webhook.Trigger.self)), "What it is told of."),
    .init("labels", .map(.text), "It is told of jobs alone that have all of these."), .init("created_at", .timestamp),
    .init("links", .map(.text)),
  ]

  static let webhook = AnswerType("Webhook", "An address that is told what becomes of jobs, without its secret.", webhookMembers)
  static let newWebhook = AnswerType(
    "NewWebhook", "A webhook with its secret.",
    webhookMembers + [.init("secret", .text, "The key of the signatures; it is shown here alone.")])

  static let delivery = AnswerType(
    "Delivery", "What a webhook is told once.",
    [
      .init("id", id(.delivery)), .init("object", .constant("delivery")), .init("webhook", id(.webhook)),
      .init("type", .words(Webhook.Trigger.self)), .init("job", .orNull(id(.job)), "Null for a ping."),
      .init("state", .words(WebhookDelivery.State.self)), .init("attempts", .count),
      .init("next_at", .orNull(.timestamp), "Null when it is not tried any more."),
      .init("status", .orNull(.integer(atLeast: 100)), "What the last attempt was answered with."),
      .init("error", .orNull(.text), "What went wrong with the last attempt."), .init("created_at", .timestamp),
    ])

  static let session = AnswerType(
    "Session", "Who one is.",
    [
      .init("object", .constant("session")), .init("owner", .text), .init("role", .words(Role.self)),
      .init("expires_in", .orNull(.count), "Seconds; null where no token is needed."),
    ])

  static let health = AnswerType("Health", "The process is alive.", [.init("status", .constant("ok"))])
  static let readiness = AnswerType("Readiness", "The service takes jobs.", [.init("status", .constant("ready"))])

  static let version = AnswerType(
    "Version", "Which build this is.",
    [
      .init("name", .constant("temper")), .init("version", .text), .init("platform", .text), .init("engine", .text),
      .init("engine_threads", .count), .init("workers", .count),
    ])

  static let index = AnswerType(
    "Index", "The routes.",
    [
      .init("service", .constant("temper")), .init("version", .text), .init("contract", .text),
      .init(
        "routes",
        .list(
          .object(AnswerType("RouteSummary", "A route.", [.init("method", .text), .init("path", .text), .init("summary", .text)])))),
    ])
}
