/// What batch norm normalises by while weights are learnt.
package enum BatchNormStatistics: String, CaseIterable, Hashable, Sendable {
  /// The statistics of the batch, which its running ones take in (PyTorch's `train()`).
  case update
  /// The running ones, which stay as they are (PyTorch's `eval()` for each batch norm): those of the weights that the run begins with.
  case frozen
}
