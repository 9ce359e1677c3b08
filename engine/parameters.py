"""Every parameter of the engine, declared once.

A row here is all there is to add a parameter: OSC, keys, the status line and the documents read this table.
The address of a parameter is `/dancenet/<group>/<name>`. What a bundle brings of its own is declared by its
metadata as rows of the same kind.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """A named value that everything can see and set.

    `attack` and `release` are the time constants, in seconds, with which the live value follows its target upwards
    and downwards; 0 follows at once.
    """

    group: str
    name: str
    default: float
    low: float
    high: float
    attack: float
    release: float
    doc: str
    unit: str = ""
    integer: bool = False

    @property
    def key(self) -> str:
        """`group/name`, by which the engine's parts look the value up."""
        return f"{self.group}/{self.name}"

    @property
    def address(self) -> str:
        """The OSC address, `/dancenet/<group>/<name>`."""
        return f"/dancenet/{self.key}"


# A time constant of 0.1 s takes the stairs out of keys and of OSC at 10 messages a second, and is too short to be felt.
SMOOTH = 0.1

PARAMETERS = (
    Parameter(
        "dance", "temperature", 1.0, 0.05, 3.0, SMOOTH, SMOOTH,
        "How freely the dancer moves: drives pi_temperature and sigma_temperature together.",
    ),
    Parameter(
        "dance", "pi_temperature", 1.0, 0.05, 4.0, SMOOTH, SMOOTH,
        "Trim of temperature for the choice of movement: temperature times this divides the mixture's logits.",
    ),
    Parameter(
        "dance", "sigma_temperature", 1.0, 0.0, 4.0, SMOOTH, SMOOTH,
        "Trim of temperature for the spread of a movement: temperature times this multiplies sigma.",
    ),
    Parameter(
        "dance", "speed", 1.0, 0.0, 4.0, SMOOTH, SMOOTH,
        "Dance time against show time: 0 freezes, 0.5 is half speed, 2 is double.", "x",
    ),
    Parameter(
        "dance", "seed", 0.0, 0.0, 2.0**32 - 1, 0.0, 0.0,
        "Picks the noise: the same seed and controls give the same dance.", integer=True,
    ),
)  # fmt: skip
