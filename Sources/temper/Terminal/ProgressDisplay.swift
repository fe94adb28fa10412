import Foundation
import Synchronization

/// Shows the progress of a job on standard error: on a terminal one line that is redrawn, elsewhere a line per epoch.
final class ProgressDisplay: Sendable {
  private struct State {
    var progress = ProgressFacts()
    var drawn = false
    var lastDraw: ContinuousClock.Instant?
    var lastEpoch: Int?
    var lastPhase: String?
    var saidEvaluation = false
  }

  /// Whether lines may be redrawn and coloured.
  struct Style: Sendable {
    var interactive: Bool
    var color: Bool

    /// The style for the environment, by `NO_COLOR` (no-color.org) and the type of the terminal.
    static var ofStandardError: Style {
      let environment = ProcessInfo.processInfo.environment
      let interactive = StandardStream.error.isTerminal && environment["TERM"] != "dumb"
      return Style(interactive: interactive, color: interactive && (environment["NO_COLOR"] ?? "").isEmpty)
    }
  }

  private let style: Style
  private let state = Mutex(State())
  /// The time between two redraws.
  private static let interval = Duration.milliseconds(100)

  init(style: Style = .ofStandardError) { self.style = style }

  /// Replaces the known facts. Loss and accuracies stay if they are not given.
  func update(_ change: (inout ProgressFacts) -> Void) {
    state.withLock { state in
      change(&state.progress)
      if style.interactive {
        draw(&state, force: state.progress.phase != state.lastPhase)
      } else if !state.saidEvaluation, state.progress.phase == "evaluate", isTrained(state) {
        state.saidEvaluation = true
        StandardStream.error.write("evaluate\n")
      }
      state.lastPhase = state.progress.phase
    }
  }

  /// Called at the end of an epoch. Writes its line if lines are not redrawn.
  func epoch(_ number: Int, phase: String?, metrics: [(name: String, value: Double)]) {
    state.withLock { state in
      for (name, value) in metrics {
        switch name {
        case "loss": state.progress.loss = value
        case "validation_clean_accuracy": state.progress.cleanAccuracy = value
        case "validation_robust_accuracy":
          state.progress.robustAccuracy = value
          // A resumed event stream may repeat an epoch.
          if state.lastEpoch != number {
            state.progress.robustHistory = Array((state.progress.robustHistory + [value]).suffix(ProgressFacts.longestHistory))
          }
        default: break
        }
      }
      let isKnown = state.lastEpoch == number
      state.lastEpoch = number
      guard !style.interactive else { return draw(&state, force: true) }
      guard !isKnown else { return }
      StandardStream.error.write(Self.line(number, phase, metrics, state.progress))
    }
  }

  /// Writes a permanent line, such as a warning.
  func note(_ text: String) {
    state.withLock { state in
      erase(&state)
      StandardStream.error.write(text + "\n")
      if style.interactive && state.progress.phase != nil { draw(&state, force: true) }
    }
  }

  /// Clears the progress line.
  func finish() {
    state.withLock { erase(&$0) }
  }

  /// Whether the current evaluation is the final one. There is also a short one after each epoch.
  private func isTrained(_ state: State) -> Bool {
    guard let epochs = state.progress.epochs else { return true }
    return (state.lastEpoch ?? 0) >= epochs
  }

  private func draw(_ state: inout State, force: Bool) {
    let now = ContinuousClock.now
    if !force, let last = state.lastDraw, now - last < Self.interval { return }
    state.lastDraw = now
    state.drawn = true
    let bar = ProgressBar(columns: StandardStream.error.columns ?? 80, color: style.color)
    StandardStream.error.write("\r\u{1B}[K" + bar.line(state.progress))
  }

  private func erase(_ state: inout State) {
    guard state.drawn else { return }
    state.drawn = false
    StandardStream.error.write("\r\u{1B}[K")
  }

  /// `epoch 7/30 retrain  loss 0.412  validation clean 98.1%  robust 71.8%  eta 0:12`.
  private static func line(_ number: Int, _ phase: String?, _ metrics: [(name: String, value: Double)], _ progress: ProgressFacts) -> String
  {
    var parts = ["epoch \(number)" + (progress.epochs.map { "/\($0)" } ?? "") + (phase.map { " \($0)" } ?? "")]
    func shown(_ name: String, _ text: (Double) -> String) {
      if let value = metrics.first(where: { $0.name == name })?.value { parts.append(text(value)) }
    }
    shown("loss") { "loss \(ProgressBar.decimal($0, 4))" }
    shown("validation_clean_accuracy") { "validation clean \(ProgressBar.decimal($0 * 100, 1))%" }
    shown("validation_robust_accuracy") { "robust \(ProgressBar.decimal($0 * 100, 1))%" }
    shown("validation_averaged_robust_accuracy") { "averaged \(ProgressBar.decimal($0 * 100, 1))%" }
    if let eta = progress.etaSeconds { parts.append("eta \(ProgressBar.duration(eta))") }
    return parts.joined(separator: "  ") + "\n"
  }
}
