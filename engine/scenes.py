"""Scenes on stage: recalled with a fade, stored, and gone through in their order.

Owns which scene is on, and where the show began: what a scene does not name goes back there. Recalls read no file:
the scenes are at hand.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import replace

from engine import scene_toml
from engine.controls import Controls
from engine.parameters import mix_of
from engine.scene import GREATEST_NUMBER, STEM, Fade, Scene, belongs, numbered
from engine.scene_files import SceneFiles

# Told of a wrong name, at most so long.
LONGEST_TOLD = 60
# To guess which of many scenes was meant takes milliseconds: a sender of wrong names gets no more guesses than these.
MOST_GUESSES = 20
WANTED = "a name or number is wanted"


class Scenes:
    """Does the commands `scene/recall`, `scene/store`, `scene/next` and `scene/previous`; polled as a source.

    `tell` takes one line about what went wrong.
    """

    def __init__(self, controls: Controls, files: SceneFiles, tell: Callable[[str], None]) -> None:
        self._controls = controls
        self._files = files
        self._tell = tell
        self._on = ""
        self._declared = controls.declared
        self.changes = 0, 0.0
        """How many scenes have been recalled, and in how many seconds the last one comes."""
        self._guesses = 0
        controls.handle("scene/recall", self.recall)
        controls.handle("scene/store", self.store)
        controls.handle("scene/next", self.next)
        controls.handle("scene/previous", self.previous)

    @property
    def on(self) -> str:
        """The scene that is on, by its file's name; empty before the first."""
        return self._on

    @property
    def order(self) -> list[Scene]:
        """The scenes as they follow each other."""
        return sorted(self._files.scenes.values(), key=lambda scene: scene.order)

    @property
    def _home(self) -> dict[str, float]:
        """Where the show began, of what belongs to scenes."""
        rows = self._controls.parameters
        return {key: value for key, value in self._controls.start.items() if key in rows and belongs(rows[key])}

    def take_up(self, stem: str) -> None:
        """This scene is on, as it was when the show was left: nothing moves."""
        self._on = stem

    def poll(self, controls: Controls) -> None:
        """Tells what went wrong with files; has them read anew where there are other parameters than before."""
        if controls.declared != self._declared:
            self._declared = controls.declared
            self._files.know(controls.parameters)
        for line in self._files.take_told():
            self._tell(f"scenes: {line}")

    def close(self) -> None:
        """Has what was stored written."""
        self._files.close()

    def recall(self, which: float | str | None = None, fade: float | str | None = None, *_: object) -> None:
        """Fades to a scene by its name or number. Raises ValueError where there is none such, or no such fade."""
        if which is None:
            raise ValueError(WANTED)
        self._fade_to(self.find(which), None if fade is None else Fade.of(fade))

    def find(self, which: float | str) -> Scene:
        """The scene of this name or number. Raises ValueError where there is none such."""
        scene = self._find(which)
        if scene is None:
            raise ValueError(f"no scene {_shown(which)}{self._nearest(which)}")
        return scene

    def remember(self) -> Scene:
        """The look as it is going to be, to be returned to."""
        rows, controls = self._controls.parameters, self._controls
        values = {key: controls.target(key) for key, row in rows.items() if belongs(row)}
        return Scene(self._on, self._on, None, None, values, tuple(controls.routes))

    def return_to(self, look: Scene, seconds: float, but: Iterable[str] = ()) -> None:
        """Fades to a look that was remembered; the parameters in `but` stay as they are."""
        stay = {key: self._controls.target(key) for key in but if key in look.parameters}
        self._fade_to(replace(look, parameters={**look.parameters, **stay}), Fade(seconds))

    def store(self, which: float | str | None = None, *_: object) -> None:
        """Stores the show as a scene of this name or number. Raises ValueError for a name that is none."""
        if which is None:
            raise ValueError(WANTED)
        older = self._find(which)
        stem = older.stem if older else _stem(which)
        if not STEM.fullmatch(stem):
            raise ValueError(f"{_shown(which)} is no name: letters, digits, blanks and hyphens, at most 64")
        number, name = (older.number, older.name) if older else numbered(stem)
        kept = older.parameters if older else {}
        parameters, home = {}, self._home
        for key, row in self._controls.parameters.items():
            value = self._controls.target(key)
            mix = mix_of(key)
            seen = not mix or self._controls.target(mix) > 0
            moved = seen and belongs(row) and not value == row.default == home.get(key, row.default)
            if moved or key in kept:
                parameters[key] = value
        routes = tuple(self._controls.routes)
        scene = Scene(stem, name, number, older.fade if older else None, parameters, routes)
        self._files.store(scene, scene_toml.write(scene, self._controls.parameters))
        self._on = stem

    def next(self, *_: object) -> None:
        """Fades to the next scene, from the last to the first."""
        self._go(1)

    def previous(self, *_: object) -> None:
        """Fades to the scene before, from the first to the last."""
        self._go(-1)

    def go_on(self) -> None:
        """The next scene if there is one: what the autopilot does."""
        if self._files.scenes:
            self.next()

    def _go(self, way: int) -> None:
        order = self.order
        if not order:
            raise ValueError(f"there are no scenes; scene/store makes one in {self._files.own}")
        stems = [scene.stem for scene in order]
        first = 0 if way > 0 else -1
        place = stems.index(self._on) + way if self._on in stems else first
        self._fade_to(order[place % len(order)], None)

    def _fade_to(self, scene: Scene, fade: Fade | None) -> None:
        controls = self._controls
        fade = fade or scene.fade or Fade(controls.target("scene/fade"))
        targets = {
            key: value for key, value in {**self._home, **scene.parameters}.items() if key in controls.parameters
        }
        at_once: dict[str, float] = {}
        slowly: dict[str, float] = {}
        for key, value in targets.items():
            mix = mix_of(key)
            if mix and mix != key and not targets.get(mix):
                continue  # an effect that leaves fades as it is
            # On the way from 4 beats to 8 an LFO would be thrown about the beat clock: it changes at once. So does an
            # effect that is not seen yet.
            unseen = mix and mix != key and not controls.target(mix)
            (at_once if unseen or controls.parameters[key].group == "lfo" else slowly)[key] = value
        controls.fade(at_once, 0)
        seconds = fade.seconds(controls.target("tempo/bpm"))
        controls.fade(slowly, seconds)
        self.changes = self.changes[0] + 1, seconds
        if scene.routes is not None:
            controls.routes.replace(route for route in scene.routes if route.parameter in controls.parameters)
        self._on = scene.stem

    def _find(self, which: float | str) -> Scene | None:
        """The first scene in order that is called so: by number, file or name."""
        number = _number(which)
        text = str(which).strip().removesuffix(".toml").casefold()
        for scene in self.order:
            if number is not None and scene.number == number:
                return scene
        for scene in self.order:
            if text in (scene.stem.casefold(), scene.name.casefold()):
                return scene
        return None

    def _nearest(self, which: float | str) -> str:
        self._guesses += 1
        if self._guesses > MOST_GUESSES:
            return ""
        known = [name for scene in self.order for name in (scene.name, scene.stem)]
        near = difflib.get_close_matches(str(which)[:LONGEST_TOLD], known, n=1)
        return f'; did you mean "{near[0]}"?' if near else ""


def _number(which: float | str) -> int | None:
    """The number that is meant, if it is one."""
    try:
        number = float(which)
    except ValueError:
        return None
    return int(number) if number.is_integer() and 0 <= number <= GREATEST_NUMBER else None


def _stem(which: float | str) -> str:
    number = _number(which)
    return str(which).strip() if number is None else str(number)


def _shown(which: float | str) -> str:
    return repr(which[:LONGEST_TOLD]) if isinstance(which, str) else f"{which:g}"
