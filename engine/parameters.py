"""Everything that can be played, declared once: parameters, commands, signals.

A row here is all there is to add one: OSC, keys, the HUD, scenes, routes and the documents read these tables. The
address of a row is `/dancenet/<group>/<name>`. What a bundle brings of its own is declared by its metadata as rows of
the same kind.
"""

from dataclasses import dataclass

# The group of the effects' parameters: `fx/<effect>/<input>`.
EFFECTS = "fx"


@dataclass(frozen=True)
class Parameter:
    """A named value that everything can see and set.

    `attack` and `release` are the time constants, in seconds, with which the live value follows its target upwards
    and downwards; 0 follows at once. `curve` bends 0..1 controllers: low + (high - low) * unit ** curve. `choices`
    names the values of one that picks from a list, 0 and up. A `momentary` one goes back to its low by itself after the
    frame that saw it.
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
    curve: float = 1.0
    choices: tuple[str, ...] = ()
    momentary: bool = False

    @property
    def key(self) -> str:
        """`group/name`, by which the engine's parts look the value up."""
        return f"{self.group}/{self.name}"

    @property
    def address(self) -> str:
        """The OSC address, `/dancenet/<group>/<name>`."""
        return f"/dancenet/{self.key}"

    def from_unit(self, unit: float) -> float:
        """The value at 0..1 of a controller, which is clamped; whole if the parameter is."""
        value = self.low + (self.high - self.low) * min(max(unit, 0.0), 1.0) ** self.curve
        return float(round(value)) if self.integer else value

    def to_unit(self, value: float) -> float:
        """Where on a controller of 0..1 a value of the parameter is."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0) ** (1 / self.curve)


def mix_of(key: str) -> str:
    """The key of the mix of the effect that a parameter belongs to; empty for one that is no effect's."""
    group, _, rest = key.partition("/")
    return f"{EFFECTS}/{rest.partition('/')[0]}/mix" if group == EFFECTS else ""


@dataclass(frozen=True)
class Command:
    """Something that is done, once, rather than a value.

    `argument` says what may be given with it; `toggles` is the switch parameter that it turns over, if that is all it
    does. A `musical` one waits for the next beat or bar where `tempo/quantise` says so.
    """

    group: str
    name: str
    doc: str
    argument: str = ""
    toggles: str = ""
    musical: bool = False

    @property
    def key(self) -> str:
        """`group/name`."""
        return f"{self.group}/{self.name}"

    @property
    def address(self) -> str:
        """The OSC address, `/dancenet/<group>/<name>`."""
        return f"/dancenet/{self.key}"


@dataclass(frozen=True)
class Signal:
    """A live value, 0..1, that routes can move parameters by."""

    group: str
    name: str
    doc: str

    @property
    def key(self) -> str:
        """`group/name`."""
        return f"{self.group}/{self.name}"

    @property
    def address(self) -> str:
        """The OSC address it goes out at, `/dancenet/<group>/<name>`."""
        return f"/dancenet/{self.key}"


# A time constant of 0.1 s takes the stairs out of keys and of OSC at 10 messages a second, and is too short to be felt.
SMOOTH = 0.1
MOST_DANCERS = 64
SWITCH = ("off", "on")
# Of the picture on the screen, in the order that they are selected in.
CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
EDGES = ("left", "right", "top", "bottom")
# What the light of the picture comes from, which is taken from it last.
LIGHT = ("picture/black", "picture/closed", "picture/dimmer")
LFOS = (1, 2, 3, 4)
AXES = (1, 2, 3, 4, 5, 6, 7, 8)
SHAPES = ("sine", "triangle", "saw", "square", "random")
LAYOUTS = ("crowd", "line", "ring", "trail")
QUANTA = ("now", "beat", "bar")
TEMPO_SOURCES = ("auto", "manual", "audio")

