"""A logged show is shown again: the same latents bit for bit, the same frames at the same size."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import pytest

from engine.audio.sound import SILENCE, Sound
from engine.bundle import Bundle, open_bundle
from engine.chain import Chain
from engine.clock import WallClock
from engine.controls import Controls
from engine.coverage import Coverage
from engine.dancer import Dancer
from engine.effects import EffectFiles
from engine.layers import Layers
from engine.models import Act, Models
from engine.parameters import PARAMETERS
from engine.picture import Picture
from engine.quality import Quality
from engine.replay import (
    Paced,
    ReplayClock,
    ReplayControls,
    ReplayDancer,
    check_latents,
    describe,
    find_bundle,
    show_of,
)
from engine.show import Show
from engine.show_log import Encoder, Layer, LogError, Model, ShowLog, Tick
from engine.sinks.log import Log, Logged
from tests.fixtures.tiny_bundle import write_tiny_bundle

FPS = 60
SIZE, LARGER = (160, 90), (320, 180)
SECONDS = 4


class Player:
    """A performer who turns everything about, at show times of its own."""

    TURNS: tuple[tuple[float, str, float], ...] = (
        (0.2, "dance/temperature", 2.5),
        (0.5, "dance/speed", 0.37),
        (1.0, "dance/dancers", 3),
        (1.3, "dance/canon", 0.25),
        (1.7, "dance/seed", 99),
        (2.0, "dance/axis1", 0.8),
        (2.2, "picture/black", 0.4),
        (2.5, "dance/mirror", 1),
        (3.0, "dance/dancers", 1),
        (3.3, "dance/frozen", 1),
    )

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._turns = list(self.TURNS)

    def poll(self, controls: Controls) -> None:
        while self._turns and self._clock.time >= self._turns[0][0]:
            controls.set(*self._turns.pop(0)[1:])

    def close(self) -> None:
        pass


class Ready:
    """A screen on which every frame is seen."""

    def ready(self, picture: Any, values: Mapping[str, float]) -> bool:
        return True


class Strobe:
    """A performer who strobes with the light for a second and a half, each time when the picture has been drawn."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock

    def poll(self, controls: Controls) -> None:
        if 0.6 < self._clock.time < 2.1:
            controls.set("picture/black", self._clock.frame // 3 % 2)

    def close(self) -> None:
        pass


class Frames:
    """Keeps what it is shown: when, and every byte of it."""

    def __init__(self, clock: Any) -> None:
        self.frames: list[tuple[float, int, bytes, Mapping[str, float]]] = []
        self._clock = clock

    def present(self, picture: Coverage, values: Mapping[str, float]) -> None:
        self.frames.append((self._clock.time, self._clock.frame, picture.read().tobytes(), values))

    def close(self) -> None:
        pass


class Shown:
    """Hands what is shown through, and keeps the latents."""

    def __init__(self, dancer: Any) -> None:
        self.latents: list[bytes] = []
        self._dancer = dancer

    def advance(self, dt: float, values: Mapping[str, float]) -> Any:
        shown = self._dancer.advance(dt, values)
        latents = [layer.latents for layer in shown] if isinstance(shown, tuple) else [shown]
        self.latents.append(b"".join(each.tobytes() for each in latents))
        return shown


def shown_by(bundle: Bundle, context: moderngl.Context, size: tuple[int, int]) -> Picture:
    """The picture of a show that begins with this bundle, without effects."""
    layers = Layers(context, bundle, size, lambda one, size: coverage_of(one, context, size))
    chain = Chain(context, EffectFiles([]), datetime(2000, 1, 1), pytest.fail)
    return Picture(context, layers, chain, size, Quality(math.inf), lambda: SILENCE, pytest.fail)


def coverage_of(bundle: Bundle, context: moderngl.Context, size: tuple[int, int]) -> Coverage:
    return Coverage(context, bundle.decode, bundle.metadata.image_kind, bundle.metadata.image_size, size)


class UnevenWall:
    """A wall whose frames are mostly in time, some of them one, two or nine periods late."""

    def __init__(self) -> None:
        self.time = 0.0
        self._chance = np.random.default_rng(4)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def take_a_frame(self) -> None:
        self.time += float(self._chance.choice([1, 1, 1, 1, 1, 1, 2.2, 3.1, 9.5])) / FPS


def replayed(log: ShowLog, context: moderngl.Context, bundle: Bundle, size: tuple[int, int]) -> tuple[Shown, Frames]:
    clock = ReplayClock(log, log.about["fps"])
    frames = Frames(clock)
    shown: Any = Shown(ReplayDancer(clock, {log.models[0]: bundle}))
    picture = shown_by(bundle, context, size)
    show = Show(clock, [], ReplayControls(clock), shown, picture, [frames])
    for _ in range(log.ticks):
        show.tick()
    picture.release()
    return shown, frames


def test_a_show_is_shown_again_bit_for_bit(tmp_path: Path, tiny_bundle: Path, context: moderngl.Context) -> None:
    bundle = open_bundle(tiny_bundle, "cpu")
    wall = UnevenWall()
    clock = WallClock(FPS, wall.now, wall.sleep)
    controls, frames = Controls(PARAMETERS, {"dance/seed": 5}), Frames(clock)
    log = Log(tmp_path / "show.dnlog", {"fps": FPS}, pytest.fail)
    dancer: Any = Shown(Models([tiny_bundle], Act(bundle, Dancer(bundle, [5])), lambda folder: bundle, pytest.fail))
    picture = shown_by(bundle, context, SIZE)
    logged, late = Logged(picture, log), Strobe(clock)
    show = Show(clock, [Player(clock)], controls, dancer, logged, [frames, logged], Ready(), [late])
    while clock.time < SECONDS:
        show.tick()
        wall.take_a_frame()
    picture.release()
    log.close()

    read = ShowLog(tmp_path / "show.dnlog")
    assert read.whole and read.ticks == len(frames.frames)
    assert len({tick.dt for tick in read}) > 3, "the wall was uneven"
    assert {len(tick.layers[0].latents) for tick in read} == {1, 3}, "a company came and went"
    folder, warning = find_bundle(read, read.models[0], [], [])
    assert (folder, warning) == (tiny_bundle.resolve(), "")
    again = open_bundle(folder, "cpu")
    shown, same = replayed(read, context, again, SIZE)
    assert shown.latents == dancer.latents
    assert same.frames == frames.frames
    shown, larger = replayed(read, context, again, LARGER)
    assert shown.latents == dancer.latents
    assert [frame[:2] for frame in larger.frames] == [frame[:2] for frame in frames.frames]
    assert {len(frame[2]) for frame in larger.frames} == {LARGER[0] * LARGER[1] * 3}


def test_models_that_fade_into_each_other_do_so_again(tiny_bundle: Path, context: moderngl.Context) -> None:
    """One alone, the other faded in, the other alone, and the first one back: with a picture that begins anew."""
    bundles = [open_bundle(tiny_bundle, "cpu"), open_bundle(tiny_bundle, "cpu")]
    one, two = Model("one", "one", 8), Model("two", "two", 8)
    values = Controls(PARAMETERS, {"dance/dancers": 3}).snapshot()
    chance = np.random.default_rng(3)
    latents = chance.normal(size=(2, 3, 8)).astype(np.float32)  # model, dancers, latent size

    def layer(model: Model, weight: float) -> Layer:
        return Layer(model, weight, latents[0] if model is one else latents[1], np.ones(3, np.bool_))

    shares = (0.25, 0.5, 0.75)
    frames = [(layer(one, 1.0),), *((layer(one, 1 - share), layer(two, share)) for share in shares)]
    frames += [(layer(two, 1.0),), (layer(two, 0.5), layer(one, 0.5))]
    clock = ReplayClock([Tick(1 / 30, values, layers) for layers in frames], 30)
    picture = shown_by(bundles[0], context, SIZE)
    danced = dict(zip((one, two), bundles, strict=True))
    expected = {model.name: coverage_of(bundle, context, SIZE) for model, bundle in danced.items()}
    dancer = ReplayDancer(clock, danced)
    for index, layers in enumerate(frames):
        picture.prepare(dancer.advance(clock.advance(), values))
        found = picture.draw(values, clock).read()
        if index == 5:
            expected["one"] = coverage_of(bundles[0], context, SIZE)
        for each in layers:
            expected[each.model.name].prepare(each.latents)
            expected[each.model.name].draw(values, clock)
        mixed = expected[layers[-1].model.name].read().astype(float)
        for each in layers[:-1]:
            mixed += each.weight * (expected[each.model.name].read() - mixed)
        assert np.abs(found - mixed).max() <= (0 if len(layers) == 1 else 1), index


def ticks(dts: Sequence[float]) -> list[Tick]:
    return [Tick(dt, {"dance/speed": index / 8}, ()) for index, dt in enumerate(dts)]


def test_time_passes_as_in_the_show() -> None:
    now = [0.0]
    wall = WallClock(60, now=lambda: now[0])
    live = []
    for now[0] in (0.0, 1 / 60, 5 / 60, 5.1 / 60):
        live.append((wall.advance(), wall.time, wall.frame))
    clock = ReplayClock(ticks([dt for dt, _, _ in live]), 60)
    assert clock.frame == -1
    assert [(clock.advance(), clock.time, clock.frame) for _ in live] == live
    with pytest.raises(LogError, match=r"^the log is over$"):
        clock.advance()


def test_a_frame_lasts_until_the_next_came_and_the_last_a_period() -> None:
    clock = ReplayClock(ticks([1 / 4, 1 / 2, 1 / 4]), 4)
    found = []
    for _ in range(3):
        clock.advance()
        found.append((clock.time, clock.until))
    assert found == [(0, 0.5), (0.5, 0.75), (0.75, 1.0)]


def test_controls_are_those_of_the_tick_and_cannot_be_written() -> None:
    clock = ReplayClock(ticks([1 / 4, 1 / 4]), 4)
    controls = ReplayControls(clock)
    for expected in (0.0, 1 / 8):
        controls.advance(clock.advance())
        assert controls.snapshot() == {"dance/speed": expected}
    with pytest.raises(TypeError):
        controls.snapshot()["dance/speed"] = 1  # type: ignore[index]


def test_the_sound_is_that_of_the_tick_and_silence_where_it_had_none() -> None:
    heard = Sound.unpacked(bytes(range(256)) * 3)
    clock = ReplayClock([Tick(1 / 4, {}, (), heard), Tick(1 / 4, {}, ())], 4)
    assert clock.sound is SILENCE
    found = []
    for _ in range(2):
        clock.advance()
        found.append(clock.sound)
    assert found[0] is heard and found[1] is SILENCE


def video(dts: Sequence[float], fps: float, rate_hz: float) -> list[int]:
    """Which frame of a show that ran at `fps` each frame of a video of `rate_hz` shows."""
    clock = ReplayClock(ticks(dts), fps)
    found: list[int] = []

    class Recorder:
        def present(self, picture: Any, values: Mapping[str, float]) -> None:
            found.append(picture)

        def close(self) -> None:
            found.append(-1)

    paced = Paced(Recorder(), clock, rate_hz)
    for frame in range(len(dts)):
        clock.advance()
        paced.present(frame, {})
    paced.close()
    assert found.pop() == -1
    return found


def test_at_the_rate_of_the_show_a_video_shows_every_frame_once() -> None:
    for fps in (24.0, 30.0, 59.94, 60.0, 144.0):
        assert video([1 / fps] * 3000, fps, fps) == list(range(3000))


def test_a_frame_that_stood_for_the_lost_periods_is_repeated_in_the_video() -> None:
    assert video([1 / 30, 1 / 30, 3 / 30, 1 / 30], 30, 30) == [0, 1, 1, 1, 2, 3]


def test_a_slower_video_shows_what_was_on_the_screen_at_each_of_its_times() -> None:
    assert video([1 / 60] * 10, 60, 30) == [0, 2, 4, 6, 8]
    # 144 a second in 30: times 0, 1/30, ... fall to frames 0, 4.8, 9.6, 14.4, 19.2, 24, ...
    assert video([1 / 144] * 48, 144, 30) == [0, 4, 9, 14, 19, 24, 28, 33, 38, 43]
    # Frames at 0, 1, 2, 5, 6, 9 sixtieths; the video's at 0, 2, 4, 6, 8.
    assert video([1 / 60, 1 / 60, 1 / 60, 3 / 60, 1 / 60, 3 / 60], 60, 30) == [0, 2, 2, 4, 4]


def test_a_faster_video_shows_frames_more_than_once() -> None:
    assert video([1 / 30] * 3, 30, 60) == [0, 0, 1, 1, 2, 2]


def test_a_video_of_an_hour_is_as_long_as_the_show() -> None:
    frames = video([1 / 144] * (144 * 3600), 144, 30)
    assert len(frames) == 30 * 3600
    assert frames == [int(frame * 144 / 30 + 1e-6) for frame in range(30 * 3600)]


@pytest.fixture
def log(tmp_path: Path, tiny_bundle: Path) -> ShowLog:
    """The log of one frame of the tiny bundle, which is not where it was any more."""
    old = tmp_path / "old"
    old.symlink_to(tiny_bundle)
    encoder = Encoder()
    model = Model("tiny", str(old), 8)
    layer = Layer(model, 1.0, np.zeros((1, 8), np.float32), np.ones(1, np.bool_))
    data = encoder.start({"fps": 30}) + encoder.ticks([Tick(1 / 30, {}, (layer,))]) + encoder.end()
    (tmp_path / "show.dnlog").write_bytes(data)
    old.unlink()
    return ShowLog(tmp_path / "show.dnlog")


@pytest.fixture(scope="module")
def another_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with another decoder."""
    folder = write_tiny_bundle(tmp_path_factory.mktemp("another"))
    decoder = folder / "decoder.onnx"
    decoder.write_bytes(decoder.read_bytes() + b"\x3a\x00")
    return folder


def test_the_bundle_is_found_by_its_decoder(log: ShowLog, tiny_bundle: Path, another_bundle: Path) -> None:
    (model,) = log.models
    assert find_bundle(log, model, [], [another_bundle, tiny_bundle]) == (tiny_bundle, "")
    assert find_bundle(log, model, [another_bundle, tiny_bundle], []) == (tiny_bundle, "")
    assert find_bundle(log, model, [tiny_bundle], [another_bundle]) == (tiny_bundle, "")


def test_without_the_same_decoder_a_replay_is_refused(log: ShowLog, another_bundle: Path) -> None:
    (model,) = log.models
    decoder = model.files["decoder.onnx"][:12]
    with pytest.raises(LogError) as refused:
        find_bundle(log, model, [], [another_bundle])
    assert str(refused.value) == (
        f"{log.path}: was danced by tiny (decoder {decoder}), which is not in {model.folder} or {another_bundle}; "
        "give its bundle with --model DIR"
    )


def test_another_decoder_that_is_asked_for_is_taken_with_a_warning(log: ShowLog, another_bundle: Path) -> None:
    assert find_bundle(log, log.models[0], [another_bundle], []) == (
        another_bundle,
        f"{another_bundle}: not the decoder that {log.path} was shown with; the dance will look different",
    )


def test_a_decoder_that_cannot_take_the_latents_is_refused(log: ShowLog, another_bundle: Path) -> None:
    check_latents(log, log.models[0], 8, another_bundle)
    with pytest.raises(LogError, match=r"show\.dnlog: holds latents of 8; the decoder in .+ takes 128$"):
        check_latents(log, log.models[0], 128, another_bundle)


def test_a_log_is_described_on_one_page(log: ShowLog, tmp_path: Path) -> None:
    (model,) = log.models
    decoder = model.files["decoder.onnx"][:12]
    dance = f"  danced by tiny (decoder {decoder}), {model.folder}"
    assert describe(log) == f"{log.path}: 1 frames in 0.0 s of show, whole\n{dance}\n  fps: 30"
    log.path.write_bytes(log.path.read_bytes()[:-1])
    torn = describe(ShowLog(log.path))
    assert (
        torn.splitlines()[0]
        == f"{log.path}: 1 frames in 0.0 s of show; its end is missing (a crash, a failed disk, a cut file)"
    )


@pytest.mark.parametrize("dt", [-0.1, math.inf, math.nan, 1e9])
def test_a_frame_that_no_show_has_is_refused(dt: float) -> None:
    clock = ReplayClock([Tick(0.0, {}, ()), Tick(dt, {}, ())], FPS)
    with pytest.raises(LogError, match=r"^the log tells of a frame .* s after the one before; no show has that$"):
        clock.advance()


def test_values_are_brought_into_their_ranges() -> None:
    wild = {"dance/speed": math.inf, "dance/dancers": -5.0, "picture/dimmer": math.nan, "dance/seed": 7.0}
    clock = ReplayClock([Tick(0.0, wild, ())], FPS)
    clock.advance()
    values = ReplayControls(clock, PARAMETERS).snapshot()
    rows = {row.key: row for row in PARAMETERS}
    assert values["dance/speed"] == rows["dance/speed"].high
    assert values["dance/dancers"] == rows["dance/dancers"].low
    assert values["picture/dimmer"] == rows["picture/dimmer"].default
    assert values["dance/seed"] == 7.0


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({}, "tells of None frames a second; it must be a number up to 1000"),
        ({"fps": -1}, "tells of -1 frames a second; it must be a number up to 1000"),
        ({"fps": 30, "size": [0, 720]}, "tells of a window of [0, 720]; it must be [width, height] up to 16384"),
        ({"fps": 30, "size": "large"}, "tells of a window of 'large'; it must be [width, height] up to 16384"),
        (
            {"fps": 30, "size": [1, 1], "began": 7},
            "tells of a show that began at 7; it must be a date and a time",
        ),
    ],
)
def test_a_log_that_tells_of_no_show_is_refused(tmp_path: Path, about: Mapping[str, Any], told: str) -> None:
    path = tmp_path / "show.dnlog"
    path.write_bytes(Encoder().start(about))
    with pytest.raises(LogError) as raised:
        show_of(ShowLog(path))
    assert str(raised.value) == f"{path}: {told}"


def test_what_a_log_tells_does_not_move_the_terminal_s_cursor(tmp_path: Path) -> None:
    path = tmp_path / "show.dnlog"
    path.write_bytes(Encoder().start({"seed": "\x1b[2J\r", "fps": 30}))
    assert describe(ShowLog(path)).splitlines()[1] == "  seed: ?[2J?"
