"""The reference of everything that can be played, made from the tables: `dancenet controls`, docs/controls.md.

Owns only the words between the tables.
"""

from collections.abc import Iterable, Mapping, Sequence

from engine.isf.header import Header
from engine.isf.rows import rows
from engine.parameters import COMMANDS, PARAMETERS, SIGNALS, Command, Parameter
from engine.routes import DEFAULT_ROUTES, NUMBERS, Route
from engine.sources.keys import KEYS

OPENING = """\
# Controls
Everything that can be played. This page is made by `dancenet controls`; the tables are those that the program runs by.

Every parameter is set by OSC with one number at its address, or with 0..1 at `<address>/unit`; `?` asks for it. Keys,
scenes, routes and the HUD use the same names. [ableton.md](ableton.md) and [touchdesigner.md](touchdesigner.md) tell
how to send, [scenes.md](scenes.md) how scenes are kept.
"""
EFFECTS_OPENING = """\
An effect is on while its `/dancenet/fx/<effect>/mix` is above 0: at 1 only its own picture is seen, below that what
came before it too. `/dancenet/fx/<effect>/place`, 0 to 100, is its order in the chain, lower ones first. Up to three of
a kind are on at once: `echo`, `echo_2`, `echo_3`. [effects.md](effects.md) tells how to bring your own.
"""
COMMANDS_OPENING = """\
A command is done when its address is sent without an argument, with an argument of its own, or with a number that
rises above 0.5 (a button). Those marked *musical* wait for the next beat or bar where `tempo/quantise` says so.

`/dancenet/health ?` asks how the show is; `/dancenet/health NAME VALUE` comes back for each thing there is to know,
which [installation.md](installation.md#health) lists.
"""
SIGNALS_OPENING = """\
Signals are 0..1 and live while their source is. They go out to OSC subscribers, and routes move parameters by them.
"""
ROUTES_OPENING = """\
`/dancenet/route SIGNAL PARAMETER AMOUNT [CURVE ATTACK RELEASE INVERT CENTRE]` adds or changes a route: it adds
amount * (signal ** curve - centre) to the parameter, as a share of its range, following in attack and release seconds;
an amount of 0 takes it out. The show starts with:
"""

ROUTE_HEADS = ("signal", "parameter", *NUMBERS)


def markdown(effects: Mapping[str, Header], parameters: Sequence[Parameter] = PARAMETERS) -> str:
    """The whole reference as one page: of these effects, by name, and of the engine's `parameters`."""
    sections = (
        OPENING,
        "## Parameters",
        table(("address", "range", "default", "what it does"), map(parameter_row, parameters)),
        f"## Effects\n{EFFECTS_OPENING}",
        *(effect_section(name, header) for name, header in sorted(effects.items())),
        f"## Commands\n{COMMANDS_OPENING}",
        table(("address", "with", "what it does"), map(command_row, COMMANDS)),
        f"## Signals\n{SIGNALS_OPENING}",
        table(("signal", "what it is"), ((code(row.key), row.doc) for row in SIGNALS)),
        f"## Routes\n{ROUTES_OPENING}",
        table(ROUTE_HEADS, map(route_row, DEFAULT_ROUTES)),
        "## Keys",
        table(("key", "what it does"), ((row.label, row.doc) for row in KEYS)),
    )
    return "\n".join(sections)


def effect_section(name: str, header: Header) -> str:
    """What an effect is, and its inputs; what all effects have is told of once."""
    common = (f"{name}/mix", f"{name}/place")
    inputs = [parameter_row(row) for row in rows(name, header) if row.name not in common]
    told = f"### {name}\n{header.description}\n\n"
    return told + (table(("address", "range", "default", "what it does"), inputs) if inputs else "")


def parameter_row(row: Parameter) -> tuple[str, ...]:
    """Address, range, default and doc of a parameter."""
    unit = f" {row.unit}" if row.unit else ""
    if row.choices:
        return code(row.address), ", ".join(row.choices), row.choices[int(row.default)], row.doc
    return code(row.address), f"{row.low:.10g} to {row.high:.10g}{unit}", f"{row.default:g}", row.doc


def command_row(row: Command) -> tuple[str, ...]:
    """Address, argument and doc of a command."""
    return code(row.address), row.argument, row.doc + (" *Musical.*" if row.musical else "")


def route_row(route: Route) -> tuple[str, ...]:
    """The fields of a route."""
    numbers = (float(getattr(route, name)) for name in NUMBERS)
    return code(route.signal), code(route.parameter), *(f"{number:g}" for number in numbers)


def code(text: str) -> str:
    """As it is typed."""
    return f"`{text}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