DANCE = (
    Parameter(
        "dance", "temperature", 1.0, 0.05, 3.0, SMOOTH, SMOOTH,
        "How freely the dancer moves: drives pi_temperature, and up to 1 sigma_temperature with it.",
    ),
    Parameter(
        "dance", "pi_temperature", 1.0, 0.05, 4.0, SMOOTH, SMOOTH,
        "Trim of temperature for the choice of movement: temperature times this divides the mixture's logits.",
    ),
    Parameter(
        "dance", "sigma_temperature", 1.0, 0.0, 4.0, SMOOTH, SMOOTH,
        "Trim of temperature for the spread of a movement: temperature, at most 1, times this multiplies sigma.",
    ),
    Parameter(
        "dance", "speed", 1.0, 0.0, 4.0, SMOOTH, SMOOTH,
        "Dance time against show time: 0 freezes, 0.5 is half speed, 2 is double.", "x",
    ),
    Parameter(
        "dance", "seed", 0.0, 0.0, 2.0**32 - 1, 0.0, 0.0,
        "Picks the noise: the same seed and controls give the same dance.", integer=True,
    ),
    Parameter(
        "dance", "dancers", 1.0, 1.0, MOST_DANCERS, 0.0, 0.0,
        "How many dance; those who join come in dancing.", integer=True, curve=2.0,
    ),
    Parameter(
        "dance", "unison", 0.0, 0.0, 1.0, SMOOTH, SMOOTH,
        "How much of the company dances with the first: 0 each for itself, 1 all as the first.",
    ),
    Parameter(
        "dance", "canon", 0.0, 0.0, 16.0, SMOOTH, SMOOTH,
        "Delay from each dancer to the next; the last ones are at most 32 s behind.", "beats", curve=2.0,
    ),
    Parameter(
        "dance", "layout", 0.0, 0.0, len(LAYOUTS) - 1.0, 0.0, 0.0,
        "How a company stands: in rows, side by side, in a circle, or one behind the other.",
        integer=True, choices=LAYOUTS,
    ),
    Parameter(
        "dance", "mirror", 0.0, 0.0, 1.0, 0.0, 0.0,
        "1 mirrors: a dancer alone turns about; of a company the left half does, so that it mirrors "
        "the right.", integer=True, choices=("off", "on"),
    ),
    Parameter(
        "dance", "frozen", 0.0, 0.0, 1.0, SMOOTH, SMOOTH,
        "1 holds the dance still.", integer=True, choices=("off", "on"),
    ),
    *(
        Parameter(
            "dance", f"axis{number}", 0.0, -1.0, 1.0, SMOOTH, SMOOTH,
            f"Pushes the bodies shown along axis {number} of those they differ by, the first most; the dance goes on.",
        )
        for number in AXES
    ),
)  # fmt: skip

PICTURE = (
    Parameter(
        "picture", "black", 0.0, 0.0, 1.0, 0.0, 0.0,
        "How far the picture is faded to black: 1 is a blackout.",
    ),
    Parameter(
        "picture", "closed", 0.0, 0.0, 1.0, 0.0, 0.0,
        "How far the picture is faded to black outside the hours; at 1 the dancer rests.",
    ),
    Parameter("picture", "dimmer", 1.0, 0.0, 1.0, SMOOTH, SMOOTH, "The master dimmer: 0 is dark."),
    Parameter(
        "picture", "flash_limiter", 1.0, 0.0, 1.0, 0.0, 0.0,
        "Keeps the picture from flashing more than three times a second, which can bring on seizures.",
        integer=True, choices=SWITCH,
    ),
)  # fmt: skip

OUTPUT = (
    Parameter(
        "output", "test_card", 0.0, 0.0, 1.0, 0.0, 0.0,
        "Shows a test card in the picture's place, to set a projector up by.", integer=True, choices=SWITCH,
    ),
    Parameter(
        "output", "corner", 0.0, 0.0, len(CORNERS), 0.0, 0.0,
        "The corner that the arrow keys move.", integer=True, choices=("none", *CORNERS),
    ),
    *(
        Parameter(
            "output", f"{corner}_{axis}", 0.0, -1.0, 1.0, 0.0, 0.0,
            f"How far the {corner.replace('_', ' ')} corner of the picture is moved {way}, in its {size}s.",
        )
        for corner in CORNERS
        for axis, way, size in (("x", "to the right", "width"), ("y", "up", "height"))
    ),
    Parameter(
        "output", "rotate", 0.0, 0.0, 3.0, 0.0, 0.0,
        "Turns the picture clockwise, in degrees.", integer=True, choices=("0", "90", "180", "270"),
    ),
    Parameter(
        "output", "flip_x", 0.0, 0.0, 1.0, 0.0, 0.0,
        "Swaps left and right: for projection from behind.", integer=True, choices=SWITCH,
    ),
    Parameter(
        "output", "flip_y", 0.0, 0.0, 1.0, 0.0, 0.0,
        "Swaps top and bottom: for a projector that hangs.", integer=True, choices=SWITCH,
    ),
    *(
        Parameter(
            "output", f"soft_{edge}", 0.0, 0.0, 0.5, 0.0, 0.0,
            f"How much of the picture fades to black at its {edge} edge.",
        )
        for edge in EDGES
    ),
    Parameter(
        "output", "gamma", 1.0, 0.2, 5.0, 0.0, 0.0,
        "Brightens the dark tones above 1, darkens them below; black and white stay.", curve=2.0,
    ),
    Parameter(
        "output", "mask", 1.0, 0.0, 1.0, 0.0, 0.0,
        "Lays the monitor's mask over the picture, if there is one.", integer=True, choices=SWITCH,
    ),
)  # fmt: skip

AUDIO = (
    Parameter(
        "audio", "gain", 1.0, 0.0, 4.0, 0.0, 0.0,
        "Trim of the level and the bands, after the automatic gain.", "x",
    ),
)  # fmt: skip

