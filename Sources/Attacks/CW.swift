import JSON
import Foundation
import TensorEngine

extension AttackDefinition {
  package static let cw = AttackDefinition(
    name: "cw",
    summary: "Carlini and Wagner's L2 attack: Adam on distance and margin, their weights found by bisection (2017, arXiv:1608.04644).",
    fields: [
      .steps(default: 1000, help: "Steps of Adam at each weight of the margin, at most."),
      .stepSize(.none, help: "Adam's learning rate; by default 0.01."),
      Field(
        "binary_search_steps", .integer(1...30), default: 9, help: "How many weights of the margin are tried.", label: .named),
      Field(
        "initial_const", .number(above: 0, to: 1e10), default: 0.001, help: "The weight of the margin that is tried first.",
        label: .named),
      Field(
        "confidence", .number(0...1e6), default: 0.0,
        help: "By how much another class's output must exceed the true one's.", label: .named),
    ],
    goal: .minimalDistance, norms: [.l2], strength: 32, budget: ["steps", "binary_search_steps"]
  ) { settings, _, _ in
    CW(
      steps: settings.steps, learningRate: settings.stepSize ?? 0.01,
      searches: settings["binary_search_steps"]?.integer ?? 9, initialWeight: settings["initial_const"]?.double ?? 0.001,
      confidence: settings["confidence"]?.double ?? 0)
  }
}

/// Carlini and Wagner's attack (2017, arXiv:1608.04644) in L2: Adam lowers ‖x − x₀‖² + c·max(0, z_y − max z_k + κ), with x = (tanh w + 1) / 2
/// in the box for every w; c is found by bisection for each example.
///
/// An example goes its own way: it is given up at a c as soon as a tenth of the steps lowered its own loss by less than 1e-4 of it, where
/// other implementations look at the whole batch, and begins with its next c at once, so that the batch stays full.
package struct CW: Attack {
  /// At each c, at most.
  package var steps: Int
  package var learningRate: Double
  /// How many values of c are tried.
  package var searches: Int
  package var initialWeight: Double
  package var confidence: Double

  package init(
    steps: Int = 1000, learningRate: Double = 0.01, searches: Int = 9, initialWeight: Double = 0.001, confidence: Double = 0
  ) {
    self.steps = steps
    self.learningRate = learningRate
    self.searches = searches
    self.initialWeight = initialWeight
    self.confidence = confidence
  }

  package var cost: AttackCost { AttackCost(gradientEvaluations: searches * steps) }

  package func perturb(
    _ examples: Examples, of classifier: any Classifier, threat: Threat, control: () throws -> Void
  ) rethrows -> Tensor {
    var active = ActiveSet(examples, at: examples.images, state: Searches(examples.images, weight: initialWeight))
    for row in 0..<active.count { begin(row, of: &active) }
    let loss = MarginHinge(confidence: Float(confidence))
    while !active.isEmpty {
      try control()
      let (hinges, logits) = classifier.inputGradient(
        at: active.iterates, targets: active.targets, loss: loss, gradient: &active.state.gradient)
      step(&active, hinges, found: found(logits, active.targets.labels))
    }
    return active.finished()
  }

  /// Which rows of logits are misclassified, by the wanted margin.
  private func found(_ logits: Tensor, _ labels: [Int]) -> [Bool] {
    zip(zip(logits.predictions(), labels), logits.margins(of: labels)).map { classes, margin in
      classes.0 != classes.1 && margin + Float(confidence) <= 0
    }
  }

  /// One step of Adam for each example; one that is through with its c goes on to the next, or ends with its nearest image.
  private func step(_ active: inout ActiveSet<Searches>, _ hinges: [Float], found: [Bool]) {
    let distances = active.iterates.euclideanDistances(from: active.clean)
    var leaving: [Int] = []
    for row in 0..<active.count {
      if found[row] { active.state.searches[row].keep(active.iterates[example: row], at: distances[row]) }
      if active.state.searches[row].goesOn(hinge: Double(hinges[row]), at: active.iterates[example: row], steps: steps) {
        let gradient = active.state.gradient[example: row]
        active.iterates.edit(row, beside: active.clean) {
          active.state.searches[row].descend($1, along: gradient, learningRate: learningRate)
        }
      } else if active.state.searches[row].narrow(tries: searches) {
        begin(row, of: &active)
      } else {
        active.iterates[example: row] = active.state.searches[row].nearest
        leaving.append(row)
      }
    }
    active.release(leaving)
  }

  /// Puts the iterate of an example at its start.
  private func begin(_ row: Int, of active: inout ActiveSet<Searches>) {
    active.iterates.edit(row, beside: active.clean) { _, image in active.state.searches[row].begin(image) }
  }
}

/// max(0, z_y − max z_k + κ): what is lowered until another class leads by κ.
private struct MarginHinge: Loss {
  let confidence: Float

