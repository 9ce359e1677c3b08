"""The parameters' live values: set by sources, smoothed, handed out once a frame.

Owns the values. A target is where a parameter is going, its value where it is; the value nears the target by
1 - exp(-dt / tau), so that it gets there in the same time at 30 and at 144 frames a second.
"""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from engine.parameters import Parameter

# Closer than this share of its range, a value is its target: an exponential alone never arrives, and a speed of 0
# must freeze.
ARRIVED = 1e-4


class Controls:
    """Live values of `parameters`, starting at their defaults, or at those in `defaults` (key -> value)."""

    def __init__(self, parameters: Iterable[Parameter], defaults: Mapping[str, float] | None = None) -> None:
        self.parameters = {parameter.key: parameter for parameter in parameters}
        self._targets = {key: parameter.default for key, parameter in self.parameters.items()}
        for key, value in (defaults or {}).items():
            self.set(key, value)
        self._values = dict(self._targets)

    def set(self, key: str, value: float) -> None:
        """Sends the parameter on its way to `value`, clamped to its range (whole if the parameter is).

        Raises KeyError for an unknown key, ValueError for a value that is no finite number.
        """
        parameter = self.parameters[key]
        if not math.isfinite(value):
            low, high = parameter.low, parameter.high
            raise ValueError(f"{parameter.address}: {value} is not a number in {low:g}..{high:g}")
        value = min(max(float(value), parameter.low), parameter.high)
        self._targets[key] = float(round(value)) if parameter.integer else value

    def target(self, key: str) -> float:
        """Where the parameter is going; keys and the like step from here. Raises KeyError for an unknown key."""
        return self._targets[key]

    def advance(self, dt: float) -> None:
        """Moves every value towards its target by `dt` seconds."""
        for key, target in self._targets.items():
            value = self._values[key]
            if value == target:
                continue
            parameter = self.parameters[key]
            tau = parameter.attack if target > value else parameter.release
            if tau > 0:
                value += (target - value) * -math.expm1(-dt / tau)
            if tau <= 0 or abs(target - value) <= ARRIVED * (parameter.high - parameter.low):
                value = target
            self._values[key] = value

    def snapshot(self) -> Mapping[str, float]:
        """One consistent set of values, key -> value, which later changes leave alone."""
        return MappingProxyType(dict(self._values))
