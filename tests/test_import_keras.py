"""The original's weights become a bundle that computes what Keras does with them, and nothing else gets in."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from engine.bundle import open_bundle
from engine.dancer import Dancer
from engine.metadata import Metadata
from engine.parameters import PARAMETERS
from export.__main__ import import_keras
from export.keras_file import KerasFileError, read_weights
from export.lv import bank_of, footage_of
from export.original import read_mdn_rnn, read_vae, scaling
from export.parity import float_images, open_session
from export.step import write_step
from export.vae import write_decoder, write_encoder
from tests.fixtures import article
from tests.fixtures.article import SMALL, Sizes
from training.start import read_start

SECONDS = 30
NEAR = 1e-4
# Keras's torch backend converts arrays as numpy 1 did.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Original:
    """The article's networks, its files and its latents, in a folder."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.sizes = sizes
        self.vae = article.randomise(article.new_vae(sizes), 1)
        self.mdn_rnn = article.randomise(article.new_mdn_rnn(sizes), 2, 2.0)
        self.vae_file = article.save_weights(self.vae, folder / "vae_cnn.h5")
        self.rnn_file = folder / "gendance.h5"
        self.mdn_rnn.save(self.rnn_file)
        random = np.random.default_rng(3)
        walk = random.normal(size=(SECONDS * 30, 1, sizes.latent_size)).cumsum(0)
        self.latents = np.tanh(walk / 5).astype(np.float32)
        self.latents_file = folder / "lv.npy"
        np.save(self.latents_file, self.latents)

    def arguments(self, out: Path, *more: str) -> list[str]:
        files = {"--vae": self.vae_file, "--rnn": self.rnn_file, "--latents": self.latents_file, "--out": out}
        width, height = self.sizes.image_size
        named = [text for option, file in files.items() for text in (option, str(file))]
        return [*named, "--image-size", f"{width}x{height}", *more]

    def scaled(self, latents: np.ndarray) -> np.ndarray:
        least, greatest = self.latents.min((0, 1)), self.latents.max((0, 1))
        return (latents - least) / (greatest - least)

    def mixtures(self, latents: np.ndarray, carried: bool) -> list[np.ndarray]:
        """What the network says after each of these (n, latent_size): means, sigmas (n, components, size), logits."""
        scaled = self.scaled(latents)
        if carried:
            whole = article.new_mdn_rnn(self.sizes, len(latents))
            whole.set_weights(self.mdn_rnn.get_weights())
            said = np.asarray(whole.predict(scaled[None], verbose=0))[0]
        else:
            said = np.concatenate([self.mdn_rnn.predict(row[None], verbose=0) for row in scaled])
        count = self.sizes.components * self.sizes.latent_size
        mus, sigmas, logits = np.split(said, [count, 2 * count], axis=1)
        shape = (-1, self.sizes.components, self.sizes.latent_size)
        return [mus.reshape(shape), sigmas.reshape(shape), logits]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return Original(tmp_path_factory.mktemp("original"), SMALL)


