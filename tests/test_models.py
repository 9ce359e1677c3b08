"""Models change while the show goes on: opened on another thread, faded in; a broken one is told and passed over."""

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import moderngl
import numpy as np
import pytest

from engine.bundle import Bundle, open_bundle
from engine.clock import FixedClock
from engine.controls import Controls
from engine.coverage import Brush, Coverage
from engine.dancer import Dancer
from engine.layers import Layers
from engine.models import FADE, SEEDS, Act, Layer, Models, connect, declared, find_models
from engine.parameters import PARAMETERS, Parameter
from engine.show import Show
from engine.sources.dance import Dance
from tests.fixtures.tiny_bundle import write_tiny_bundle

LEAN = Parameter("dance", "lean", 0.25, 0.0, 1.0, 0.1, 0.1, "leans the dancer over")
SWAY = Parameter("dance", "lean", 0.5, -1.0, 1.0, 0.1, 0.1, "leans either way")
PATIENCE = 60.0


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [
        write_tiny_bundle(tmp_path / "a"),
        write_tiny_bundle(tmp_path / "b", controls=(LEAN,)),
        write_tiny_bundle(tmp_path / "c"),
    ]


class Stage:
    """Models of `folders`, what they say, and a door that opening waits at."""

    def __init__(self, folders: list[Path]) -> None:
        self.said: list[str] = []
        self.opened: list[str] = []
        self.full = False
        """Whether there is no memory for another one."""
        self.changes: list[Act] = []
        self.door = threading.Event()
        self.door.set()
        first = open_bundle(folders[0], "cpu")
        self.models = Models(
            folders, Act(first, Dancer(first, [7])), self.open_one, self.said.append, self.changes.append
        )
        self.values: Mapping[str, float] = Controls(PARAMETERS, {"dance/seed": 7}).snapshot()

    def open_one(self, folder: Path) -> Bundle:
        assert self.door.wait(PATIENCE)
        assert threading.current_thread() is not threading.main_thread()
        self.opened.append(folder.name)
        if self.full:
            raise MemoryError
        return open_bundle(folder, "cpu")

    def frames(self, count: int) -> list[tuple[Layer, ...]]:
        return [self.models.advance(1 / 30, self.values) for _ in range(count)]

    def until(self, arrived: Callable[[], bool]) -> None:
        """Runs frames, as the show does, until something on the other thread has come about."""
        pause = threading.Event()
        for _ in range(round(PATIENCE / 0.001)):
            if arrived():
                return
            self.frames(1)
            pause.wait(0.001)
        raise AssertionError("it never came about")


@pytest.fixture
def stage(folders: list[Path]) -> Iterator[Stage]:
    stage = Stage(folders)
    yield stage
    stage.door.set()
    stage.models.close()


def test_alone_a_model_shows_what_its_dancer_dances(stage: Stage, folders: list[Path]) -> None:
    dancer = Dancer(open_bundle(folders[0], "cpu"), [7])
    for (layer,) in stage.frames(20):
        assert layer.weight == 1
        assert layer.latents.tobytes() == dancer.advance(1 / 30, stage.values).tobytes()


def test_the_show_goes_on_while_the_next_one_opens_and_then_goes_over_to_it(stage: Stage, folders: list[Path]) -> None:
    stage.door.clear()
    stage.models.move(1)
    assert all(len(layers) == 1 for layers in stage.frames(50))
    stage.door.set()
    stage.until(lambda: stage.models.bundle.folder == folders[1])
    assert [act.bundle.folder for act in stage.changes] == [folders[1]]
    fading = stage.frames(round(FADE * 30) - 2)
    weights = np.array([[layer.weight for layer in layers] for layers in fading])
    assert weights.sum(axis=1) == pytest.approx(1)
    assert (np.diff(weights[:, 1]) > 0).all()
    assert all(layers[0].bundle.folder == folders[0] and layers[1].bundle.folder == folders[1] for layers in fading)
    # Both dance all the way.
    assert all((a[k].latents != b[k].latents).any() for a, b in pairwise(fading) for k in (0, 1))
    (layer,) = stage.frames(3)[-1]
    assert layer.bundle.folder == folders[1]


def test_moving_goes_round_in_both_directions(stage: Stage, folders: list[Path]) -> None:
    for places, expected in ((-1, 2), (1, 0), (1, 1)):
        stage.models.move(places)
        stage.until(lambda: stage.models.bundle.folder == folders[expected])  # noqa: B023
        stage.frames(round(FADE * 30) + 2)


def test_moving_on_while_one_opens_passes_it_by(stage: Stage, folders: list[Path]) -> None:
    stage.door.clear()
    stage.models.move(1)
    stage.frames(1)
    stage.models.move(1)
    stage.door.set()
    stage.until(lambda: bool(stage.changes))
    assert [act.bundle.folder for act in stage.changes] == [folders[2]]
    assert stage.opened == ["b", "c"]


