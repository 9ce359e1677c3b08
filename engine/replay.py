"""A replay: a logged show, shown again from its latents.

What a log holds stands in for a show's clock, controls and dancer; the rest of the show is the one that runs live, so
that the same latents give the same frames, at any size. Owns the place in the log, and how the frames of a video
follow from ticks that came at times of their own.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from engine.audio.sound import SILENCE, Sound
from engine.bundle import Bundle
from engine.controls import Controls
from engine.models import Layer
from engine.parameters import Parameter
from engine.quality import Quality
from engine.show_log import DRAWN_AT, LogError, Model, ShowLog, Tick, fingerprint

DECODER = "decoder.onnx"
# The longest that a picture of a log stood, seconds: a file that tells of more is not of a show.
LONGEST_TICK = 86_400.0
FASTEST = 1000.0
LARGEST_SIDE = 16384
# The least share of a window's size that a picture is drawn at.
LEAST_SHARE = 0.01
# Of a frame of the video: times closer than this are the same. Sums of 1/144 s do not meet those of 1/30 s exactly.
SAME = 1e-3
SHORT_HASH = 12
END_MISSING = "its end is missing (a crash, a failed disk, a cut file)"


class ReplayClock:
    """Time as it passed in the show of these ticks: live, the first frame was at 0, each later one `dt` after the last.

    The last frame stays for a period of `rate_hz`. Raises LogError for a tick that no show has.
    """

    def __init__(self, ticks: Iterable[Tick], rate_hz: float) -> None:
        self._ticks = iter(ticks)
        self._coming = self._next()
        self._period = 1 / rate_hz
        self.frame = -1
        self.time = self.dt = 0.0
        self.tick = Tick(0.0, {}, ())
        """The tick in hand."""

    @property
    def until(self) -> float:
        """Show time at which the frame in hand gives way to the next."""
        return self.time + (self._coming.dt if self._coming else self._period)

    @property
    def sound(self) -> Sound:
        """The sound of the tick in hand, as its effects took it; silence where none took any."""
        return self.tick.sound or SILENCE

    def advance(self) -> float:
        """Takes up the next tick; returns its dt. Raises LogError where there is none."""
        if self._coming is None:
            raise LogError("the log is over")
        self.tick, self._coming = self._coming, self._next()
        self.frame += 1
        self.dt = self.tick.dt
        if self.frame:
            self.time += self.dt
        return self.dt

    def _next(self) -> Tick | None:
        tick = next(self._ticks, None)
        if tick and not 0 <= tick.dt <= LONGEST_TICK:
            raise LogError(f"the log tells of a frame {tick.dt:g} s after the one before; no show has that")
        return tick

    def wait(self, more: float = 0.0) -> bool:
        """Waits for nothing: the show is over."""
        return False


class ReplayControls(Controls):
    """The values of every parameter as they were in the tick in hand, there is nothing to set.

    What the log is too old to know is at the default of `rows`.
    """

    def __init__(self, clock: ReplayClock, rows: Iterable[Parameter] = ()) -> None:
        super().__init__(())
        self._clock = clock
        self._rows = tuple(rows)

    def advance(self, dt: float) -> None:
        """Moves nothing: they have been moved."""

    def snapshot(self) -> Mapping[str, float]:
        """The values, key -> value, each in its range: a log may be anybody's."""
        values = dict(self._clock.tick.values)
        values.pop(DRAWN_AT, None)
        for row in self._rows:
            value = values.get(row.key, row.default)
            values[row.key] = row.default if value != value else min(max(value, row.low), row.high)
        return MappingProxyType(values)


class ReplayDancer:
    """Shows the layers of the tick in hand, by the bundles that stand for the models of the log.

    Where dancers took turns to be redrawn, they do so again; `smooth` draws everyone in every frame.
    """

    def __init__(self, clock: ReplayClock, bundles: Mapping[Model, Bundle], smooth: bool = False) -> None:
        self._clock = clock
        self._bundles = bundles
        self._smooth = smooth

    def advance(self, dt: float, values: Mapping[str, float]) -> tuple[Layer, ...]:
        """What was shown in this frame."""
        return tuple(
            Layer(self._bundles[each.model], each.weight, each.latents, None if self._smooth else each.turns)
            for each in self._clock.tick.layers
        )