@pytest.fixture(scope="module", params=["carried", "original"])
def bundle(original: Original, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / request.param
    assert import_keras(original.arguments(folder, "--state", request.param, "--name", "first")) == 0
    return folder


def check_images(original: Original, folder: Path) -> None:
    """Reconstructions and images by the graphs in `folder` beside Keras's."""
    width, height = original.sizes.image_size
    images = np.random.default_rng(4).integers(0, 256, (3, height, width), dtype=np.uint8)
    mean = np.asarray(original.vae.get_layer("encoder").predict(images[..., None] / 255, verbose=0)[0])
    latents = open_session(folder / "encoder.onnx").run(None, {"images": images})[0]
    np.testing.assert_allclose(latents, mean, atol=NEAR)
    for given in (latents, original.latents[:3, 0]):
        expected = np.asarray(original.vae.get_layer("decoder").predict(given, verbose=0))[..., 0]
        levels, floats = float_images(folder / "decoder.onnx", given)
        np.testing.assert_allclose(floats, expected, atol=NEAR)
        assert np.abs(levels - 255 * expected).max() < 0.5 + 255 * NEAR


def check_mixtures(original: Original, step: Path, carried: bool, steps: int) -> None:
    """A step's mixtures beside Keras's, and that what is drawn is what the original's sampler draws."""
    latents = original.latents[100 : 100 + steps, 0]
    mus, sigmas, logits = original.mixtures(latents, carried)
    components, size = mus.shape[1:]
    least, span = original.latents.min((0, 1)), np.ptp(original.latents, (0, 1))
    temp = 0.7
    session = open_session(step)
    inputs = {each.name for each in session.get_inputs()}
    assert ("hidden_in" in inputs) == ("cell_in" in inputs) == carried
    state = (original.sizes.layers, components, original.sizes.units)
    carry = {name: np.zeros(state, np.float32) for name in ("hidden_in", "cell_in") if carried}
    normal = np.random.default_rng(5).standard_normal((components, size), np.float32)
    for at, latent in enumerate(latents):
        pi = np.exp((logits[at] - logits[at].max()) / temp)
        pi /= pi.sum()
        feeds = {
            "latent_in": np.tile(latent, (components, 1)),
            "uniform": (pi.cumsum() - pi / 2).astype(np.float32),  # dancer n draws component n
            "normal": normal,
            "pi_temperature": np.full(components, temp, np.float32),
            "sigma_temperature": np.full(components, temp**0.5, np.float32),
        }
        names = ["pi", "component", "mu", "sigma", "latent_out", *(f"{name[:-3]}_out" for name in carry)]
        found = dict(zip(names, session.run(names, feeds | carry), strict=True))
        carry = {name: found[f"{name[:-3]}_out"] for name in carry}
        np.testing.assert_array_equal(found["component"], np.arange(components))
        np.testing.assert_allclose(found["pi"], np.tile(pi, (components, 1)), atol=NEAR)
        np.testing.assert_allclose((found["mu"] - least) / span, mus[at], atol=NEAR)
        np.testing.assert_allclose((found["sigma"] / span) ** 2, sigmas[at], atol=NEAR)
        drawn = mus[at] + np.sqrt(sigmas[at] * temp) * normal  # sigma times temperature is a variance
        np.testing.assert_allclose((found["latent_out"] - least) / span, drawn, atol=5 * NEAR)


def test_images_and_reconstructions_are_keras_s(original: Original, bundle: Path) -> None:
    check_images(original, bundle)


def test_mixtures_and_draws_are_keras_s(original: Original, bundle: Path) -> None:
    check_mixtures(original, bundle / "step.onnx", bundle.name == "carried", steps=12)


def test_the_article_s_own_sizes_are_keras_s(tmp_path: Path) -> None:
    original = Original(tmp_path, Sizes())
    vae, mdn_rnn = read_vae(original.vae_file, (208, 120)), read_mdn_rnn(original.rnn_file, 128, False)
    write_encoder(vae.encoder, tmp_path / "encoder.onnx")
    write_decoder(vae.decoder, tmp_path / "decoder.onnx")
    write_step(mdn_rnn, scaling(original.latents[:, 0]), tmp_path / "step.onnx")
    check_images(original, tmp_path)
    check_mixtures(original, tmp_path / "step.onnx", carried=False, steps=2)


def test_the_bundle_says_what_it_is_and_starts_as_the_notebook_does(original: Original, bundle: Path) -> None:
    metadata = Metadata.read(bundle)
    assert (metadata.name, metadata.latent_size, metadata.components) == ("first", 6, 4)
    assert metadata.image_size == (40, 24)
    assert metadata.defaults == {"temperature": 1.0, "pi_temperature": 0.05, "sigma_temperature": 0.05**0.5}
    assert metadata.data.startswith("Weights of the original DanceNet (2018), imported from vae_cnn.h5, gendance.h5")
    assert "30 s of latents. The bank repeats 88 passages" in metadata.data
    assert "stored as float32" in (bundle / "README.md").read_text()
    bank = np.load(bundle / "bank.npy")
    assert bank.shape == (128, 30, 6)
    # Passages are the footage's own.
    rows = original.latents[:, 0].astype(np.float16)
    assert (rows[:30] == bank[0]).all()
    least, greatest = metadata.health.area
    assert 0 < least < greatest <= 1


def test_it_dances_live(bundle: Path) -> None:
    opened = open_bundle(bundle)
    carried = ["hidden_in", "cell_in"] if bundle.name == "carried" else []
    assert [each.name_in for each in opened.state] == ["latent_in", *carried]
    values = {row.key: row.default for row in PARAMETERS} | {
        f"dance/{name}": value for name, value in opened.metadata.defaults.items()
    }
    dancer = Dancer(opened, [7])
    latents = np.concatenate([dancer.advance(1 / 30, values) for _ in range(60)])
    assert np.isfinite(latents).all()
    assert (np.abs(np.diff(latents, axis=0)).max(1) > 0).all()
    kept = dancer.state()
    expected = dancer.advance(1 / 30, values)
    dancer.restore(kept)
    np.testing.assert_array_equal(dancer.advance(1 / 30, values), expected)
    assert opened.decode(latents[:2]).shape == (2, 24, 40)


def test_training_does_not_go_on_from_it(bundle: Path) -> None:
    with pytest.raises(ValueError, match="not a bundle that can be trained further"):
        read_start(bundle)


def test_weights_alone_and_whole_models_are_one(original: Original, tmp_path: Path) -> None:
    original.vae.save(tmp_path / "whole.h5")
    article.save_weights(original.mdn_rnn, tmp_path / "alone.h5")
    for one, other in ((original.vae_file, "whole.h5"), (original.rnn_file, "alone.h5")):
        pairs = zip(read_weights(one), read_weights(tmp_path / other), strict=True)
        assert all((a.array == b.array).all() for a, b in pairs)


def test_a_mixture_is_read_by_its_names_or_else_in_its_order(original: Original, tmp_path: Path) -> None:
    weights = read_weights(original.rnn_file)
    # As Keras 2 may have them: with a number for each of the three kernels. And by name, in another order.
    numbered = [f"{kind}{place}:0" for place in ("", "_1", "_2") for kind in ("kernel", "bias")]
    named = [f"mdn_{head}/{kind}:0" for head in ("mus", "sigmas", "pi") for kind in ("kernel", "bias")]
    for names, order in ((numbered, range(6)), (named, (4, 5, 3, 2, 0, 1))):
        path = tmp_path / "other.h5"
        with h5py.File(path, "w") as file:
            file.attrs["layer_names"] = [b"before", b"mdn_1"]
            before, mixture = file.create_group("before"), file.create_group("mdn_1")
            before.attrs["weight_names"] = [f"{place}" for place in range(len(weights) - 6)]
            mixture.attrs["weight_names"] = [names[place] for place in order]
            for place, weight in enumerate(weights[:-6]):
                before[f"{place}"] = weight.array
            for name, weight in zip(names, weights[-6:], strict=True):
                mixture[name] = weight.array
        expected, found = (read_mdn_rnn(each, 6, True).state_dict() for each in (original.rnn_file, path))
        assert all((found[name] == expected[name]).all() for name in expected)


def test_weights_that_float16_holds_beside_others_are_joined_all_the_same(original: Original, tmp_path: Path) -> None:
    weights = original.mdn_rnn.get_weights()
    # As some layers begin: no recurrent kernel, no bias of the sigmas.
    changed = article.new_mdn_rnn(SMALL)
    changed.set_weights([0 * array if place in (1, len(weights) - 3) else array for place, array in enumerate(weights)])
    mdn_rnn = read_mdn_rnn(article.save_weights(changed, tmp_path / "zeros.h5"), SMALL.latent_size, True)
    write_step(mdn_rnn, scaling(original.latents[:, 0]), tmp_path / "step.onnx")
    assert open_session(tmp_path / "step.onnx").get_inputs()


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str], out: Path) -> str:
    """What the command says, in one line, about what it cannot import; nothing is written."""
    assert import_keras(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("dancenet: import-keras: ")
    assert said.count("\n") == 1
    assert not out.exists()
    return said.removeprefix("dancenet: import-keras: ").rstrip()


def test_a_size_that_does_not_fit_is_told_by_file_layer_and_shape(
    original: Original, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = original.arguments(out)
    arguments[arguments.index("40x24")] = "48x24"
    assert refused(capsys, arguments, out) == (
        f"{original.vae_file}: layer encoder: {weight_name(original.vae_file, 6)}: its shape is (60, 12); expected "
        "(72, any), the kernel of the encoder's Dense, by images of 48x24 of the article's model"
    )
    other = replace(original.sizes, latent_size=5)
    foreign = article.save_weights(article.new_mdn_rnn(other), tmp_path / "foreign.h5")
    arguments = original.arguments(out)
    arguments[arguments.index(str(original.rnn_file))] = str(foreign)
    assert refused(capsys, arguments, out).endswith(
        "its shape is (5, 48); expected (6, any), the kernel of LSTM 1 of the article's model"
    )
    arguments = original.arguments(out)
    arguments[arguments.index(str(original.vae_file))] = str(original.rnn_file)
    assert refused(capsys, arguments, out) == (
        f"{original.rnn_file}: holds 14 weights; expected the article's VAE, a kernel and a bias for 7 convolutions "
        "and 5 Dense layers"
    )


def weight_name(path: Path, place: int) -> str:
    return read_weights(path)[place].name


def test_a_second_of_latents_is_enough_and_more_are_looked_at_here_and_there() -> None:
    walk = np.random.default_rng(6).normal(size=(200_000, 2)).astype(np.float32)
    bank, different = bank_of(walk[:31])
    assert (bank.shape, different) == ((128, 30, 2), 1)
    looked_at: list[int] = []

    def decode(latents: np.ndarray) -> np.ndarray:
        looked_at.append(len(latents))
        return np.where(np.arange(64).reshape(8, 8) < 8, 0, 255).astype(np.uint8) * np.ones(
            (len(latents), 1, 1), np.uint8
        )

    for latents, count in ((walk[:31], 31), (walk, 3600)):
        looked_at.clear()
        kind, health = footage_of(latents, decode)
        assert (kind, sum(looked_at)) == ("dark silhouette", count)
        assert health == {"area": [0.0625, 0.1875], "slow_motion": 0.0}


def test_a_file_of_absurd_sizes_takes_no_memory(tmp_path: Path) -> None:
    sizes = replace(SMALL, image_size=(8, 8), channels=(1, 1, 1))
    shapes = [array.shape for array in article.new_vae(replace(sizes, latent_size=2)).get_weights()]
    latents = 100_000  # of which our networks would take the square
    with keras_file(tmp_path / "vae.h5") as file:
        file.attrs["layer_names"] = [b"vae"]
        group = file.create_group("vae")
        group.attrs["weight_names"] = [f"{place:02}" for place in range(len(shapes))]
        for place, shape in enumerate(shapes):
            if place in (8, 10):
                shape = (4, latents)
            if place in (9, 11):
                shape = (latents,)
            if place == 12:
                shape = (latents, 1)
            group[f"{place:02}"] = np.zeros(shape, np.float32)
    with pytest.raises(KerasFileError, match=r"vae.h5: 100000 latents; at most 2048 are allowed$"):
        read_vae(tmp_path / "vae.h5", (8, 8))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (
            np.zeros((30, 6), np.float32),
            "its shape is (30, 6); expected (31 or more, 6), as the VAE's latents are",
        ),
        (
            np.zeros((90, 7), np.float32),
            "its shape is (90, 7); expected (31 or more, 6), as the VAE's latents are",
        ),
        (np.full((90, 6), np.nan, np.float32), "holds latents that are not finite in float32; expected numbers"),
        (np.zeros((90, 6), np.int32), "holds int32; expected an array of floating-point numbers"),
        (np.array([{}]), "not a readable .npy file of numbers"),
    ],
)
def test_latents_that_are_none_are_refused(
    original: Original, tmp_path: Path, capsys: pytest.CaptureFixture[str], array: np.ndarray, reason: str
) -> None:
    path, out = tmp_path / "other.npy", tmp_path / "out"
    np.save(path, array)
    arguments = original.arguments(out)
    arguments[arguments.index(str(original.latents_file))] = str(path)
    assert refused(capsys, arguments, out) == f"{path}: {reason}"


