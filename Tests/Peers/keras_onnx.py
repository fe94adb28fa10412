"""A MobileNetV2 of Keras through ONNX: TensorFlow beside Temper, its logits and its robust accuracy.

    python3 -m venv venv && venv/bin/pip install tensorflow-cpu==2.15.1 tf2onnx 'onnx<1.17' onnxruntime==1.17.3 'numpy<2' h5py pillow
    venv/bin/python Tests/Peers/keras_onnx.py model.h5 PICTURES --temper .build/release/temper --out FOLDER

`model.h5` is a saved model of Keras 2 or 3: MobileNetV2 and one dense layer behind it, without a top of its own. The network is built anew in
TensorFlow 2.15, whose Keras tf2onnx understands, gets the file's weights by their names, and takes pixels of [0, 1]; a softmax at the end is left out.
PICTURES are a folder of PNG or JPEG, of which the network labels each itself. Leaves `breeds.onnx` and the pictures in the network's size in FOLDER.
Ends with `N passed, M failed`.
"""

import argparse
import json
import os
import pathlib
import subprocess

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from PIL import Image

SIZE = 160
COMPARED = 20


def network(path):
    """Pixels of [0, 1] to logits, as a model of TensorFlow."""
    found = {}
    with h5py.File(path) as file:
        file["model_weights"].visititems(
            lambda name, value: found.__setitem__(tuple(name.split("/")[-2:]), np.asarray(value)) if isinstance(value, h5py.Dataset) else None)
    dense = {name[1]: value for name, value in found.items() if name[0].startswith("dense")}
    base = tf.keras.applications.MobileNetV2(input_shape=(SIZE, SIZE, 3), include_top=False, weights=None)
    last = tf.keras.layers.Dense(dense["kernel"].shape[1])
    image = tf.keras.Input((SIZE, SIZE, 3), name="image")
    model = tf.keras.Model(image, last(tf.keras.layers.GlobalAveragePooling2D()(base(image * 2.0 - 1.0, training=False))))
    for layer in base.layers:
        for weight in layer.weights:
            name = weight.name.split("/")[-1].split(":")[0]
            # Keras 3 calls the kernel of a depthwise layer as that of any other.
            values = found.get((layer.name, name), found.get((layer.name, name.removeprefix("depthwise_"))))
            weight.assign(values.reshape(weight.shape))
    last.kernel.assign(dense["kernel"])
    last.bias.assign(dense["bias"])
    return model


def log_probabilities(logits):
    return tf.nn.log_softmax(logits.astype(np.float64)).numpy()


def gradient(model, images, labels):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images, training=False)))
    return tape.gradient(loss, images)


def standing(model, images, labels, epsilon, steps, size):
    """How many images no step of projected gradient descent from the images themselves finds misclassified."""
    count = 0
    for start in range(0, len(images), 20):
        clean, classes = tf.constant(images[start:start + 20]), labels[start:start + 20]
        moved, right = clean, np.ones(len(classes), bool)
        for _ in range(steps):
            moved = moved + size * tf.sign(gradient(model, moved, classes))
            moved = tf.clip_by_value(tf.clip_by_value(moved, clean - epsilon, clean + epsilon), 0.0, 1.0)
            right &= model(moved, training=False).numpy().argmax(1) == classes
        count += int(right.sum())
    return count


def evaluated(temper, folder, pictures, labels, epsilon, attacks):
    """How many images stand under each attack, by Temper, and how many are right as they are."""
    classes = int(labels.max()) + 1
    arrays = {"x_test": pictures, "y_test": labels, "x_train": np.repeat(pictures[:1], classes, 0), "y_train": np.arange(classes)}
    np.savez(folder / "pictures.npz", **arrays)
    spec = {"kind": "evaluate", "dataset": {"path": "pictures.npz", "format": "npz"}, "model": {"init": "breeds.onnx"},
            "threat": {"norm": "linf", "epsilon": epsilon}, "evaluation": {"attacks": attacks, "samples": len(pictures), "curve": []}}
    (folder / "spec.json").write_text(json.dumps(spec))
    done = subprocess.run([temper, "run", "spec.json", "--out", "run", "--overwrite"], cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 3, 6):
        raise SystemExit(done.stderr)
    report = json.loads((folder / "run/report.json").read_text())["after"]
    return report["clean_accuracy"]["correct"], [attack["robust_accuracy"]["correct"] for attack in report["attacks"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("--temper", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / ".build/release/temper")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("breeds"))
    parser.add_argument("--epsilons", nargs="+", type=float, default=[0.25 / 255, 0.5 / 255, 1 / 255], help="of the attacks, L∞")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    folder, temper, checks = arguments.out, arguments.temper.resolve(), []
    folder.mkdir(parents=True, exist_ok=True)
    model = network(arguments.model)
    signature = (tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="image"),)
    tf2onnx.convert.from_keras(model, input_signature=signature, opset=17, output_path=str(folder / "breeds.onnx"))

    paths = sorted(path for path in arguments.pictures.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    pictures = np.stack([np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)) for path in paths])
    images = pictures.astype(np.float32) / 255
    logits = model.predict(images, verbose=0)
    labels = logits.argmax(1)
    print(f"{len(paths)} pictures, of {len(set(labels))} of {logits.shape[1]} classes by the network itself")

    theirs = onnxruntime.InferenceSession(str(folder / "breeds.onnx")).run(None, {"image": images})[0]
    print(f"tf2onnx in onnxruntime {onnxruntime.__version__}: logits within {np.abs(theirs - logits).max():.1e} of Keras, of at most {np.abs(logits).max():.1f}")
    worst, first = 0.0, 0
    for number in range(min(COMPARED, len(paths))):
        Image.fromarray(pictures[number]).save(folder / "one.png")
        done = subprocess.run([temper, "attack", "one.png", "--model", "breeds.onnx", "--out", "out.png", "--steps", "1", "--json"],
                              cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        guesses = json.loads(done.stdout)["before"]
        wanted = log_probabilities(logits[number])
        worst = max([worst] + [abs(np.log(guess["probability"]) - wanted[guess["label"]]) for guess in guesses])
        first += guesses[0]["label"] == labels[number]
    checks.append(worst < 1e-3 and first == min(COMPARED, len(paths)))
    print(f"Temper: log-probabilities of the five likeliest within {worst:.1e} of Keras, the first class equal in {first} of {min(COMPARED, len(paths))}")

    print("| L∞ | FGSM: Temper, TensorFlow | PGD of 10 steps: Temper, TensorFlow |\n| --- | --- | --- |")
    for epsilon in arguments.epsilons:
        attacks = [{"name": "fgsm"}, {"name": "pgd", "steps": 10, "step_size": epsilon / 4, "random_start": False}]
        clean, ours = evaluated(temper, folder, pictures, labels, epsilon, attacks)
        peer = [standing(model, images, labels, epsilon, 1, epsilon), standing(model, images, labels, epsilon, 10, epsilon / 4)]
        checks += [clean == len(paths), *(abs(a - b) <= 0.005 * len(paths) for a, b in zip(ours, peer))]
        print(f"| {epsilon * 255:.2f}/255 | {ours[0]}, {peer[0]} of {len(paths)} | {ours[1]}, {peer[1]} of {len(paths)} |", flush=True)
    print(f"{sum(checks)} passed, {len(checks) - sum(checks)} failed")
    raise SystemExit(not all(checks))


if __name__ == "__main__":
    main()
