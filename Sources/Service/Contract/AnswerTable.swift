import Jobs

/// What each operation answers with where it goes well, by the name of the operation and the status. `ContractTests` holds the table against
/// that of the routes.
extension AnswerType {
  static let ofOperations: [String: [Int: AnswerType]] = [
    "submitJob": [200: validated, 201: job], "listJobs": [200: list(of: job, id: id(.job))], "getJob": [200: job],
    "cancelJob": [202: job], "pauseJob": [202: job], "resumeJob": [201: job, 202: job], "extendJob": [201: job],
    "getEvents": [200: list(of: event, id: .integer(atLeast: 1))], "getAllEvents": [200: list(of: placedEvent, id: .integer(atLeast: 1))],
    "getComparison": [200: jobComparison], "getLeaderboard": [200: leaderboard],
    "getMetrics": [200: metrics], "getGate": [200: verdict],
    "listCheckpoints": [200: list(of: checkpoint, id: id(.checkpoint))], "getReport": [200: report],
    "submitSweep": [200: sweepEstimate, 201: sweep], "listSweeps": [200: list(of: listedSweep, id: id(.sweep))], "getSweep": [200: sweep],
    "cancelSweep": [202: sweep],
    "uploadDataset": [201: dataset], "listDatasets": [200: list(of: dataset)], "getDataset": [200: dataset],
    "uploadModel": [201: model], "listModels": [200: list(of: model, id: id(.model))], "getModel": [200: model],
    "listArchitectures": [200: list(of: architecture)],
    "createWebhook": [201: newWebhook], "listWebhooks": [200: list(of: webhook, id: id(.webhook))], "getWebhook": [200: webhook],
    "pingWebhook": [202: delivery], "listDeliveries": [200: list(of: delivery, id: id(.delivery))],
    "createSchedule": [201: schedule], "listSchedules": [200: list(of: schedule, id: id(.schedule))], "getSchedule": [200: schedule],
    "getQuota": [200: quota], "retain": [200: retention, 202: retention], "pauseService": [200: serviceState],
    "resumeService": [200: serviceState], "getServiceState": [200: serviceState],
    "createToken": [201: newToken], "listTokens": [200: list(of: token, id: id(.token))], "beginSession": [200: session],
    "getIndex": [200: index], "getHealth": [200: health], "getReadiness": [200: readiness], "getVersion": [200: version],
  ]
}
