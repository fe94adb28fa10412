"""The jobs of the soak: every method, many architectures, both kinds, the built-in digits and uploads; a second or three each."""
from inputs import npz, spec

LAYERS = [
    {"type": "conv", "filters": 8, "kernel": 3, "padding": 1}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "residual", "layers": [{"type": "conv", "filters": 8, "kernel": 3, "padding": 1}, {"type": "relu"}], "shortcut": []},
    {"type": "max_pool", "size": 2}, {"type": "dropout", "rate": 0.2}, {"type": "flatten"}, {"type": "linear", "units": 10}]
PREACT = {"architecture": "preact_resnet18", "width": 4}
VIT = {"architecture": "vit_tiny", "patch": 2, "depth": 2, "width": 32, "heads": 2}
ADAM = {"name": "adam", "learning_rate": 0.002}
DATASET, MODEL = "uploaded data set", "uploaded model"


def pgd(architecture, epochs, steps, **more):
    training = {"attack": {"name": "pgd", "steps": steps}, **more.pop("training", {})}
    return spec(architecture=architecture, method="pgd", epochs=epochs, limit=None, training=training, **more)


def plain(architecture, method, epochs, **more):
    return spec(architecture=architecture, method=method, epochs=epochs, limit=None, **more)


def pgd_steps(steps):
    return [{"name": "fgsm"}, {"name": "pgd", "steps": steps}]


def evaluation(init, samples, attacks, architecture="lenet"):
    """A job that only evaluates. `init` is `MODEL`, or the checkpoint `last` of an earlier job: ("of", its name)."""
    made = spec(architecture=architecture, limit=None, kind="evaluate", model={"init": init})
    del made["training"]
    made["evaluation"] = {"attacks": attacks, "samples": samples, "curve": [0, 0.05, 0.1, 0.15]}
    return made


# `DATASET` and `MODEL` stand for what the soak uploads first. The first four are a good choice by themselves.
TEMPLATES = [
    ("lenet-pgd", pgd("lenet", 14, 20)),
    ("evaluate-autoattack", evaluation(MODEL, 200, [{"name": "autoattack"}])),
    ("mlp-fgsm", plain("mlp", "fgsm", 24)),
    ("preact-standard", plain(PREACT, "standard", 12)),
    ("preact-pgd", pgd(PREACT, 5, 6)),
    ("vit-pgd", pgd(VIT, 4, 8)),
    ("linear-standard-uploaded", plain("linear", "standard", 60, dataset=DATASET)),
    ("madry-fgsm", plain("madry_cnn", "fgsm", 12)),
    ("lenet-pgd-uploaded", pgd("lenet", 12, 20, dataset=DATASET)),
    ("evaluate-checkpoint", evaluation(("of", "lenet-pgd"), 360, pgd_steps(400))),
    ("mlp-pgd-adam", pgd("mlp", 10, 10, training={"optimizer": {"name": "adam", "learning_rate": 0.001}})),
    ("madry-standard", plain("madry_cnn", "standard", 14)),
    ("lenet-pgd-from-model", pgd("lenet", 14, 20, model={"init": MODEL})),
    ("vit-standard", plain(VIT, "standard", 20)),
    ("linear-pgd", pgd("linear", 60, 100)),
    ("layers-pgd", pgd({"layers": LAYERS}, 16, 20)),
    ("lenet-pgd-mixed", pgd("lenet", 14, 20, training={"adversarial_fraction": 0.5, "base_epochs": 4})),
    ("preact-fgsm-batch-statistics", plain(PREACT, "fgsm", 7, training={"bn_in_attack": "train"})),
    ("mlp-standard", plain("mlp", "standard", 30)),
    ("evaluate-preact", evaluation(("of", "preact-standard"), 360, pgd_steps(60), PREACT)),
    ("lenet-fgsm-adamw", plain("lenet", "fgsm", 30, training={"optimizer": {"name": "adamw", "learning_rate": 0.001}})),
    ("vit-fgsm", plain(VIT, "fgsm", 14)),
    ("evaluate-uploaded", evaluation(MODEL, 360, pgd_steps(500))),
    ("lenet-trades", plain("lenet", "trades", 8)),
    ("preact-nfgsm-averaged", plain(PREACT, "nfgsm", 6, training={"average": {"ema": 0.99}})),
    ("lenet-free", plain("lenet", "free", 40, training={"settings": {"replays": 4}})),
    ("lenet-mart-augmented", plain("lenet", "mart", 6, training={"augment": [{"type": "random_crop", "padding": 1}]})),
    ("lenet-alp", plain("lenet", "alp", 6)),
    ("lenet-awp-adam", plain("lenet", "awp", 6, training={"optimizer": ADAM})),
    ("mlp-gradalign", plain("mlp", "gradalign", 8, training={"optimizer": ADAM})),
    ("lenet-input-gradient-clipped", plain("lenet", "input_gradient", 8, training={"optimizer": ADAM, "clip_norm": 1})),
    ("mlp-ibp", plain("mlp", "ibp", 20, training={"optimizer": ADAM})),
    ("lenet-mtl-ibp", plain("lenet", "mtl_ibp", 6, training={"optimizer": ADAM})),
]


class SoakJob:
    """A job of the soak: its name, its spec with placeholders, and which job must have ended before it may be submitted."""

    def __init__(self, number):
        round_, index = divmod(number, len(TEMPLATES))
        name, self.template = TEMPLATES[index]
        suffix = f"-{round_ + 1}" if round_ else ""
        self.name, self.seed = name + suffix, round_ * 100 + index
        init = self.template["model"].get("init")
        self.needs = init[1] + suffix if isinstance(init, tuple) else None

    def spec(self, dataset, model, checkpoint=None):
        made = {**self.template, "name": self.name, "seed": self.seed}
        if made["dataset"]["id"] == DATASET:
            made["dataset"] = {**made["dataset"], "id": dataset}
        if made["model"].get("init"):
            made["model"] = {**made["model"], "init": model if made["model"]["init"] == MODEL else checkpoint}
        return made


def throwaway(number):
    """A job that is there to be deleted."""
    return spec(name=f"throw-away-{number}", architecture="linear", method="standard", base_epochs=0, epochs=1, limit=100, seed=number)


def seed_model():
    """The job whose checkpoint is uploaded as the model of others."""
    return spec(name="seed", architecture="lenet", method="standard", base_epochs=1, epochs=10, limit=None, seed=77)


def soak_dataset():
    return npz(5, train=1000, test=200, classes=4)
