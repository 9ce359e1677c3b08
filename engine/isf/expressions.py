"""The size expressions of ISF passes, such as `floor($WIDTH / 4.0)`: parsed once, worked out every frame.

A parser of our own: what a file says is never run as Python. Owns nothing.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence

# Two are in the same row of precedence; what binds tighter comes later.
OPERATORS: tuple[Mapping[str, Callable[[float, float], float]], ...] = (
    {"||": lambda a, b: float(bool(a) or bool(b))},
    {"&&": lambda a, b: float(bool(a) and bool(b))},
    {
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
        "<=": lambda a, b: float(a <= b),
        ">=": lambda a, b: float(a >= b),
        "<": lambda a, b: float(a < b),
        ">": lambda a, b: float(a > b),
    },
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a / b, "%": math.fmod},
)
FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "floor": math.floor, "ceil": math.ceil, "round": lambda x: math.floor(x + 0.5), "trunc": math.trunc,
    "min": min, "max": max, "abs": abs, "sqrt": math.sqrt, "pow": math.pow, "mod": math.fmod, "exp": math.exp,
    "log": math.log, "log2": math.log2, "log10": math.log10, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "clamp": lambda x, low, high: min(max(x, low), high), "int": math.trunc, "pi": lambda: math.pi,
}  # fmt: skip
SYMBOLS = "**", "||", "&&", "==", "!=", "<=", ">=", *"<>+-*/%^()?:,!"
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>\$?[A-Za-z_]\w*)|(?P<symbol>"
    + "|".join(map(re.escape, SYMBOLS))
    + r"))"
)

# Those that people write have a dozen; within one another, three or four.
MOST_TOKENS, DEEPEST = 128, 24

Node = Callable[[Mapping[str, float]], float]


class Expression:
    """A number that depends on others; `names` are those it asks for, without their $.

    Raises ValueError that says what is wrong with the text and what is allowed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self._tokens = _tokens(text)
        if len(self._tokens) > MOST_TOKENS:
            raise ValueError(f"an expression of {len(self._tokens)} parts; it may have {MOST_TOKENS}")
        self._place = self._depth = 0
        self._node = self._choice()
        if self._place < len(self._tokens):
            raise ValueError(f"{text!r} goes on at {self._tokens[self._place][1]!r}")

    def value(self, names: Mapping[str, float]) -> float:
        """The number for these names' values; raises ArithmeticError or ValueError where there is none."""
        return float(self._node(names))

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _take(self, *symbols: str) -> str:
        """The symbol that comes next, if it is one of these; else nothing."""
        kind, text = self._next()
        if kind == "symbol" and text in symbols:
            self._place += 1
            return text
        return ""

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise ValueError(f"{self.text!r}: expected {symbol!r}, found {self._next()[1] or 'the end'!r}")

    def _choice(self) -> Node:
        self._deeper()
        node = self._chosen()
        self._depth -= 1
        return node

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError(f"an expression of more than {DEEPEST} parts within one another")

    def _chosen(self) -> Node:
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        yes = self._choice()
        self._expect(":")
        no = self._choice()
        return lambda names: yes(names) if condition(names) else no(names)

    def _binary(self, row: int) -> Node:
        if row == len(OPERATORS):
            return self._unary()
        node = self._binary(row + 1)
        while symbol := self._take(*OPERATORS[row]):
            node = _combined(OPERATORS[row][symbol], (node, self._binary(row + 1)))
        return node

    def _unary(self) -> Node:
        if self._take("-"):
            return _combined(lambda a: -a, (self._unary(),))
        if self._take("+"):
            return self._unary()
        if self._take("!"):
            return _combined(lambda a: float(not a), (self._unary(),))
        base = self._atom()
        return _combined(math.pow, (base, self._unary())) if self._take("^", "**") else base

    def _atom(self) -> Node:
        kind, text = self._next()
        self._place += 1
        if kind == "number":
            number = float(text)
            return lambda names: number
        if kind == "name" and self._next() == ("symbol", "("):
            return self._call(text)
        if kind == "name":
            name = text.removeprefix("$")
            self.names.add(name)
            return lambda names: names[name]
        if text == "(":
            node = self._choice()
            self._expect(")")
            return node
        raise ValueError(f"{self.text!r}: expected a number, a $name or (, found {text or 'the end'!r}")

    def _call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise ValueError(f"{self.text!r}: no function {name!r}; there are {', '.join(sorted(FUNCTIONS))}")
        self._expect("(")
        arguments: list[Node] = []
        while not self._take(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._choice())
        if not _takes(FUNCTIONS[name], len(arguments)):
            raise ValueError(f"{self.text!r} gives {name} too many numbers or too few")
        return _combined(FUNCTIONS[name], arguments)


def _takes(function: Callable[..., float], count: int) -> bool:
    """Whether a function takes so many numbers."""
    try:
        function(*[1.0] * count)
    except TypeError:
        return False
    except (ArithmeticError, ValueError):  # there is a value for others
        pass
    return True


def _combined(function: Callable[..., float], arguments: Sequence[Node]) -> Node:
    return lambda names: function(*(argument(names) for argument in arguments))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if not match or not match.lastgroup:
            raise ValueError(f"{text!r}: {text[place:].strip()[0]!r} is not part of an expression")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found
