"""Routes: a signal moves a parameter, by an amount, a curve, and in its own time.

Owns how far each route has come. Amounts are shares of a parameter's whole range (of its controller, 0..1), so that
any signal fits any parameter. Where a signal stops or a route is taken out, what it moved eases back.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

# Time constant, seconds, by which a route that is gone eases out, and that of a dead signal if its release is shorter.
EASE_OUT = 0.5
# An offset smaller than this share of a range is none.
GONE = 1e-4
GREATEST_CURVE = 8.0
LONGEST = 60.0


@dataclass(frozen=True)
class Route:
    """`signal` -> `parameter`: adds amount * (shaped - centre), where shaped is signal ** curve, or of 1 - signal.

    amount -1..1 of the range; centre 0..1 is the shaped signal that leaves the parameter where it is; attack and
    release are time constants in seconds.
    """

    signal: str
    parameter: str
    amount: float
    curve: float = 1.0
    attack: float = 0.0
    release: float = 0.0
    invert: bool = False
    centre: float = 0.0

    @classmethod
    def made(cls, signal: str, parameter: str, amount: float, **fields: float) -> "Route":
        """A route with every number brought into its range. Raises ValueError for what is no finite number."""
        for name, value in {"amount": amount, **fields}.items():
            if not math.isfinite(value):
                raise ValueError(f"route {signal} -> {parameter}: {name} is {value}, not a number")
        ranges = {"curve": (1 / GREATEST_CURVE, GREATEST_CURVE), "attack": (0.0, LONGEST), "release": (0.0, LONGEST)}
        kept = {name: min(max(value, low), high) for name, value in fields.items() if name != "invert"
                for low, high in [ranges.get(name, (0.0, 1.0))]}  # fmt: skip
        return cls(signal, parameter, min(max(amount, -1.0), 1.0), invert=bool(fields.get("invert", False)), **kept)

    def shaped(self, value: float) -> float:
        """The signal's value (clamped to 0..1) bent by the curve, and turned over if inverted."""
        value = min(max(value, 0.0), 1.0)
        return (1 - value if self.invert else value) ** self.curve


# A route's numbers, in the order in which they are written.
NUMBERS = tuple(field.name for field in fields(Route) if field.name not in ("signal", "parameter"))

# The music drives the dance out of the box: calm in silence, flaring when it is loud. In silence the level is 0 and
# the temperature 0.2 * 0.4 of its range (0.24) under where it is set; at full level 0.35 above it.
DEFAULT_ROUTES = (Route("audio/level", "dance/temperature", 0.2, attack=0.15, release=0.6, centre=0.4),)


class Routes:
    """The routes of a show, one at most from a signal to a parameter."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self._routes: dict[tuple[str, str], Route] = {}
        self._moved: dict[tuple[str, str], float] = {}  # shaped - centre, as far as the route has come
        self._leaving: dict[str, float] = {}  # parameter -> offset of routes that were taken out
        for route in routes:
            self.set(route)

    def __iter__(self) -> Iterator[Route]:
        return iter(tuple(self._routes.values()))

    def __len__(self) -> int:
        return len(self._routes)

    def get(self, signal: str, parameter: str) -> Route | None:
        return self._routes.get((signal, parameter))

    def set(self, route: Route) -> None:
        """Adds the route, or changes the one between the same two; an amount of 0 takes it out."""
        ends = route.signal, route.parameter
        if route.amount == 0:
            self._take_out(ends)
            return
        self._routes[ends] = route
        self._moved.setdefault(ends, 0.0)

    def replace(self, routes: Iterable[Route]) -> None:
        """These routes and no others; those that stay go on from where they are."""
        kept = {(route.signal, route.parameter): route for route in routes}
        for ends in self._routes.keys() - kept.keys():
            self._take_out(ends)
        for route in kept.values():
            self.set(route)

    def advance(self, dt: float, signals: Mapping[str, float]) -> dict[str, float]:
        """Follows `signals` (those that are live) for `dt` seconds; returns parameter -> offset on its controller."""
        share = math.exp(-dt / EASE_OUT)
        self._leaving = {key: offset * share for key, offset in self._leaving.items() if abs(offset) > GONE}
        offsets = dict(self._leaving)
        for ends, route in self._routes.items():
            moved = self._moved[ends]
            live = route.signal in signals
            aim = route.shaped(signals[route.signal]) - route.centre if live else 0.0
            tau = route.attack if aim > moved else route.release
            if not live:
                tau = max(tau, EASE_OUT)
            moved = aim if tau <= 0 else moved + (aim - moved) * -math.expm1(-dt / tau)
            self._moved[ends] = moved
            offsets[route.parameter] = offsets.get(route.parameter, 0.0) + route.amount * moved
        return offsets

    def _take_out(self, ends: tuple[str, str]) -> None:
        route = self._routes.pop(ends, None)
        if route is not None:
            moved = route.amount * self._moved.pop(ends)
            self._leaving[route.parameter] = self._leaving.get(route.parameter, 0.0) + moved
