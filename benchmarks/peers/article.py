"""The article's networks in Keras 3 on TensorFlow, as its notebook of 2018 builds and runs them; and compiled by XLA.

`Predict` calls `model.predict` twice a frame and draws in numpy. `Xla` is what TensorFlow can do for it: the step with
its draw, and the decoder with its uint8, each one function compiled ahead.
"""

import math
import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from keras import layers

from benchmarks.peers import Images, Latents, draw, spread
from benchmarks.weights import Weights

SIGMA_FLOOR = 1e-8
LOG_2_PI = math.log(2 * math.pi)


def set_threads(threads: int) -> None:
    """So many for an operation; the operations of such a net are one after another, so that one runs at a time."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def new_decoder(latent_size: int, image_size: tuple[int, int], channels: tuple[int, int, int]) -> keras.Model:
    """Latents (n, latent_size) -> images (n, height, width, 1) in 0..1."""
    (width, height), (first, second, third) = image_size, channels
    rows, columns = height // 8, width // 8
    return keras.Sequential(
        [
            layers.Input((latent_size,)),
            layers.Dense(rows * columns * third, activation="relu", name="dense"),
            layers.Reshape((rows, columns, third)),
            layers.Dense(first, name="dense_channels"),
            layers.Conv2D(third, 3, padding="same", activation="relu", name="conv1"),
            layers.UpSampling2D(2),
            layers.Conv2D(second, 3, padding="same", activation="relu", name="conv2"),
            layers.UpSampling2D(2),
            layers.Conv2D(first, 3, padding="same", activation="relu", name="conv3"),
            layers.UpSampling2D(2),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="conv4"),
        ]
    )


def new_mdn_rnn(
    latent_size: int,
    layers_: int,
    units: int,
    hidden: int,
    components: int,
    batch: int,
    steps: int,
    dropout: float = 0.0,
) -> keras.Model:
    """Normalised latents (batch, steps, latent_size) -> what the head says, (batch, steps, 2 c l + c).

    That is mu, raw sigma and the logits of pi, as keras-mdn-layer lays them out. The state goes on from call to call.
    `dropout` follows every LSTM.
    """
    x = inputs = layers.Input(batch_shape=(batch, steps, latent_size))
    for layer in range(layers_):
        x = layers.LSTM(units, return_sequences=True, stateful=True, name=f"lstm_{layer}")(x)
        x = layers.Dropout(dropout)(x) if dropout else x
    x = layers.Dense(hidden, activation="relu", name="dense")(x)
    mu, sigma = (layers.Dense(components * latent_size, name=name)(x) for name in ("mu", "sigma"))
    return keras.Model(inputs, layers.Concatenate()([mu, sigma, layers.Dense(components, name="pi")(x)]))


class Posterior(layers.Layer):
    """Mean and log-variance -> a latent drawn from them; adds the KL, mean over the batch, to the loss."""

    def call(self, inputs):  # type: ignore[no-untyped-def]
        mean, log_variance = inputs
        kl = -0.5 * tf.reduce_sum(1 + log_variance - mean**2 - tf.exp(log_variance), -1)
        self.add_loss(tf.reduce_mean(kl))
        return mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))


def new_vae(latent_size: int, image_size: tuple[int, int], channels: tuple[int, int, int]) -> keras.Model:
    """Images (n, height, width, 1) in 0..1 -> images again, to be trained by `summed_crossentropy`."""
    width, height = image_size
    x = inputs = layers.Input((height, width, 1))
    for count in channels:
        x = layers.MaxPooling2D(2)(layers.Conv2D(count, 3, padding="same", activation="relu")(x))
    x = layers.Dense(latent_size)(layers.Flatten()(x))
    latents = Posterior()([layers.Dense(latent_size)(x), layers.Dense(latent_size)(x)])
    return keras.Model(inputs, new_decoder(latent_size, image_size, channels)(latents))


def summed_crossentropy(truth, images):  # type: ignore[no-untyped-def]
    """Of an image's pixels, (n)."""
    return tf.reduce_sum(keras.losses.binary_crossentropy(truth, images), (1, 2))


def mixture_loss(latent_size: int, components: int):  # type: ignore[no-untyped-def]
    """Negative log-likelihood of latents under the mixture that `new_mdn_rnn` says, (batch, steps), in nats."""
    sizes = [components * latent_size, components * latent_size, components]

    def loss(truth, said):  # type: ignore[no-untyped-def]
        mu, raw, logits = tf.split(said, sizes, -1)
        shape = tf.concat([tf.shape(mu)[:-1], [components, latent_size]], 0)
        mu, raw = tf.reshape(mu, shape), tf.reshape(raw, shape)
        sigma = tf.exp(tf.minimum(raw, 0)) + tf.nn.relu(raw) + SIGMA_FLOOR
        z = (truth[..., None, :] - mu) / sigma
        density = -0.5 * tf.reduce_sum(z**2 + 2 * tf.math.log(sigma) + LOG_2_PI, -1)
        return -tf.reduce_logsumexp(tf.nn.log_softmax(logits) + density, -1)

    return loss


