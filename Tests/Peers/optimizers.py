"""Writes Tests/TrainingTests/PyTorchReference.swift: what PyTorch's optimisers and schedules do to a few weights.

    python Tests/Peers/optimizers.py > Tests/TrainingTests/PyTorchReference.swift

Five weights, six steps; the gradient of weight i at step t is (t + 1) (w[i] - 0.3) + 0.05 i (t - 2), so that it depends on the weights.
"""

import torch

STEPS = 6
START = [0.5, -1.25, 2.0, 0.0, -0.03125]
CASES = {
    "SGD": ("OptimizerSettings(.sgd(momentum: 0, weightDecay: 0), learningRate: 0.1)", lambda p: torch.optim.SGD(p, lr=0.1)),
    "SGD with momentum and weight decay": (
        "OptimizerSettings(.sgd(momentum: 0.9, weightDecay: 0.05), learningRate: 0.1)",
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
    ),
    "SGD with Nesterov's momentum": (
        "OptimizerSettings(.sgd(momentum: 0.8, weightDecay: 0.01, nesterov: true), learningRate: 0.05)",
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.01, nesterov=True),
    ),
    "Adam": ("OptimizerSettings(.adam(), learningRate: 0.01)", lambda p: torch.optim.Adam(p, lr=0.01)),
    "Adam with weight decay": (
        "OptimizerSettings(.adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.1), learningRate: 0.02)",
        lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1),
    ),
    "AdamW": (
        "OptimizerSettings(.adamw(weightDecay: 0.2), learningRate: 0.05)",
        lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.2),
    ),
}


def trajectory(make):
    weights = torch.nn.Parameter(torch.tensor(START))
    optimizer = make([weights])
    rows = []
    for t in range(STEPS):
        index = torch.arange(len(START), dtype=torch.float32)
        weights.grad = (t + 1) * (weights.detach() - 0.3) + 0.05 * index * (t - 2)
        optimizer.step()
        rows.append(weights.detach().tolist())
    return rows


def rates(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


def swift(values):
    return "[" + ", ".join(repr(v) for v in values) + "]"


print(f"// Made by Tests/Peers/optimizers.py with PyTorch {torch.__version__.split('+')[0]}.")
print("import Training\n")
print("enum PyTorchReference {")
print(f"  static let start: [Float] = {swift(START)}\n")
print("  /// The weights after each step.")
print("  static let trajectories: [(name: String, settings: OptimizerSettings, weights: [[Float]])] = [")
for name, (settings, make) in CASES.items():
    print(f'    (\n      "{name}", {settings},\n      [')
    for row in trajectory(make):
        print(f"        {swift(row)},")
    print("      ]\n    ),")
print("  ]\n")
cosine = rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=10), 10)
steps = rates(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.1), 7)
print("  /// CosineAnnealingLR(T_max=10) from 1.")
print(f"  static let cosine: [Double] = [\n    {', '.join(repr(v) for v in cosine)},\n  ]")
print("  /// MultiStepLR(milestones=[2, 5], gamma=0.1) from 1, by epoch.")
print(f"  static let steps: [Double] = {swift(steps)}")
cycles = {
    "cos": dict(total_steps=10),
    "linear": dict(total_steps=7, pct_start=0.45, anneal_strategy="linear", div_factor=10, final_div_factor=100),
}
for name, settings in cycles.items():
    cycle = rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=1.0, cycle_momentum=False, **settings), settings["total_steps"])
    print(f"  /// OneCycleLR({', '.join(f'{k}={v!r}' for k, v in settings.items())}) to 1.")
    print(f"  static let oneCycle{name.capitalize()}: [Double] = [\n    {', '.join(repr(v) for v in cycle)},\n  ]")


def warmed(optimizer):
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 4, total_iters=3)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[4])


print("  /// SequentialLR of LinearLR(start_factor=1/4, total_iters=3) and from the fifth step on CosineAnnealingLR(T_max=6).")
print(f"  static let warmedCosine: [Double] = [\n    {', '.join(repr(v) for v in rates(warmed, 10))},\n  ]")
print("}")
