extension TrainingMethod {
  package static let standard = TrainingMethod(name: "standard", summary: "On clean images alone.", attack: nil) { _ in
    LossOfView(view: .clean)
  }
}
