import JSON

/// Bodies that run as they stand, by the name of the operation.
enum Examples {
  static let ofOperations: [String: JSONValue] = [
    "submitJob": spec,
    "submitSweep": ["name": "two radii", "spec": spec, "vary": ["threat.epsilon": [0.1, 0.2]], "mode": "grid"],
    "createSchedule": ["name": "nightly", "spec": spec, "cron": "30 2 * * *", "labels": ["branch": "main"]],
    "createWebhook": ["url": "https://ci.example.org/temper", "on": ["verdict"], "labels": ["branch": "main"]],
    "createToken": ["name": "ci", "role": "submit"],
    "extendJob": ["epochs": 1],
  ]

  /// Some seconds of work.
  private static let spec: JSONValue = [
    "name": "digits-pgd", "labels": ["branch": "main"], "dataset": ["id": "digits", "limit": 200],
    "model": ["architecture": "mlp", "hidden": [32]], "threat": ["norm": "linf", "epsilon": 0.1],
    "training": ["method": "pgd", "base_epochs": 1, "epochs": 1, "attack": ["name": "pgd", "steps": 3]],
    "evaluation": ["attacks": [["name": "pgd", "steps": 5]], "samples": 50, "curve": []], "seed": 1,
  ]
}
