import JSON
import Attacks
import Datasets
import Models
import Robustness
import Training

extension JobSpec {
  /// The spec as the API shows it: every field written out, in the order of the contract. Reading it gives the same spec again.
  package var json: JSONValue {
    [
      "name": .orNull(name), "labels": .object(labelsJSON), "kind": .string(kind.rawValue), "dataset": dataset.json, "model": model.json,
      "threat": ["norm": .string(threat.norm.rawValue), "epsilon": .number(threat.epsilon)],
      "training": training?.json ?? .null, "evaluation": evaluation.json, "gates": .array(gates.map(\.json)),
      "precision": .string(precision.rawValue), "seed": .int(Int64(clamping: seed)), "priority": .int(Int64(priority)),
      "resources": ["threads": .orNull(resources.threads), "max_seconds": .orNull(resources.maxSeconds)],
    ]
  }

  private var labelsJSON: JSONObject {
    var object = JSONObject()
    for (key, value) in labels.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
    return object
  }
}

extension DatasetSection {
  var json: JSONValue {
    var object: JSONObject
    switch reference {
    case .id(let id): object = ["id": .string(id)]
    case .path(let path, let format): object = ["path": .string(path), "format": .string(format.rawValue)]
    }
    object["validation_fraction"] = .number(validationFraction)
    object["limit"] = .orNull(limit)
    return .object(object)
  }
}

extension ModelSection {
  var json: JSONValue {
    var object = JSONObject()
    switch description.architecture {
    case .preset(let name, let parameters):
      object["architecture"] = .string(name)
      for (key, value) in parameters.sorted(by: { $0.key < $1.key }) {
        switch value {
        case .integer(let number): object[key] = .int(Int64(number))
        case .integers(let numbers): object[key] = .array(numbers.map { .int(Int64($0)) })
        case .number(let value): object[key] = .number(value)
        case .choice(let word): object[key] = .string(word)
        }
      }
    case .layers(let layers): object["layers"] = .array(layers.map(\.json))
    }
    object["init"] = .orNull(initial)
    object["normalization"] = description.normalization?.json ?? .null
    return .object(object)
  }
}

extension Normalization {
  fileprivate var json: JSONValue {
    ["mean": .array(mean.map(Self.shortest)), "std": .array(std.map(Self.shortest))]
  }

  /// 0.1307 and not 0.13070000708103180: the shortest decimal that is the same `Float`.
  private static func shortest(_ value: Float) -> JSONValue { .number(Double(value.description) ?? Double(value)) }
}

extension Layer {
  fileprivate var json: JSONValue {
    var object: JSONObject = ["type": .string(type.rawValue)]
    for field in type.fields {
      object[field.name] =
        switch values[field.name] {
        case .integer(let value): .int(Int64(value))
        case .extent(let value): value.both.map { .int(Int64($0)) } ?? [.int(Int64(value.height)), .int(Int64(value.width))]
        case .number(let value): .number(value)
        case .boolean(let value): .bool(value)
        case .layers(let layers): .array(layers.map(\.json))
        case nil: nil
        }
    }
    return .object(object)
  }
}

extension TrainingSettings {
  var json: JSONValue {
    var object: JSONObject = [
      "method": .string(method.name), "base_epochs": .int(Int64(baseEpochs)), "epochs": .int(Int64(epochs)),
      "batch_size": .int(Int64(batchSize)), "adversarial_fraction": .number(adversarialFraction),
      "attack": method.attack == nil ? .null : attack.json(for: .training),
      "bn_in_attack": .string(batchNormInAttack.rawValue), "optimizer": optimizer.json, "schedule": schedule.json,
      "augment": [], "average": ["ema": nil], "select": .string(select.rawValue), "early_stop_patience": .orNull(earlyStopPatience),
    ]
    if !method.fields.isEmpty { object["settings"] = methodSettings.json }
    return .object(object)
  }
}

extension OptimizerSettings {
  fileprivate var json: JSONValue {
    let rate = JSONValue.number(learningRate)
    return switch rule {
    case .sgd(let momentum, let decay, let nesterov):
      [
        "name": "sgd", "learning_rate": rate, "momentum": .number(momentum), "weight_decay": .number(decay), "nesterov": .bool(nesterov),
      ]
    case .adam(let beta1, let beta2, let epsilon, let decay):
      Self.json("adam", rate, beta1, beta2, epsilon, decay)
    case .adamw(let beta1, let beta2, let epsilon, let decay):
      Self.json("adamw", rate, beta1, beta2, epsilon, decay)
    }
  }

  private static func json(
    _ name: JSONValue, _ rate: JSONValue, _ beta1: Double, _ beta2: Double, _ epsilon: Double, _ decay: Double
  ) -> JSONValue {
    [
      "name": name, "learning_rate": rate, "beta1": .number(beta1), "beta2": .number(beta2), "epsilon": .number(epsilon),
      "weight_decay": .number(decay),
    ]
  }
}

extension Schedule {
  fileprivate var json: JSONValue {
    switch self {
    case .constant: ["name": "constant"]
    case .cosine: ["name": "cosine"]
    case .step(let milestones, let factor):
      ["name": "step", "milestones": .array(milestones.map { .int(Int64($0)) }), "factor": .number(factor)]
    case .cyclic(let peak): ["name": "cyclic", "peak": .number(peak)]
    }
  }
}

extension EvaluationSection {
  var json: JSONValue {
    [
      "attacks": .array(attacks.map { $0.json(for: .evaluation) }), "samples": .int(Int64(samples)),
      "curve": .array(curve.map(JSONValue.number)), "baseline": .orNull(baseline),
    ]
  }
}

extension Gate {
  var json: JSONValue { ["metric": .string(metric.rawValue), "attack": .orNull(attack), "min": .number(min)] }
}