def test_a_broken_bundle_is_one_line_and_the_dance_goes_on(stage: Stage, folders: list[Path]) -> None:
    (folders[1] / "step.onnx").write_bytes(b"nonsense")
    stage.models.move(1)
    stage.until(lambda: bool(stage.said))
    (line,) = stage.said
    assert line.startswith(f"{folders[1] / 'step.onnx'}: not a readable ONNX model (")
    assert line.endswith("); tiny dances on")
    assert stage.models.bundle.folder == folders[0]
    assert all(len(layers) == 1 for layers in stage.frames(5))
    stage.models.move(1)  # it is passed over from here on
    stage.until(lambda: stage.models.bundle.folder == folders[2])
    assert len(stage.said) == 1


def test_a_model_that_memory_does_not_hold_is_one_line_and_the_dance_goes_on(stage: Stage, folders: list[Path]) -> None:
    stage.full = True
    stage.models.move(1)
    stage.until(lambda: bool(stage.said))
    assert stage.said == [f"{folders[1]}: not enough memory; tiny dances on"]
    assert stage.models.bundle.folder == folders[0]
    assert all(len(layers) == 1 for layers in stage.frames(5))


def test_without_another_there_is_nowhere_to_move(folders: list[Path]) -> None:
    stage = Stage(folders[:1])
    with pytest.raises(ValueError, match=r"^there is no other dancer; give several with --model$"):
        stage.models.move(1)
    stage.models.close()


def test_the_new_one_dances_in_a_company_of_the_same_size(stage: Stage, folders: list[Path]) -> None:
    stage.values = Controls(PARAMETERS, {"dance/seed": 7, "dance/dancers": 5}).snapshot()
    stage.frames(5)
    stage.models.move(1)
    stage.until(lambda: stage.models.bundle.folder == folders[1])
    assert [len(layer.latents) for layer in stage.frames(1)[0]] == [5, 5]


def test_commands_reseed_reset_and_change_models(stage: Stage) -> None:
    told: list[str] = []
    controls = Controls(PARAMETERS, {"dance/seed": 7}, tell=told.append)
    limits: list[int] = []

    def choose(below: int) -> int:
        limits.append(below)
        return 4321

    connect(controls, stage.models, choose)
    controls.command("dance/reseed")
    assert controls.target("dance/seed") == 4321
    assert limits == [SEEDS]
    stage.frames(5)
    controls.command("dance/reset")
    assert stage.models.dancer.easing.all()
    assert stage.models.dancer.take_falls() == []
    controls.command("model/next")
    stage.until(lambda: len(stage.changes) == 1)
    controls.command("model/previous")
    stage.until(lambda: len(stage.changes) == 2)
    assert stage.models.bundle.folder.name == "a"
    assert told == []


def test_its_signals_are_those_of_the_dancer_on_now(stage: Stage) -> None:
    controls, source = Controls(PARAMETERS), Dance(stage.models)
    stage.frames(60)
    source.poll(controls)
    assert controls.signals["dance/motion"] == stage.models.dancer.motion > 0.1
    assert controls.signals["dance/entropy"] == stage.models.dancer.entropy > 0
    source.close()


def test_models_are_found_one_by_one_and_in_folders(folders: list[Path], tmp_path: Path) -> None:
    assert find_models([tmp_path]) == folders
    assert find_models([folders[2], folders[0]]) == [folders[2], folders[0]]
    assert find_models([tmp_path / "nowhere"]) == [tmp_path / "nowhere"]


def test_what_bundles_bring_is_declared_once_and_a_broken_one_brings_nothing(
    folders: list[Path], tmp_path: Path
) -> None:
    other = write_tiny_bundle(tmp_path / "d", controls=(SWAY,))
    (folders[2] / "bundle.json").write_text("{")
    (row,) = declared([*folders, other])
    assert (row.key, row.default, row.low) == ("dance/lean", 0.25, 0.0)


def test_the_picture_goes_over_from_one_to_the_other_without_a_flash(
    stage: Stage, folders: list[Path], context: moderngl.Context
) -> None:
    brush = Brush(context)

    def new_coverage(bundle: Bundle, size: tuple[int, int]) -> Coverage:
        metadata = bundle.metadata
        return Coverage(context, bundle.decode, metadata.image_kind, metadata.image_size, size, brush)

    shown: list[np.ndarray] = []

    class Film:
        def present(self, picture: Layers, values: Mapping[str, float]) -> None:
            target = context.framebuffer([picture.texture])
            shown.append(np.frombuffer(target.read(), np.uint8).astype(float))
            target.release()
            assert len(picture.images) == len(picture.fresh) == 1

        def close(self) -> None:
            pass

    layers = Layers(context, stage.models.bundle, (160, 90), new_coverage)
    show = Show(FixedClock(30), [], Controls(PARAMETERS, {"dance/seed": 7}), stage.models, layers, [Film()])
    for _ in range(5):
        show.tick()
    stage.models.move(1)
    stage.until(lambda: stage.models.bundle.folder == folders[1])
    for _ in range(45):
        show.tick()
    steps = np.abs(np.diff(np.stack(shown), axis=0)).mean(axis=1)[5:]
    assert steps.max() < 10  # of 255: the disc moves by up to 7; nothing flashes
    layers.resize((120, 120))  # as many pixels
    show.tick()
    assert layers.texture.size == layers.size == (120, 120)
    layers.release()
