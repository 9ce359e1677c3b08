"""Routes over OSC, in two forms that mean the same.

`/dancenet/route SIGNAL PARAMETER AMOUNT [CURVE ATTACK RELEASE INVERT CENTRE]` says all at once;
`/dancenet/route/SIGNAL/to/PARAMETER` takes the amount alone, and `/curve`, `/attack`, `/release`, `/invert`, `/centre`
below it the rest: one float each, for programs that send nothing else.
"""

from dataclasses import replace

from engine.controls import Controls
from engine.parameters import SIGNALS
from engine.routes import NUMBERS, Route
from engine.sources.osc_packets import Argument

ROOT = "/dancenet/"
GROUP = "route/"
BETWEEN = "/to/"
SIGNAL_KEYS = frozenset(signal.key for signal in SIGNALS)


class RouteAddresses:
    """Sets and reads the routes of `controls`.

    A route of amount 0 is none; what else was said of it is kept here, so that a fader may pass through 0, and the
    amount may come after the rest. There is one at most from each signal to each parameter.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._resting: dict[tuple[str, str], Route] = {}

    def find(self, key: str) -> tuple[Route, str] | None:
        """The route, and which of NUMBERS, that `route/SIGNAL/to/PARAMETER[/FIELD]` is the address of."""
        if not key.startswith(GROUP) or BETWEEN not in key:
            return None
        signal, _, parameter = key.removeprefix(GROUP).partition(BETWEEN)
        field = NUMBERS[0]
        if parameter.count("/") == 2:
            parameter, _, field = parameter.rpartition("/")
            if field not in NUMBERS[1:]:
                return None
        if signal not in SIGNAL_KEYS or parameter not in self._controls.parameters:
            return None
        return self._route(signal, parameter), field

    def set_field(self, route: Route, field: str, value: float) -> None:
        """Changes one field of the route. Raises ValueError for what is no finite number."""
        self._set(route.signal, route.parameter, {field: value})

    def set_all(self, arguments: tuple[Argument, ...]) -> None:
        """Sets the route that the arguments of `/dancenet/route` spell out. Raises ValueError, with what is wrong."""
        ends, numbers = arguments[:2], arguments[2:]
        if len(ends) < 2 or not numbers or not all(isinstance(end, str) for end in ends):
            raise ValueError(f"signal, parameter and amount are wanted, then perhaps {', '.join(NUMBERS[1:])}")
        signal, parameter = (str(end).removeprefix(ROOT) for end in ends)
        if signal not in SIGNAL_KEYS:
            raise ValueError(f"unknown signal {signal!a}")
        if parameter not in self._controls.parameters:
            raise ValueError(f"unknown parameter {parameter!a}")
        values = {}
        for field, number in zip(NUMBERS, numbers, strict=False):
            if not isinstance(number, float | int):
                raise ValueError(f"{field}: a number is wanted")
            values[field] = float(number)
        self._set(signal, parameter, values)

    def spelled(self) -> list[tuple[str | float, ...]]:
        """Every route, as the arguments that set it."""
        return [
            (route.signal, route.parameter, *(float(getattr(route, field)) for field in NUMBERS))
            for route in self._controls.routes
        ]

    def _route(self, signal: str, parameter: str) -> Route:
        return (
            self._controls.routes.get(signal, parameter)
            or self._resting.get((signal, parameter))
            or Route(signal, parameter, 0.0)
        )

    def _set(self, signal: str, parameter: str, values: dict[str, float]) -> None:
        known = {field: float(getattr(self._route(signal, parameter), field)) for field in NUMBERS}
        known |= values
        route = replace(Route.made(signal, parameter, **known), invert=known["invert"] > 0.5)
        self._controls.route(route)
        if route.amount == 0:
            self._resting[signal, parameter] = route
        else:
            self._resting.pop((signal, parameter), None)
