import JSON
import Jobs
import Robustness
import Testing

@Suite struct JobSpecJSONTests {
  /// The example of the API's description, completed with the defaults.
  static let example = """
    {"name": "digits-pgd", "labels": {"branch": "main"}, "kind": "train",
     "dataset": {"id": "digits", "validation_fraction": 0.1, "limit": null},
     "model": {"architecture": "lenet", "init": null, "preprocessing": [], "normalization": null},
     "threat": {"norm": "linf", "epsilon": 0.15},
     "training": {"method": "pgd", "base_epochs": 2, "epochs": 10, "batch_size": 128, "accumulate": 1, "freeze": [], "bn_statistics": "update", "adversarial_fraction": 1.0,
       "attack": {"name": "pgd", "steps": 7, "step_size": null, "random_start": true, "source": "current"},
       "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0005, "nesterov": false},
       "bn_in_attack": "eval",
       "schedule": {"name": "cosine"}, "learning_rate_warmup": 0.0, "epsilon_warmup": 0.0, "clip_norm": null, "label_smoothing": 0.0,
       "augment": [], "average": {"ema": null}, "select": "best_robust",
       "early_stop_patience": null, "extensions": [], "on_collapse": "continue"},
     "evaluation": {
       "attacks": [{"name": "apgd_ce", "steps": 100, "restarts": 1, "eot_samples": 1},
         {"name": "apgd_t", "steps": 100, "targets": 9, "restarts": 1, "eot_samples": 1}],
       "budget_seconds": 120.0, "threats": [], "samples": 1000, "order": null, "evidence": true, "curve": [0.0, 0.05, 0.1, 0.15, 0.2], "certify": null,
       "adaptive": true, "baseline": null},
     "gates": [{"metric": "robust_accuracy", "attack": "apgd_t", "class": null, "against": null, "min": 0.6}],
     "precision": "fp32", "seed": 0, "priority": 0, "after": null, "resources": {"threads": null, "max_seconds": null}}
    """

  @Test("a spec of three fields is completed to the example of the contract")
  func completion() throws {
    let document: JSONValue = [
      "name": "digits-pgd", "labels": ["branch": "main"], "dataset": ["id": "digits"], "model": ["architecture": "lenet"],
      "threat": ["norm": "linf", "epsilon": 0.15], "gates": [["metric": "robust_accuracy", "attack": "apgd_t", "min": 0.6]],
    ]
    let expected = try JSONValue(parsing: Self.example)
    #expect(try JobSpec(reading: document).json == expected)
    #expect(try JobSpec(reading: expected).json == expected)
  }

  static let variants: [JSONValue] = [
    Specs.smallest, Specs.quick,
    Specs.smallest.setting(
      "/model", to: ["architecture": "mlp", "hidden": [32, 16], "normalization": ["mean": [0.1307], "std": [0.3081]]]),
    Specs.smallest.setting(
      "/model",
      to: [
        "layers": [
          ["type": "conv", "filters": 4, "kernel": 3, "padding": 1], ["type": "relu"], ["type": "max_pool", "size": 2],
          ["type": "residual", "layers": [["type": "conv", "filters": 4, "kernel": 1, "bias": false]], "shortcut": []],
          ["type": "dropout"], ["type": "flatten"], ["type": "linear", "units": 10],
        ]
      ]),
    Specs.smallest.setting(
      "/model/preprocessing",
      to: [
        ["type": "bit_depth", "bits": 4], ["type": "median", "size": 5], ["type": "gaussian_blur", "sigma": 1],
        ["type": "gaussian_blur", "sigma": 0.5, "size": 3], ["type": "jpeg", "quality": 10], ["type": "noise", "sigma": 0.1],
      ]
    ).setting("/evaluation/adaptive", to: false),
    Specs.smallest.setting("/training", to: ["method": "standard", "optimizer": ["name": "adam"], "schedule": ["name": "constant"]]),
    Specs.smallest.setting("/training", to: ["method": "fgsm", "attack": ["random_start": true], "schedule": ["name": "cyclic"]]),
    Specs.smallest.setting("/training", to: ["optimizer": ["name": "adamw"], "schedule": ["name": "step", "milestones": [3, 6]]]),
    Specs.smallest.setting("/kind", to: "evaluate").setting("/model/init", to: "mdl_00000000000000000000000000"),
    Specs.smallest.setting("/evaluation/attacks", to: [["name": "adam"], ["name": "noise", "steps": 9], ["name": "pgd", "restarts": 3]]),
    Specs.smallest.setting("/evaluation/attacks", to: [["name": "bim"], ["name": "mifgsm", "decay": 0.5, "step_size": 1]]),
    Specs.smallest.setting("/evaluation/attacks", to: [["name": "autoattack"]])
      .setting("/evaluation/threats", to: [["norm": "l2", "epsilon": 1], ["norm": "linf", "epsilon": "4/255"]]),
    Specs.smallest.setting("/evaluation/attacks", to: [["name": "autoattack", "version": "rand"], ["name": "pgd", "eot_samples": 5]]),
    Specs.smallest.setting("/kind", to: "generate").setting("/model/init", to: "mdl_00000000000000000000000000")
      .setting("/generation", to: ["attack": ["name": "fgsm"], "part": "train"]),
    Specs.smallest.setting("/evaluation/budget_seconds", to: 0.5),
    Specs.smallest.setting("/training", to: ["attack": ["name": "mifgsm", "steps": 3]]),
    Specs.smallest.setting("/evaluation", to: ["order": "stratified", "samples": 20, "baseline": "mdl_00000000000000000000000000"])
      .setting(
        "/gates",
        to: [
          ["metric": "clean_accuracy", "class": "3", "max": 0.5], ["metric": "robust_accuracy", "against": "baseline", "min": -0.01],
          ["metric": "worst_class_accuracy", "min": 0],
        ]),
    Specs.smallest.setting("/evaluation/attacks", to: [["name": "deepfool"]])
      .setting("/gates", to: [["metric": "median_distance", "min": 1.5]]),
    Specs.smallest.setting("/threat", to: ["norm": "l2", "epsilon": 2]).setting("/resources", to: ["threads": 1, "max_seconds": 60]),
  ]

  @Test("a completed spec reads as itself", arguments: variants)
  func roundTrip(_ document: JSONValue) throws {
    let spec = try JobSpec(reading: document)
    #expect(try JobSpec(reading: spec.json) == spec)
    #expect(try JobSpec(reading: JSONValue(parsing: spec.json.serialised())).json == spec.json)
  }

  @Test("a completed attack shows the fields that it has, and no others")
  func attacks() throws {
    let spec = try JobSpec(
      reading: Specs.smallest.setting("/evaluation/attacks", to: [["name": "bim"], ["name": "mifgsm"]])
        .setting("/training", to: ["attack": ["name": "mifgsm", "decay": 1]]))
    #expect(
      spec.json["evaluation"]?["attacks"] == [
        ["name": "bim", "steps": 10, "step_size": nil, "eot_samples": 1],
        ["name": "mifgsm", "steps": 10, "step_size": nil, "decay": 1.0, "eot_samples": 1],
      ])
    #expect(spec.json["training"]?["attack"] == ["name": "mifgsm", "steps": 10, "step_size": nil, "decay": 1.0, "source": "current"])
  }

  @Test("an evaluation shows that it trains nothing")
  func evaluation() throws {
    let spec = try JobSpec(reading: Specs.smallest.setting("/kind", to: "evaluate").setting("/model/init", to: "mdl_x"))
    #expect(spec.training == nil)
    #expect(spec.json["training"] == .null)
  }
}