def keras_file(path: Path) -> h5py.File:
    """A file of one layer, of the weight `dense/kernel`, open to be filled."""
    file = h5py.File(path, "w")
    file.attrs["layer_names"] = [b"dense"]
    file.create_group("dense").attrs["weight_names"] = [b"dense/kernel"]
    return file


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with pytest.raises(KerasFileError, match=r"weights.h5: no such file$"):
        read_weights(path)
    path.write_bytes(b"not HDF5 at all")
    with pytest.raises(KerasFileError, match=r"weights.h5: not a readable HDF5 file \(.*\)$"):
        read_weights(path)
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(KerasFileError, match=r"weights.h5: no layer_names; Keras writes them"):
        read_weights(path)


def test_a_truncated_file_is_refused(original: Original, tmp_path: Path) -> None:
    path = tmp_path / "cut.h5"
    whole = original.vae_file.read_bytes()
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(KerasFileError, match=r"cut.h5: not a readable HDF5 file"):
            read_weights(path)


def test_what_would_take_memory_or_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    where = f"{path}: layer dense: dense/kernel: "
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(40))
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["kernel"] = np.zeros((2, 5), np.float32)
    numbers = np.zeros((2, 5), np.float32)

    def said() -> str:
        with pytest.raises(KerasFileError) as error:
            read_weights(path)
        return str(error.value).removeprefix(where)

    with keras_file(path):
        pass
    assert said() == "missing"
    with keras_file(path) as file:  # a petabyte that nobody has written
        file["dense"].create_dataset("dense/kernel", (1 << 20, 1 << 28), "f4")
    assert said() == "its shape is (1048576, 268435456); allowed are 4 axes, and 134217728 numbers in all"
    with keras_file(path) as file:
        file["dense"].create_dataset("dense/kernel", (1000, 1000), "f4")
    assert said() == "0 bytes are there; its shape (1000, 1000) is 4000000"
    with keras_file(path) as file:
        file["dense"].create_dataset("dense/kernel", data=numbers, compression="gzip")
    assert said() == "compressed, or kept in another file; Keras writes plain arrays"
    with keras_file(path) as file:
        file["dense"].create_dataset("dense/kernel", (2, 5), "f4", external=[(str(secret), 0, 40)])
    assert said() == "compressed, or kept in another file; Keras writes plain arrays"
    with keras_file(path) as file:
        file["dense/dense/kernel"] = h5py.ExternalLink("other.h5", "kernel")
    assert said() == "a link to somewhere else; expected the weights themselves"
    with keras_file(path) as file:
        file["dense/dense/kernel"] = np.array([b"text"])
    assert said() == "holds |S4; expected an array of floating-point numbers"
    with keras_file(path) as file:
        file["dense/dense/kernel"] = np.full((2, 5), np.inf, np.float32)
    assert said() == "holds values that are not finite in float32; expected numbers"
    with keras_file(path) as file:
        file.attrs["layer_names"] = [b"x"] * 300
    assert said() == f"{path}: layer_names of shape (300,); expected a list of at most 256"
