"""ISF files: the header's JSON, its rows, size expressions, the GLSL."""

from pathlib import Path

from engine.isf.errors import IsfError
from engine.isf.expressions import Expression
from engine.isf.rows import inputs, rows
from engine.isf.source import read
from tests.fuzz.loop import Parser, in_a_file, mutated

ROOT = Path(__file__).parents[2]
FILES = [*(ROOT / "shaders").rglob("*.fs"), *(ROOT / "tests" / "fixtures" / "isf").rglob("*.fs")]
SEEDS = [path.read_bytes() for path in sorted(FILES)]
TOKENS = [
    *(b"{", b"[", b"(", b"/*", b"*/", b"//", b'"', b"\\", b"\\u0000", b"\n", b" ", b",", b":", b"out vec4 x;", b"out"),
    *(b"layout(", b"gl_FragData[0]", b"#version 330\n", b"#extension GL_X : require\n", b"texture", b"IMG_PIXEL("),
    *(b'"INPUTS"', b'"PASSES"', b'"IMPORTED"', b'"TYPE": "long"', b'"VALUES"', b'"WIDTH"', b'"PERSISTENT_BUFFERS"'),
    *(b'"CATEGORIES"', b'"TYPE": "color"', b'"DEFAULT"', b'"DANCENET": {"PLACE": 7}', b'{"NAME": "a", "PATH": "../b"}'),
]
SIZES = [b"floor($WIDTH / 4.0)", b"max($WIDTH, $HEIGHT) > 3 ? 2 ^ 3 : -(1 + 2) % 3", b"clamp(abs($a), 1, 2)", b"pi()"]
PARTS = [
    *(b"(", b"-", b"!", b"1+", b"2^", b"1?2:", b"$W", b"floor(", b"min()", b"log(0)", b"a" * 100, b"**", b"1e308*")
]


def take(path: Path) -> None:
    """Reads an effect, and works out all that a show works out from its header."""
    source = read(path)
    header = source.header
    declared = rows(source.name, header)
    for part in ("default", "low", "high"):
        inputs(header, source.name, {row.key: getattr(row, part) for row in declared})
    names = {name: 1.0 for each in header.passes for name in each.width.names | each.height.names}
    for each in header.passes:
        value(each.width, names)
        value(each.height, names)


def value(expression: Expression, names: dict[str, float]) -> None:
    """The value, where there is one."""
    for number in (1.0, 0.0, -1e300):
        try:
            expression.value(dict.fromkeys(names, number))
        except (ArithmeticError, ValueError):
            continue  # the pass is one pixel


def expression(data: bytes) -> None:
    found = Expression(data.decode("latin-1"))
    value(found, dict.fromkeys(found.names, 0.0))


PARSERS = (
    Parser(
        "isf", lambda chance: mutated(chance, SEEDS, TOKENS), in_a_file(take, "effect.fs"), (IsfError, OSError),
        escapes=(
            b"/*" * 200_000,
            b"/*{" + b"[" * 5000,
            b"/*{}*/" + b"\n" * 400_000,
            b"/*{}*/" + b"layout(" * 60_000,
            b'/*{"CATEGORIES": 1}*/',
            b'/*{"INPUTS": [{"NAME": "a", "TYPE": "float", "MAX": 1%s}]}*/' % (b"0" * 400),
            b'/*{"INPUTS": [{"NAME": "a", "TYPE": "float", "MAX": 1%s}]}*/' % (b"0" * 5000),
            b'/*{"INPUTS": [{"NAME": "a", "TYPE": "long", "VALUES": [1e999]}]}*/',
            b"/*{%s}*/" % (b'"a":1,' * 60_000),
            b"#version %s\n/*{}*/" % (b"1" * 5000),
        ),
    ),
    Parser(
        "expressions", lambda chance: mutated(chance, SIZES, PARTS), lambda folder: expression, (ValueError,),
        escapes=(b"(" * 5000, b"-" * 5000, b"1" + b"+1" * 5000, b"1?" * 3000, b"$a > 5 ? floor(1, 2) : 1"),
    ),
)  # fmt: skip
