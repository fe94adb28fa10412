/// Which examples of an epoch are attacked: every so many-th, so that the mix of any batch and of any shard is as asked for to within
/// one example.
///
/// The choice goes by the position in the epoch's shuffled order, hence by (seed, epoch) alone, and another part is attacked in each epoch.
package struct AdversarialMix: Sendable {
  /// In [0, 1].
  package let fraction: Double

  package init(fraction: Double) { self.fraction = fraction }

  package func isAdversarial(position: Int) -> Bool {
    (Double(position + 1) * fraction).rounded(.down) > (Double(position) * fraction).rounded(.down)
  }
}
