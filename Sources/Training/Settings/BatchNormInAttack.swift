/// Which statistics batch norm uses while a training batch is attacked.
package enum BatchNormInAttack: String, CaseIterable, Hashable, Sendable, Codable {
  /// The running ones, as the network will be attacked later.
  case eval
  /// Those of the batch under attack, as it changes; the running ones stay as they are (Madry's and Rice's code attacks so).
  case train
}
