"""The show's controls, live: what sources set and do, what signals and fades move, handed out once a frame.

Owns the values, the signals, the routes and the commands that wait. A target is where a parameter is going, its value
where it is: it nears the target by 1 - exp(-dt / tau), so that it gets there in the same time at 30 and at 144 frames
a second; then routes move it, in their own time. All of this happens on the frame's thread.

A momentary parameter is pressed by setting it to more than the middle of its range, or by a route that rises above it:
it is high in the next picture, and then low again by itself.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from engine.parameters import COMMANDS, QUANTA, SIGNALS, Command, Parameter
from engine.presses import Presses
from engine.routes import Route, Routes

# Closer than this share of its range, a value is its target: an exponential alone never arrives, and a speed of 0
# must freeze.
ARRIVED = 1e-4
# Commands that may wait for one beat; more are a fault of the sender's.
MOST_WAITING = 64
# Of a momentary parameter's range: more than this presses it.
PRESSED = 0.5

Argument = float | str
Handler = Callable[..., None]


@dataclass
class Fade:
    """A parameter on its way: places on its controller, seconds gone and in all."""

    start: float
    end: float
    target: float
    gone: float
    seconds: float


class Controls:
    """Live values of `parameters`, starting at their defaults, or at those in `defaults` (key -> value).

    `tell` takes one line on a command that could not be done.
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        defaults: Mapping[str, float] | None = None,
        routes: Iterable[Route] = (),
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.parameters = {parameter.key: parameter for parameter in parameters}
        """Every parameter there is, key -> row."""
        self.declared = 0
        """How often parameters have come, changed or gone: what was found out about them before then may be wrong."""
        self.commands = {command.key: command for command in COMMANDS}
        self.signals: dict[str, float] = {}
        """The signals that are live, key -> value, 0..1."""
        self.routes = Routes()
        self.tell = tell
        self._targets = {key: parameter.default for key, parameter in self.parameters.items()}
        self._fades: dict[str, Fade] = {}
        self._moving: set[str] = set()  # those that may not be where they are going
        self._routed: Mapping[str, float] = {}  # what routes moved in the last advance, and by how much
        self._presses = Presses()
        self._changes: dict[str, str] = {}
        self._handlers: dict[str, Handler] = {}
        self._waiting: list[tuple[Command, tuple[Argument, ...]]] = []
        for key, value in (defaults or {}).items():
            self.set(key, value)
        self._start = dict(self._targets)
        self.start: Mapping[str, float] = MappingProxyType(self._start)
        """Where each parameter begins, key -> value: at its default, or the dancer's own, or what was asked for."""
        self._smooth = dict(self._targets)
        self._values = dict(self._targets)
        self._signal_keys = {signal.key for signal in SIGNALS}
        for route in routes:
            self.route(route)
        self._changes.clear()

    def set(self, key: str, value: float, origin: str = "") -> None:
        """Sends the parameter on its way to `value`, clamped to its range (whole if the parameter is).

        `origin` says who: the others are told. Raises KeyError for an unknown key, ValueError for a value that is no
        finite number.
        """
        target = self._allowed(key, value)
        if self.parameters[key].momentary:
            if target > self.parameters[key].low:
                self._presses.press(key)
            else:
                return  # it goes back by itself, and not before it was seen
        self._fades.pop(key, None)
        self._targets[key] = target
        self._moving.add(key)
        self._changes[key] = origin

    def set_unit(self, key: str, unit: float, origin: str = "") -> None:
        """As `set`, from a controller of 0..1."""
        parameter = self.parameters[key]
        if not math.isfinite(unit):
            raise ValueError(f"{parameter.address}/unit: {unit} is not a number in 0..1")
        self.set(key, parameter.from_unit(unit), origin)

    def fade(self, targets: Mapping[str, float], seconds: float) -> None:
        """Takes parameters to new targets in `seconds`, evenly on their controllers; whole ones change at once.

        Setting one of them ends its fade. Raises KeyError and ValueError as `set` does, before anything moves.
        """
        allowed = {key: self._allowed(key, value) for key, value in targets.items()}
        for key, target in allowed.items():
            parameter = self.parameters[key]
            if seconds <= 0 or parameter.integer or parameter.momentary or target == self._targets[key]:
                self.set(key, target)
                continue
            start, end = parameter.to_unit(self._targets[key]), parameter.to_unit(target)
            self._fades[key] = Fade(start, end, target, 0.0, seconds)

    def target(self, key: str) -> float:
        """Where the parameter is going; keys and the like step from here. Raises KeyError for an unknown key."""
        return self._targets[key]

    def aims(self) -> dict[str, float]:
        """Where every parameter ends up if nothing more is played: at its target, or where its fade leads."""
        ends = {key: fade.target for key, fade in self._fades.items()}
        return {**self._targets, **ends}

    def modulation(self, key: str) -> float:
        """By how much routes move the parameter just now, in its own units."""
        return self._values[key] - self._smooth[key]

    def handle(self, key: str, handler: Handler) -> None:
        """Has `handler(*arguments)` do the command `key`. A ValueError it raises is told; the show goes on."""
        if key not in self.commands:
            raise KeyError(key)
        self._handlers[key] = handler

    def command(self, key: str, *arguments: Argument) -> None:
        """Does a command: now, or, if it is musical and `tempo/quantise` says so, at the next beat or bar.

        Raises KeyError for an unknown one.
        """
        command = self.commands[key]
        if not command.musical or self._quantum() == "now":
            self._do(command, arguments)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append((command, arguments))

    @property
    def waiting(self) -> list[str]:
        """Keys of the commands that wait for a beat."""
        return [command.key for command, _ in self._waiting]

    def beat(self, bar: bool) -> None:
        """A beat came, `bar` if it begins one: what waited for it is done."""
        quantum = self._quantum()
        if quantum == "bar" and not bar:
            return
        waiting, self._waiting = self._waiting, []
        for command, arguments in waiting:
            self._do(command, arguments)

    def signal(self, key: str, value: float) -> None:
        """A signal's value in this frame; it stays live until `still`. Values that are no number count as 0."""
        if key not in self._signal_keys:
            raise KeyError(key)
        self.signals[key] = min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0

    def still(self, key: str) -> None:
        """The signal's source is gone: what it moved eases back."""
        self.signals.pop(key, None)

    def route(self, route: Route) -> None:
        """Adds or changes a route; an amount of 0 takes it out. Raises KeyError for an unknown signal or parameter."""
        if route.signal not in self._signal_keys:
            raise KeyError(route.signal)
        if route.parameter not in self.parameters:
            raise KeyError(route.parameter)
        self.routes.set(route)

    def take_changes(self) -> dict[str, str]:
        """What was set since this was last called: key -> origin of the last to set it."""
        changes, self._changes = self._changes, {}
        return changes

    def declare(self, rows: Iterable[Parameter]) -> None:
        """Adds parameters, at their defaults, or changes those there are: values are brought into the new ranges."""
        self.declared += 1
        for row in rows:
            key = row.key
            self.parameters[key] = row
            if fade := self._fades.pop(key, None):
                self._targets[key] = fade.target
            for values in (self._targets, self._smooth, self._values, self._start):
                values[key] = self._allowed(key, values.get(key, row.default))
            self._presses.forget(key)
            self._moving.add(key)
            self._changes[key] = ""

    def withdraw(self, keys: Iterable[str]) -> None:
        """Takes parameters out, with their fades and routes. Raises KeyError for an unknown key, before any is out."""
        gone = {key: self.parameters[key] for key in keys}
        self.declared += 1
        for key in gone:
            for values in (self.parameters, self._targets, self._smooth, self._values, self._start):
                del values[key]
            self._fades.pop(key, None)
            self._changes.pop(key, None)
            self._presses.forget(key)
            self._moving.discard(key)
        for route in self.routes:
            if route.parameter in gone:
                self.routes.set(replace(route, amount=0.0))

    def advance(self, dt: float) -> None:
        """Moves every value on by `dt` seconds: fades, smoothing, routes. 0 takes up what was set within a frame."""
        self._advance_fades(dt)
        offsets = self.routes.advance(dt, self.signals)
        self._advance_presses(dt, offsets)
        for key in self._moving.union(self._routed, offsets):  # all others are where they were
            if (parameter := self.parameters.get(key)) is None:
                continue  # withdrawn; what routes moved it by still eases back
            value, target = self._smooth[key], self._targets[key]
            if value != target:
                value = self._smooth[key] = self._follow(parameter, value, target, dt)
            if value == target:
                self._moving.discard(key)
            self._values[key] = self._moved(parameter, value, offsets.get(key))
        self._routed = offsets

    def glance(self, keys: Iterable[str]) -> dict[str, float]:
        """The values that these parameters will have once what was set since the last advance is taken up, key ->
        value. Nothing moves: all that was set still counts in the next frame.
        """
        values = {}
        for key in keys:
            parameter = self.parameters[key]
            value = self._follow(parameter, self._smooth[key], self._targets[key], 0.0)
            values[key] = self._moved(parameter, value, self._routed.get(key))
        return values

    def settle(self) -> None:
        """Every value is where it is going, at once: for a show that has not begun."""
        self._smooth = dict(self._targets)
        self._values = dict(self._targets)
        self._moving.clear()

    def snapshot(self) -> Mapping[str, float]:
        """One consistent set of values, key -> value, which later changes leave alone."""
        return MappingProxyType(dict(self._values))

    def _allowed(self, key: str, value: float) -> float:
        parameter = self.parameters[key]
        if not math.isfinite(value):
            low, high = parameter.low, parameter.high
            raise ValueError(f"{parameter.address}: {value} is not a number in {low:g}..{high:g}")
        value = min(max(float(value), parameter.low), parameter.high)
        if parameter.momentary:
            return (
                parameter.high if value - parameter.low > PRESSED * (parameter.high - parameter.low) else parameter.low
            )
        return float(round(value)) if parameter.integer else value

    def _quantum(self) -> str:
        key = "tempo/quantise"
        return QUANTA[int(self._targets[key])] if key in self._targets else QUANTA[0]

    def _do(self, command: Command, arguments: tuple[Argument, ...]) -> None:
        if command.toggles:
            parameter = self.parameters[command.toggles]
            middle = (parameter.low + parameter.high) / 2
            self.set(command.toggles, parameter.low if self._targets[command.toggles] > middle else parameter.high)
        elif handler := self._handlers.get(command.key):
            try:
                handler(*arguments)
            except ValueError as error:
                self.tell(f"{command.address}: {error}")

    def _advance_fades(self, dt: float) -> None:
        for key, fade in list(self._fades.items()):
            fade.gone += dt
            share = fade.gone / fade.seconds
            if share >= 1:
                self.set(key, fade.target)
                continue
            self._targets[key] = self.parameters[key].from_unit(fade.start + share * (fade.end - fade.start))
            self._moving.add(key)
            self._changes[key] = ""

    def _advance_presses(self, dt: float, offsets: Mapping[str, float]) -> None:
        """Presses momentary parameters that routes raise, and takes back those that were shown."""
        over = {key for key, offset in offsets.items() if offset > PRESSED and self._is_momentary(key)}
        for key in self._presses.risen(over):
            self.set(key, self.parameters[key].high)
        for key in self._presses.advance(dt):
            self._targets[key] = self.parameters[key].low
            self._moving.add(key)
            self._changes[key] = ""

    def _is_momentary(self, key: str) -> bool:
        return key in self.parameters and self.parameters[key].momentary

    @staticmethod
    def _moved(parameter: Parameter, value: float, offset: float | None) -> float:
        """The value that routes make of a value; `offset` is a share of its controller."""
        if offset and not parameter.momentary:
            return parameter.from_unit(parameter.to_unit(value) + offset)
        return value

    @staticmethod
    def _follow(parameter: Parameter, value: float, target: float, dt: float) -> float:
        tau = parameter.attack if target > value else parameter.release
        if tau > 0:
            value += (target - value) * -math.expm1(-dt / tau)
        if tau <= 0 or parameter.momentary or abs(target - value) <= ARRIVED * (parameter.high - parameter.low):
            return target
        return value