  func callAsFunction(_ logits: Tensor, targets: LossTargets, gradient: inout Tensor) -> [Float] {
    for index in gradient.values.indices { gradient.values[index] = 0 }
    let margins = logits.margins(of: targets.labels)
    for (row, others) in logits.otherClasses(than: targets.labels, atMost: 1).enumerated() where margins[row] + confidence > 0 {
      gradient.values[row * logits.stride + targets.labels[row]] = 1
      if let other = others.first { gradient.values[row * logits.stride + other] = -1 }
    }
    return margins.map { max(0, $0 + confidence) }
  }
}

private struct Searches: PerExample {
  var searches: [Search]
  var gradient: Tensor

  init(_ images: Tensor, weight: Double) {
    searches = (0..<images.batch).map { Search(images[example: $0], weight: weight) }
    gradient = Tensor(zeros: images.shape)
  }

  func gathered(_ rows: [Int]) -> Searches {
    var gathered = self
    gathered.searches = searches.gathered(rows)
    gathered.gradient = gradient.gathered(rows)
    return gathered
  }
}

/// One example's search: Adam's descent at one c after the other.
private struct Search {
  /// w at the clean image, and the image of that w: as near as the box allows. Distances are measured from it, as other implementations do.
  private let origin: [Float]
  private let start: [Float]
  private var variables: [Float]
  /// Adam's means of the gradient and of its square.
  private var moments: (first: [Float], second: [Float])
  /// The nearest misclassified image, the clean one as long as there is none.
  private(set) var nearest: ArraySlice<Float>
  private var nearestDistance = Double.infinity
  /// c, and the bounds between which the least that succeeds is looked for.
  private var weight: Double
  private var failing = 0.0
  private var succeeding = Double.infinity
  private var tries = 0
  /// At the present c: the steps taken, whether any iterate was misclassified, and the loss when progress was last looked at.
  private var step = 0
  private var hasSucceeded = false
  private var lossAtCheck = Double.infinity

  /// The box is shrunk by so much, so that w is finite at its edges.
  private static let shrinkage: Float = 0.999999
  private static let decay: (first: Float, second: Float) = (0.9, 0.999)

  init(_ image: ArraySlice<Float>, weight: Double) {
    origin = image.map { atanh((2 * $0 - 1) * Self.shrinkage) }
    start = origin.map(Self.pixel)
    variables = origin
    moments = ([Float](repeating: 0, count: image.count), [Float](repeating: 0, count: image.count))
    nearest = image
    self.weight = weight
  }

  /// Goes back to the clean image, to begin with a c.
  mutating func begin(_ image: UnsafeMutableBufferPointer<Float>) {
    variables = origin
    for index in variables.indices {
      moments.first[index] = 0
      moments.second[index] = 0
      image[index] = start[index]
    }
    (step, hasSucceeded, lossAtCheck) = (0, false, .infinity)
  }

  /// Takes note of a misclassified iterate.
  mutating func keep(_ image: ArraySlice<Float>, at distance: Double) {
    hasSucceeded = true
    guard distance < nearestDistance else { return }
    nearest = ArraySlice(Array(image))
    nearestDistance = distance
  }

  /// Counts a step at the present c. False after the last, or where a tenth of them lowered the loss by too little.
  mutating func goesOn(hinge: Double, at image: ArraySlice<Float>, steps: Int) -> Bool {
    if step.isMultiple(of: (steps + 9) / 10) {
      let loss = weight * hinge + zip(image, start).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      guard loss <= 0.9999 * lossAtCheck else { return false }
      lossAtCheck = loss
    }
    step += 1
    return step < steps
  }

  /// Chooses the next c: ten times the present one until one succeeds, then between the last that failed and the last that did.
  ///
  /// - Returns: false after the last.
  mutating func narrow(tries most: Int) -> Bool {
    if hasSucceeded { succeeding = weight } else { failing = weight }
    weight = succeeding.isFinite ? (failing + succeeding) / 2 : 10 * weight
    tries += 1
    // Where many are tried, the last is the least that has succeeded, once more.
    if tries == most - 1, most >= 10 { weight = min(succeeding, 1e10) }
    return tries < most
  }

  /// One step of Adam. A value of the gradient that is not finite counts as 0.
  ///
  /// - Parameter gradient: of the hinge at `image`.
  mutating func descend(
    _ image: UnsafeMutableBufferPointer<Float>, along gradient: ArraySlice<Float>, learningRate: Double
  ) {
    let (beta1, beta2) = Self.decay
    let rate = Float(learningRate / (1 - pow(Double(beta1), Double(step))))
    let correction = Float(1 / (1 - pow(Double(beta2), Double(step))))
    let weight = Float(weight)
    for index in variables.indices {
      let x = image[index]
      let hinge = gradient[gradient.startIndex + index]
      // dx/dw = 2x(1 − x)
      let slope = (weight * (hinge.isFinite ? hinge : 0) + 2 * (x - start[index])) * 2 * x * (1 - x)
      moments.first[index] = beta1 * moments.first[index] + (1 - beta1) * slope
      moments.second[index] = beta2 * moments.second[index] + (1 - beta2) * slope * slope
      variables[index] -= rate * moments.first[index] / ((moments.second[index] * correction).squareRoot() + 1e-8)
      image[index] = Self.pixel(variables[index])
    }
  }

  private static func pixel(_ variable: Float) -> Float { (tanh(variable) + 1) / 2 }
}
