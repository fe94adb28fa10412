"""The weights of a Keras MobileNetV2 with one dense layer behind it, as safetensors for `mobilenet_v2` with `"padding": "keras"`:

    pip install h5py numpy safetensors
    python3 keras_mobilenet.py model.h5 model.safetensors

The file is read as HDF5 alone: neither Keras nor TensorFlow is needed, and nothing in it is run. In the spec the normalisation is
`"minus_one_to_one"`, which is Keras's `preprocess_input`."""

import sys

import h5py
import numpy
from safetensors.numpy import save_file

NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def prefix(layer):
    """torchvision's name of a layer of Keras's MobileNetV2."""
    if layer in ("Conv1", "bn_Conv1"):
        return f"features.0.{int(layer != 'Conv1')}"
    if layer in ("Conv_1", "Conv_1_bn"):
        return f"features.18.{int(layer != 'Conv_1')}"
    block, part = layer.removeprefix("expanded_conv_"), layer
    number = 0
    if layer.startswith("block_"):
        number, block = int(layer.split("_")[1]), layer.split("_", 2)[2]
    part = ["expand", "depthwise", "project"].index(block.split("_")[0]) - (number == 0)
    norm = int(block.endswith("_BN"))
    # The projection has no activation, so that its norm is the next layer of the sequence.
    last = 1 if number == 0 else 2
    return f"features.{number + 1}.conv.{part + norm if part == last else f'{part}.{norm}'}"


tensors = {}


def take(path, values):
    if not isinstance(values, h5py.Dataset):
        return
    layer, name = path.split("/")[-2:]
    array = numpy.asarray(values, numpy.float32)
    if array.ndim == 4:
        # [height, width, channels, filters]; of a depthwise layer [height, width, channels, 1].
        tensors[prefix(layer) + ".weight"] = array.transpose(2, 3, 0, 1) if "depthwise" in layer else array.transpose(3, 2, 0, 1)
    elif array.ndim == 2:
        tensors["classifier.1.weight"] = array.T
    elif name == "bias":
        tensors["classifier.1.bias"] = array
    else:
        tensors[f"{prefix(layer)}.{NORM[name]}"] = array


with h5py.File(sys.argv[1]) as file:
    file["model_weights"].visititems(take)
save_file({name: numpy.ascontiguousarray(array) for name, array in tensors.items()}, sys.argv[2])