TEMPO = (
    Parameter("tempo", "bpm", 120.0, 20.0, 300.0, 0.0, 0.0, "Beats a minute; setting it leads by hand.", "bpm"),
    Parameter(
        "tempo", "source", 0.0, 0.0, 2.0, 0.0, 0.0,
        "Who leads: auto takes the audio's beat until a tap or a bpm comes, manual and audio lock it.",
        integer=True, choices=TEMPO_SOURCES,
    ),
    Parameter(
        "tempo", "latency", 0.0, -500.0, 500.0, 0.0, 0.0,
        "Moves all beats: above 0 they come earlier, to make up for a slow screen or sound system.", "ms",
    ),
    Parameter("tempo", "beats_a_bar", 4.0, 1.0, 16.0, 0.0, 0.0, "Beats in a bar.", integer=True),
    Parameter(
        "tempo", "quantise", 0.0, 0.0, 2.0, 0.0, 0.0,
        "What scene changes and other musical commands wait for.", integer=True, choices=QUANTA,
    ),
)  # fmt: skip

LFO = tuple(
    row
    for number in LFOS
    for row in (
        Parameter(
            "lfo", f"{number}_shape", 0.0, 0.0, len(SHAPES) - 1.0, 0.0, 0.0,
            f"Shape of LFO {number}; random takes a new value every period.", integer=True, choices=SHAPES,
        ),
        Parameter("lfo", f"{number}_rate", 0.1, 0.0, 10.0, 0.0, 0.0, f"Rate of LFO {number}.", "Hz", curve=3.0),
        Parameter(
            "lfo", f"{number}_beats", 0.0, 0.0, 64.0, 0.0, 0.0,
            f"Period of LFO {number} in beats; 0 leaves it to the rate.", "beats", curve=2.0,
        ),
    )
)  # fmt: skip

SCENE = (
    Parameter("scene", "fade", 1.0, 0.0, 60.0, 0.0, 0.0, "How long a scene takes to fade in.", "s", curve=2.0),
    Parameter(
        "scene", "every_bars", 0.0, 0.0, 256.0, 0.0, 0.0,
        "Autopilot: the next scene after so many bars; 0 is off.", "bars", integer=True, curve=2.0,
    ),
    Parameter(
        "scene", "every_minutes", 0.0, 0.0, 60.0, 0.0, 0.0,
        "Autopilot: the next scene after so many minutes; 0 is off.", "min", curve=2.0,
    ),
)  # fmt: skip

PARAMETERS = (*DANCE, *PICTURE, *AUDIO, *TEMPO, *LFO, *SCENE, *OUTPUT)

COMMANDS = (
    Command("dance", "reseed", "Another dance: picks a new seed.", musical=True),
    Command("dance", "reset", "Leads every dancer into a passage of real dance.", musical=True),
    Command("dance", "freeze", "Holds the dance still, or lets it go on.", toggles="dance/frozen"),
    Command("picture", "blackout", "Black, and back.", toggles="picture/black"),
    Command("picture", "record", "Records what is shown into a video, until it is given again."),
    Command("model", "next", "The next dancer of those the show was started with.", musical=True),
    Command("model", "previous", "The dancer before.", musical=True),
    Command("audio", "next_input", "Listens to the next of the audio inputs."),
    Command("tempo", "tap", "A tap on the beat; from the second on they set the tempo."),
    Command("tempo", "resync", "The bar begins now."),
    Command("scene", "recall", "Recalls a scene.", "name or number, then a fade (seconds, or 4b: beats)", musical=True),
    Command("scene", "store", "Stores the show as a scene; the older file is kept beside it.", "name or number"),
    Command("scene", "next", "Recalls the next scene.", musical=True),
    Command("scene", "previous", "Recalls the scene before.", musical=True),
    Command("output", "next_corner", "The test card, its next corner selected; after the last one, the dance again."),
)  # fmt: skip

SIGNALS = (
    Signal("audio", "level", "Loudness, evened out by the automatic gain; 0 in silence."),
    Signal("audio", "bass", "Level of 20 to 200 Hz."),
    Signal("audio", "low", "Level of 200 to 1000 Hz."),
    Signal("audio", "mid", "Level of 1 to 4 kHz."),
    Signal("audio", "high", "Level above 4 kHz."),
    Signal("audio", "onset", "1 where a note or a drum sets in, then falling."),
    Signal("tempo", "beat", "1 on the beat, falling to 0 before the next."),
    Signal("tempo", "phase", "Rises from 0 to 1 through each beat."),
    Signal("tempo", "bar", "Rises from 0 to 1 through each bar."),
    *(Signal("lfo", f"{number}", f"LFO {number}.") for number in LFOS),
    Signal("dance", "motion", "How much the dance moves; 0.5 is the footage's mean."),
    Signal("dance", "entropy", "How undecided the dancer is: entropy of the mixture, 1 is evenly spread."),
)