class ReplayQuality(Quality):
    """The share of the window's size that each frame was drawn at; with `smooth`, the whole of it."""

    def __init__(self, clock: ReplayClock, smooth: bool = False) -> None:
        super().__init__(math.inf)
        self._clock = clock
        self._smooth = smooth

    @property
    def share(self) -> float:
        share = self._clock.tick.values.get(DRAWN_AT, 1.0)
        return share if LEAST_SHARE <= share <= 1.0 and not self._smooth else 1.0


class Recorder(Protocol):
    """Takes the frames of a video."""

    def present(self, picture: Any, values: Mapping[str, float], /) -> None: ...

    def close(self) -> None: ...


class Paced:
    """A sink between a replay and the recorder of a video of `rate_hz`: the frame at t is what was on the screen at t.

    A picture that stood longer is recorded more than once; one that came and went between two frames is left out.
    """

    def __init__(self, recorder: Recorder, clock: ReplayClock, rate_hz: float) -> None:
        self._recorder = recorder
        self._clock = clock
        self._rate = rate_hz
        self._frames = 0

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Records the picture for every frame due before the next picture came."""
        while self._frames + SAME < self._clock.until * self._rate:
            self._recorder.present(picture, values)
            self._frames += 1

    def close(self) -> None:
        """Closes the recorder."""
        self._recorder.close()


def find_bundle(log: ShowLog, model: Model, given: Sequence[Path], known: Sequence[Path]) -> tuple[Path, str]:
    """The folder of a bundle that shows the latents of `model` as they were, and a warning, empty if it is the same.

    Looks for the decoder of the show in the folders `given`, or, where there is none, where the show had it and in
    `known`. The only one given is taken even if it is another, with a warning. Raises LogError.
    """
    wanted = model.files.get(DECODER, "")
    # Windows tells a server who the user is when it is only asked for a file: a log is not to name one.
    told = [] if model.folder.startswith(("\\\\", "//")) else [Path(model.folder)]
    places = given or [*told, *known]
    for folder in places:
        if (folder / DECODER).is_file() and fingerprint(folder / DECODER) == wanted:
            return folder, ""
    if len(given) == 1:
        return given[0], f"{given[0]}: not the decoder that {log.path} was shown with; the dance will look different"
    raise LogError(
        f"{log.path}: was danced by {model.name} (decoder {wanted[:SHORT_HASH]}), which is not in "
        f"{' or '.join(map(str, places))}; give its bundle with --model DIR"
    )


def check_latents(log: ShowLog, model: Model, latent_size: int, folder: Path) -> None:
    """Raises LogError where a bundle's decoder, of `latent_size`, cannot take the latents of `model`."""
    if latent_size != model.latent_size:
        raise LogError(f"{log.path}: holds latents of {model.latent_size}; the decoder in {folder} takes {latent_size}")


def show_of(log: ShowLog) -> tuple[float, tuple[int, int], datetime | None]:
    """The frame rate of the show, its window's size and when it began, if the log tells. Raises LogError."""
    rate, size, began = log.about.get("fps"), log.about.get("size"), log.about.get("began")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= FASTEST:
        raise LogError(f"{log.path}: tells of {rate!r} frames a second; it must be a number up to {FASTEST:g}")
    sides = size if isinstance(size, list) else []
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in sides):
        raise LogError(f"{log.path}: tells of a window of {size!r}; it must be [width, height] up to {LARGEST_SIDE}")
    try:
        return float(rate), (sides[0], sides[1]), None if began is None else datetime.fromisoformat(began)
    except (TypeError, ValueError):
        raise LogError(f"{log.path}: tells of a show that began at {began!r}; it must be a date and a time") from None


def describe(log: ShowLog) -> str:
    """What there is to know of a log, on a few lines."""
    state = ", whole" if log.whole else f"; {END_MISSING}"
    lines = [f"{log.path}: {log.ticks} frames in {sum(tick.dt for tick in log):.1f} s of show{state}"]
    for model in log.models:
        lines.append(f"  danced by {model.name} (decoder {model.files.get(DECODER, '')[:SHORT_HASH]}), {model.folder}")
    lines += [f"  {name}: {value}" for name, value in log.about.items()]
    # What a stranger's file tells is not to move the terminal's cursor.
    return "\n".join("".join(each if each.isprintable() else "?" for each in line) for line in lines)
