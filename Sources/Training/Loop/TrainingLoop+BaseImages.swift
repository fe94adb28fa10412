import Files
import Robustness

/// Adversarial images of the base model, which a retraining may learn from instead of its own.
extension TrainingLoop {
  /// Makes them, where the settings ask for them and this attempt has not looked for them yet.
  func prepareBaseImages() throws {
    guard settings.attacksBase, trainer.baseImages == nil, state.epoch >= settings.baseEpochs else { return }
    guard let base = state.checkpoints[.base] else {
      throw TrainingError.cannotResume(
        "the saved state has no checkpoint base, whose adversarial images are learnt from; start the run anew")
    }
    let shape = run.dataset.imageShape
    let images = try waitingOutShortage(run.waitForRoom) {
      try BaseImages(
        run.directory.appendingPathComponent(BaseImages.name), ids: training.sorted(), imageShape: shape,
        blockSize: BaseImages.blockSize(shape, run.graph.sharding),
        key: SHA256Digest.hex(of: Array("\(state.fingerprint) \(base.sha256)".utf8)))
    }
    let begun = PhaseTimes.now()
    try atWeights(of: base) { isPresent in
      try waitingOutShortage(run.waitForRoom) {
        try images.make {
          try trainer.perturbed($0, epoch: settings.baseEpochs + 1)
        } made: {
          tell(.attack, steps: 0, rate: 0)
          guard isPresent else { return }
          // A job whose process dies now has got on all the same.
          state.measuredShards += 1
          try saver.check()
          saver.saveIfDue { state }
        }
      }
    }
    state.times.add(.attack, PhaseTimes.now() - begun)
    trainer.baseImages = images
  }

  /// Does something with the weights of a checkpoint; afterwards they are what they were.
  ///
  /// - Parameter body: told whether these are the present weights, so that states may be saved meanwhile.
  private func atWeights(of checkpoint: Checkpoint, _ body: (_ isPresent: Bool) throws -> Void) throws {
    if checkpoint.epoch == state.epoch, state.step == 0 {
      do { return try body(true) } catch {
        // As in `trainEpoch`.
        try? saver.saveNow(state)
        throw error
      }
    }
    let present = trainer.parameters.copied()
    defer {
      trainer.parameters.copy(from: present)
      trainer.weightsChanged()
    }
    saver.wait()
    trainer.parameters.copy(from: try store.read(checkpoint))
    trainer.weightsChanged()
    try body(false)
  }
}

extension Warning {
  /// A retraining that learns from adversarial images of the base model.
  static let adversarialImagesMadeOnce = Warning(
    code: "adversarial_images_made_once",
    detail: """
      training.attack.source is base: every epoch learns from the same adversarial images, made against the base model. A network learns to \
      know these images and withstands little else: with current, the default, the images are made anew against the weights of the moment.
      """)
}
