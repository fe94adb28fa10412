#!/usr/bin/env python3
"""Measures whole steps of PGD training in TensorFlow: the same work as `pgd_training.py`, with the same arguments and the same output.

Images and networks are channels last, as TensorFlow's convolutions want them on a processor. A step is one `tf.function`.
"""
import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow.keras import layers as L

import timed_steps


def conv(filters, kernel, stride=1, bias=False):
    return L.Conv2D(filters, kernel, stride, padding="same", use_bias=bias)


def norm_relu(x, ceiling=None):
    return L.ReLU(ceiling)(L.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))


def mlp(x, classes):
    x = L.Flatten()(x)
    for units in (512, 512):
        x = L.Dense(units, activation="relu")(x)
    return L.Dense(classes)(x)


def madry_cnn(x, classes):
    """Madry et al. 2018, arXiv:1706.06083: the network for MNIST."""
    for filters in (32, 64):
        x = L.MaxPool2D(2)(L.ReLU()(conv(filters, 5, bias=True)(x)))
    return L.Dense(classes)(L.Dense(1024, activation="relu")(L.Flatten()(x)))


def preact_block(x, filters, stride):
    """He et al. 2016, arXiv:1603.05027."""
    activated = norm_relu(x)
    shortcut = conv(filters, 1, stride)(activated) if stride != 1 or x.shape[-1] != filters else x
    return L.Add()([conv(filters, 3)(norm_relu(conv(filters, 3, stride)(activated))), shortcut])


def preact_resnet18(x, classes):
    x = conv(64, 3)(x)
    for filters, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        x = preact_block(preact_block(x, filters, stride), filters, 1)
    return L.Dense(classes)(L.GlobalAveragePooling2D()(norm_relu(x)))


def inverted_residual(x, filters, stride, expansion):
    """Sandler et al. 2018, arXiv:1801.04381."""
    channels = x.shape[-1]
    hidden = x if expansion == 1 else norm_relu(conv(channels * expansion, 1)(x), 6)
    hidden = norm_relu(L.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(hidden), 6)
    hidden = L.BatchNormalization(momentum=0.9, epsilon=1e-5)(conv(filters, 1)(hidden))
    return L.Add()([x, hidden]) if stride == 1 and channels == filters else hidden


def mobilenet_v2(x, classes):
    x = norm_relu(conv(32, 3, 2)(x), 6)
    for expansion, filters, repeats, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(repeats):
            x = inverted_residual(x, filters, stride if block == 0 else 1, expansion)
    x = L.GlobalAveragePooling2D()(norm_relu(conv(1280, 1)(x), 6))
    return L.Dense(classes)(L.Dropout(0.2)(x))


NETWORKS = {network.__name__: network for network in (mlp, madry_cnn, preact_resnet18, mobilenet_v2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=NETWORKS, required=True)
    timed_steps.add_arguments(parser)
    parser.add_argument("--bf16", action="store_true", help="mixed_bfloat16")
    parser.add_argument("--xla", action="store_true", help="compile the step with XLA")
    options = parser.parse_args()

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    tf.random.set_seed(0)
    if options.bf16:
        tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    shape = tuple(map(int, options.image.split(",")))
    entry = L.Input(shape)
    model = tf.keras.Model(entry, NETWORKS[options.architecture](entry, options.classes))
    optimizer = tf.keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=5e-4)
    x = tf.random.uniform((options.batch_size, *shape))
    y = tf.random.uniform((options.batch_size,), 0, options.classes, tf.int32)
    epsilon, step_size = 8 / 255, 2 / 255

    def loss(images, training):
        logits = tf.cast(model(images, training=training), tf.float32)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))

    def perturbed():
        d = tf.random.uniform(tf.shape(x), -epsilon, epsilon)
        d = tf.clip_by_value(x + d, 0, 1) - x
        for _ in tf.range(options.attack_steps):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(d)
                value = loss(x + d, training=False)  # Temper's attack too takes batch norm as it stands
            d = tf.clip_by_value(d + step_size * tf.sign(tape.gradient(value, d)), -epsilon, epsilon)
            d = tf.clip_by_value(x + d, 0, 1) - x
        return x + d

    @tf.function(jit_compile=options.xla)
    def gradients():
        adversarial = perturbed()
        with tf.GradientTape() as tape:
            value = loss(adversarial, training=True)
        return tape.gradient(value, model.trainable_variables)

    def step():
        begun = time.perf_counter()
        optimizer.apply_gradients(zip(gradients(), model.trainable_variables))
        return time.perf_counter() - begun

    timed_steps.measure("TensorFlow " + tf.__version__, options, step)


if __name__ == "__main__":
    main()