def decoder_of(weights: Weights) -> keras.Model:
    """The decoder with these weights. PyTorch keeps channels before rows, Keras behind columns."""
    model = new_decoder(weights.latent_size, weights.image_size, weights.channels)
    width, height = weights.image_size
    grid = (weights.channels[2], height // 8, width // 8)
    stored = weights.decoder
    moved = stored["dense.weight"].reshape(*grid, -1).transpose(1, 2, 0, 3).reshape(-1, weights.latent_size)
    bias = stored["dense.bias"].reshape(grid).transpose(1, 2, 0).ravel()
    model.get_layer("dense").set_weights([moved.T, bias])
    kernel = stored["dense_channels.weight"][:, :, 0, 0].T
    model.get_layer("dense_channels").set_weights([kernel, stored["dense_channels.bias"]])
    for name in ("conv1", "conv2", "conv3", "conv4"):
        model.get_layer(name).set_weights([stored[f"{name}.weight"].transpose(2, 3, 1, 0), stored[f"{name}.bias"]])
    return model


def mdn_rnn_of(weights: Weights) -> keras.Model:
    """The LSTM-MDN with these weights, a step at a time for one dancer. Both order an LSTM's gates i, f, g, o."""
    sizes = (weights.latent_size, weights.layers, weights.units, weights.hidden, weights.components)
    model = new_mdn_rnn(*sizes, batch=1, steps=1)
    stored = weights.mdn_rnn
    for layer in range(weights.layers):
        kernels = [stored[f"lstm.weight_{kind}_l{layer}"].T for kind in ("ih", "hh")]
        bias = stored[f"lstm.bias_ih_l{layer}"] + stored[f"lstm.bias_hh_l{layer}"]
        model.get_layer(f"lstm_{layer}").set_weights([*kernels, bias])
    for name in ("dense", "mu", "sigma", "pi"):
        model.get_layer(name).set_weights([stored[f"{name}.weight"].T, stored[f"{name}.bias"]])
    return model


class Predict:
    """The notebook's loop."""

    def __init__(self, weights: Weights, threads: int) -> None:
        set_threads(threads)
        self._weights = weights
        self._mdn_rnn, self._decoder = mdn_rnn_of(weights), decoder_of(weights)

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def step(self, latent: Latents, uniform: float, normal: Latents) -> Latents:
        weights = self._weights
        normalised = (latent - weights.mean) / weights.deviation
        said = self._mdn_rnn.predict(normalised[:, None], verbose=0)[0, 0]
        shape = weights.components, weights.latent_size
        mu, sigma, logits = np.split(said, [shape[0] * shape[1], 2 * shape[0] * shape[1]])
        mu = mu.reshape(shape) + weights.mdn_rnn["gain"] * normalised
        drawn = draw(logits, mu, spread(sigma.reshape(shape)), uniform, normal)
        return drawn * weights.deviation + weights.mean

    def decode(self, latents: Latents) -> Images:
        images = self._decoder.predict(latents, verbose=0)[..., 0]
        return np.rint(images * 255).astype(np.uint8)


class Xla:
    """Step and decoder as functions compiled by XLA, with the state as tensors that go in and out."""

    def __init__(self, weights: Weights, threads: int) -> None:
        set_threads(threads)
        mdn_rnn, decoder = mdn_rnn_of(weights), decoder_of(weights)
        cells = [mdn_rnn.get_layer(f"lstm_{layer}").cell for layer in range(weights.layers)]
        dense, heads = mdn_rnn.get_layer("dense"), [mdn_rnn.get_layer(name) for name in ("mu", "sigma", "pi")]
        mean, deviation, gain = map(tf.constant, (weights.mean, weights.deviation, weights.mdn_rnn["gain"]))
        shape, last = (weights.components, weights.latent_size), weights.components - 1

        def step(latent, state, uniform, normal):  # type: ignore[no-untyped-def]
            x = normalised = (latent - mean) / deviation
            after = []
            for cell, before in zip(cells, state, strict=True):
                x, new = cell(x, before)
                after.append(new)
            mu, sigma, logits = (head(dense(x)) for head in heads)
            cumulative = tf.cumsum(tf.nn.softmax(logits[0]))
            component = tf.minimum(tf.reduce_sum(tf.cast(cumulative <= uniform, tf.int32)), last)
            # Gathered: XLA takes the place of a slice for a constant, and would compile anew for every draw.
            mu, raw = (tf.gather(tf.reshape(said, shape), component) for said in (mu, sigma))
            sigma = tf.exp(tf.minimum(raw, 0)) + tf.nn.relu(raw) + SIGMA_FLOOR
            mu = mu + gain * normalised
            return (mu + sigma * normal) * deviation + mean, after

        def decode(latents):  # type: ignore[no-untyped-def]
            return tf.cast(tf.round(decoder(latents)[..., 0] * 255), tf.uint8)

        self._step, self._decode = (tf.function(f, jit_compile=True) for f in (step, decode))
        zero = tf.zeros((1, weights.units))
        self._state = [[zero, zero] for _ in cells]

    def versions(self) -> dict[str, str]:
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def step(self, latent: Latents, uniform: float, normal: Latents) -> Latents:
        given = tf.constant(latent), self._state, tf.constant(uniform, tf.float32), tf.constant(normal)
        drawn, self._state = self._step(*given)
        result: Latents = drawn.numpy()
        return result

    def decode(self, latents: Latents) -> Images:
        images: Images = self._decode(tf.constant(latents)).numpy()
        return images
