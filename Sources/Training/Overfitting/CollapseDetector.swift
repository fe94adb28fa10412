/// Finds catastrophic overfitting in a run's readings of robust accuracy, one after the other.
///
/// Single-step training can learn to fool its own attack instead of resisting it (Wong et al. 2020, arXiv:2001.03994): accuracy under PGD
/// then falls to almost nothing within a few epochs. A fixed fall within one epoch, as in the authors' code, misses the slower ones and
/// takes the noise of a small sample for a collapse. Here a collapse is accuracy below half of the best so far in two readings running,
/// where the best shows that something was learnt and the fall to the mean of the two is more than the noise of the sample. To ask that of
/// each of the two alone finds slow collapses late on small samples.
package struct CollapseDetector: Hashable, Sendable, Codable {
  /// Which weights a reading is of.
  package enum Weights: Hashable, Sendable {
    case raw
    /// Their running mean over the updates. It lags behind at first, and counts once it has reached the raw weights.
    case averaged
  }

  /// What a reading shows beside those before it.
  package enum Finding: Hashable, Sendable {
    case sound
    /// Below half of the best and beyond the noise, for the first time running: an accident, or the beginning of a collapse.
    case fallen
    case collapsed(from: RobustMeasurement)
  }

  private var raw = Series()
  private var averaged = Series()
  private var latestOfRaw = 0.0
  private var averagedHasReachedRaw = false

  package init() {}

  /// Takes the next reading; after an epoch that of the raw weights comes before that of their mean.
  ///
  /// After a collapse the readings before it still count: the best so far stays what it is, and two further readings below half of it are
  /// another collapse.
  package mutating func observe(_ reading: RobustMeasurement, of weights: Weights = .raw) -> Finding {
    switch weights {
    case .raw:
      latestOfRaw = reading.accuracy
      return raw.observe(reading)
    case .averaged:
      averagedHasReachedRaw = averagedHasReachedRaw || reading.accuracy >= latestOfRaw
      return averagedHasReachedRaw ? averaged.observe(reading) : .sound
    }
  }
}

extension CollapseDetector {
  /// The readings of one kind of weights.
  private struct Series: Hashable, Sendable, Codable {
    var best: RobustMeasurement?
    /// The latest reading where it is below half of the best.
    var low: Double?

    mutating func observe(_ reading: RobustMeasurement) -> Finding {
      guard let best else {
        best = reading
        return .sound
      }
      guard best.accuracy > best.learntBar, reading.accuracy < best.accuracy / 2 else {
        low = nil
        if reading.accuracy > best.accuracy { self.best = reading }
        return .sound
      }
      let before = low
      low = reading.accuracy
      if let before, best.accuracy - (before + reading.accuracy) / 2 > best.noise {
        low = nil
        return .collapsed(from: best)
      }
      return best.accuracy - reading.accuracy > best.noise ? .fallen : .sound
    }
  }
}
