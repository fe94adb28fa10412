import Datasets
import HTTP
import JSON
import Jobs

extension Routes {
  /// Every route of the service.
  var table: [Endpoint] {
    jobTable + resultTable + comparisonTable + reportTable + sweepTable + resourceTable + allEventTable + webhookTable + scheduleTable
      + housekeepingTable + tokenTable + statusTable + clientTable + dashboardTable
  }

  private var jobTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/jobs", "submitJob", "Submit a job spec, or with validate_only complete and estimate it.", access: .submit,
        scope: .owner,
        parameters: [
          Field("validate_only", .boolean, default: false, help: "Only complete the spec and estimate its work; nothing is created.")
        ],
        body: .json(JobSpec.object),
        answers: [200: "The completed spec and its estimate.", 201: "The job."], creates: true, handle: submitJob),
      Endpoint(
        .get, "/v1/jobs", "listJobs", "The jobs, newest first.", access: .read, scope: .owner,
        parameters: [
          Field("state", .choice(JobState.self), help: "Only jobs in this state."),
          Field("label.*", .text(0...255), help: "Only jobs with this label: label.KEY=VALUE."),
          Field("id", .text(1...30), help: "Only jobs whose id begins or ends so; job_ may be left out."),
        ] + Self.paging, handle: listJobs),
      Endpoint(
        .get, "/v1/jobs/{id}", "getJob", "A job; with wait, as soon as it differs from what If-None-Match names.", access: .read,
        scope: .owner,
        parameters: [Field("wait", .integer(0...60, unit: .seconds), default: 0, help: "Seconds to wait for a change.")],
        answers: [200: "The job.", 304: "It is as it was."], atOnce: jobAtOnce, handle: job),
      Endpoint(
        .delete, "/v1/jobs/{id}", "deleteJob", "Delete a job that has ended, with its files.", access: .submit, scope: .owner,
        answers: [204: "It is gone."], present: jobState,
        handle: deleteJob),
      Endpoint(
        .post, "/v1/jobs/{id}/cancel", "cancelJob", "End a job for good.", access: .submit, scope: .owner,
        answers: [202: "The job, on its way."], present: jobState, handle: cancelJob),
      Endpoint(
        .post, "/v1/jobs/{id}/pause", "pauseJob", "Stop a job until it is resumed.", access: .submit, scope: .owner,
        answers: [202: "The job, on its way."], present: jobState,
        handle: pauseJob),
      Endpoint(
        .post, "/v1/jobs/{id}/resume", "resumeJob", "Put a paused job back into the queue; of one that failed, submit a new one.",
        access: .submit, scope: .owner,
        answers: [201: "A new job that begins at the last saved state of the one that failed.", 202: "The job, on its way."], creates: true,
        present: jobState,
        handle: resumeJob),
      Endpoint(
        .post, "/v1/jobs/{id}/extend", "extendJob", "Train a job that has succeeded for further epochs, as a new job.", access: .submit,
        scope: .owner, body: .json(ExtensionRequest.object), answers: [201: "A new job that begins where the other ended."], creates: true,
        present: jobState,
        handle: extendJob),
    ]
  }

  private var resultTable: [Endpoint] {
    [
      Endpoint(
        .get, "/v1/jobs/{id}/events", "getEvents",
        "What happens to a job: a stream until its end, or what there is as a list. An event `thinned` stands for older ones of metrics and checkpoints that are no longer kept.",
        access: .read, scope: .owner,
        parameters: [
          Field("after", .integer(0...Int.max), default: 0, help: "Only events after the one of this id; Last-Event-ID says the same."),
          Self.limit("Of a list: the most events."),
        ], answers: [200: "The events.", 204: "The job has ended, and nothing follows."], types: ["text/event-stream", "application/json"],
        handle: events),
      Endpoint(
        .get, "/v1/jobs/{id}/metrics", "getMetrics",
        "The history of what was measured, by epoch; `thinned` is how many epochs of it are no longer kept.", access: .read, scope: .owner,
        parameters: [Field("max_points", .integer(2...100_000), help: "Thin the history evenly to at most so many points.")],
        types: ["application/json", "text/csv"], handle: metrics),
      Endpoint(
        .get, "/v1/jobs/{id}/logs", "getLogs", "What happened to a job, a line for each event.", access: .read, scope: .owner,
        types: ["text/plain"], handle: logs),
      Endpoint(.get, "/v1/jobs/{id}/gate", "getGate", "The verdict of the job's gates.", access: .read, scope: .owner, handle: gate),
      Endpoint(
        .get, "/v1/jobs/{id}/checkpoints", "listCheckpoints", "The weights that a job has kept.", access: .read, scope: .owner,
        parameters: Self.paging,
        handle: listCheckpoints),
      Endpoint(
        .get, "/v1/jobs/{id}/checkpoints/{checkpoint}", "downloadCheckpoint", "Weights, by the id or the role of their checkpoint.",
        access: .read, scope: .owner,
        parameters: [Field("format", .choice(ModelFormat.self), default: "safetensors", help: "The form of the file.")],
        answers: [200: "The file.", 206: "A range of it.", 304: "It is as it was."], types: ["application/octet-stream"],
        handle: downloadCheckpoint),
      Endpoint(
        .get, "/v1/jobs/{id}/evidence", "downloadEvidence",
        "A tar archive of the adversarial examples that the evaluation found, the outcome of each example under each attack, the spec, and "
          + "the digests of model and data: what temper verify replays.",
        access: .read, scope: .owner, answers: [200: "The file.", 206: "A range of it.", 304: "It is as it was."],
        types: ["application/x-tar"], handle: downloadEvidence),
    ]
  }

  private var resourceTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/datasets", "uploadDataset",
        "Upload a data set: npz and images as the body; npy, idx, cifar and csv as a form with their files.", access: .submit,
        scope: .owner,
        parameters: [
          Self.name,
          Field("format", .choice(DatasetFormat.self), .required, help: "How it comes."),
          Field("scale", .number(1e-9...1e9), help: "Of npz, npy or csv: the value of white in floats, such as 255; by default 1."),
          Field(
            "layout", .choice(DatasetOptions.Layout.self),
            help:
              "Of npz or npy: whether images are [height, width, channels] or [channels, height, width]; by default as their sizes suggest."
          ),
          Field(
            "resize", .text(3...9),
            help:
              "Of images: HEIGHT,WIDTH to which each is brought, by a triangle filter; by default they keep their size, which must be one."),
        ], body: .upload(Self.datasetTypes), answers: [201: "The data set."], creates: true, handle: uploadDataset),
      Endpoint(
        .get, "/v1/datasets", "listDatasets", "The data sets, newest first, then the built-in ones.", access: .read, scope: .owner,
        parameters: Self.paging,
        handle: listDatasets),
      Endpoint(
        .get, "/v1/datasets/{id}", "getDataset", "A data set: shape, classes, counts.", access: .read, scope: .owner, handle: dataset),
      Endpoint(
        .get, "/v1/datasets/{id}/samples.png", "getDatasetSamples", "A picture of the first training images of each class.", access: .read,
        scope: .owner, answers: [200: "The picture.", 304: "It is as it was."], types: ["image/png"], handle: datasetSamples),
      Endpoint(
        .delete, "/v1/datasets/{id}", "deleteDataset", "Delete a data set that no job needs.", access: .submit, scope: .owner,
        answers: [204: "It is gone."], present: datasetState,
        handle: deleteDataset),
      Endpoint(
        .post, "/v1/models", "uploadModel", "Upload weights, or a network with its weights as an ONNX file.", access: .submit,
        scope: .owner,
        parameters: [
          Self.name, Field("format", .choice(ModelFormat.self), default: "safetensors", help: "How it comes."),
        ], body: .upload(Self.modelTypes), answers: [201: "The model."], creates: true, handle: uploadModel),
      Endpoint(
        .get, "/v1/models", "listModels", "The uploaded models, newest first.", access: .read, scope: .owner, parameters: Self.paging,
        handle: listModels),
      Endpoint(.get, "/v1/models/{id}", "getModel", "A model: its tensors by name and shape.", access: .read, scope: .owner, handle: model),
      Endpoint(
        .get, "/v1/models/{id}/weights", "downloadModel", "The weights of a model.", access: .read, scope: .owner,
        parameters: [Field("format", .choice(ModelFormat.self), default: "safetensors", help: "The form of the file.")],
        answers: [200: "The file.", 206: "A range of it.", 304: "It is as it was."], types: ["application/octet-stream"],
        handle: downloadModel),
      Endpoint(
        .delete, "/v1/models/{id}", "deleteModel", "Delete a model that no job needs.", access: .submit, scope: .owner,
        answers: [204: "It is gone."], present: modelState, handle: deleteModel),
      Endpoint(
        .get, "/v1/architectures", "listArchitectures", "The networks that a spec can ask for by name.", access: .read, scope: .service,
        parameters: Self.paging,
        handle: architectures),
    ]
  }

  private var statusTable: [Endpoint] {
    [
      Endpoint("/healthz", "getHealth", "Whether the process is alive.", atOnce: alive),
      Endpoint(
        .get, "/readyz", "getReadiness", "Whether the service takes jobs; 503 while it shuts down or cannot store anything.",
        access: .anyone, scope: .service, handle: ready),
      Endpoint("/version", "getVersion", "Which build this is.", atOnce: version),
      Endpoint(
        .get, "/metrics", "getFigures", "Figures of the service for Prometheus.", access: .read, scope: .service, types: ["text/plain"],
        handle: figures),
      Endpoint("/openapi.json", "getContract", "This contract.", atOnce: contract),
      Endpoint(
        "/schema/job.json", "getSpecSchema", "The JSON Schema of a job spec, for editors.",
        types: ["application/schema+json", "application/json"],
        atOnce: specSchema),
    ]
  }

  private static let name = Field("name", .text(0...200), help: "What to call it.")

  private static func limit(_ help: String) -> Field {
    Field("limit", .integer(ListPage.limits), default: .int(Int64(ListPage.defaultLimit)), help: help)
  }

  static let paging = [
    limit("The most entries of the answer."), Field("after", .text(0...200), help: "The last_id of the page before."),
  ]
  static let datasetTypes = [
    "application/octet-stream", "application/zip", "application/gzip", "application/x-tar", "multipart/form-data",
  ]
  static let modelTypes = ["application/octet-stream"]
}
