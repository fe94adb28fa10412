import JSON
import TensorEngine
import Training

/// Whether a network has the interval bounds that a spec asks for, and what else a certificate needs of it.
struct BoundsCheck {
  let spec: JobSpec
  let graph: Graph
  let log: FaultLog

  func checkAll() {
    if spec.training?.bounds != nil, log.isClean("/training/method") { checkTraining() }
    guard let certificate = spec.evaluation.certificate, log.isClean("/evaluation/certify") else { return }
    switch certificate {
    case .intervalBounds: checkBounds(for: .certificate, at: "/evaluation/certify/method")
    case .smoothing:
      guard graph.isRandomised else { return }
      log.add(
        "/evaluation/certify/method", .conflict,
        "smoothing adds its own noise to a network that answers each image in one way, and this one is random already; leave the noise out")
    }
  }

  private func checkTraining() {
    let pointer = "/training/method"
    guard spec.threat.norm == .linf else {
      let name = spec.training?.method.name ?? ""
      return log.add(
        pointer, .conflict,
        "the method \(name) learns from interval bounds, which are for the norm linf, and the threat's is \(spec.threat.norm.rawValue)")
    }
    checkBounds(for: .training, at: pointer)
  }

  private func checkBounds(for aim: BoundsBuilder.Aim, at pointer: String) {
    do {
      _ = try graph.bounds(for: aim)
    } catch {
      log.add(pointer, .doesNotFit, "this network has no interval bounds: \(error)")
    }
  }
}
