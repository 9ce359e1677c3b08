"""Wildcards in OSC addresses: `?`, `*`, `[a-z]`, `[!a-z]` and `{this,that}`, each within one part of the address.

Nothing is tried twice: a part is followed token by token, with one integer whose bit i tells whether the first i
characters of the text can be what the tokens so far stand for. The work is at most the pattern's length times the
text's, whatever a stranger sends; a regular expression would backtrack.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WILDCARDS = frozenset("?*[]{}")
# The longest address here has 40 characters; alternatives may double that and more.
LONGEST_PATTERN = 128


class PatternError(ValueError):
    """Wildcards that make no pattern."""


@dataclass(frozen=True)
class OneOf:
    """One character within `ranges` (lowest and highest of each), or one that is not."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def follow(self, places: int, text: str) -> int:
        fitting = 0
        for place, character in enumerate(text):
            if any(low <= character <= high for low, high in self.ranges) != self.negated:
                fitting |= 1 << place
        return (places & fitting) << 1


@dataclass(frozen=True)
class Anything:
    """Any characters, none too."""

    def follow(self, places: int, text: str) -> int:
        everywhere = (1 << len(text) + 1) - 1
        return everywhere & -(places & -places)  # from the first place on


@dataclass(frozen=True)
class Words:
    """One of these words."""

    words: frozenset[str]

    def follow(self, places: int, text: str) -> int:
        reached = 0
        for place in range(len(text) + 1):
            if places >> place & 1:
                for word in self.words:
                    if text.startswith(word, place):
                        reached |= 1 << place + len(word)
        return reached


Token = OneOf | Anything | Words


def is_pattern(address: str) -> bool:
    """Whether the address has wildcards."""
    return not WILDCARDS.isdisjoint(address)


def matching(pattern: str, addresses: Iterable[str]) -> list[str]:
    """Those of `addresses` that the pattern stands for, in their order. Raises PatternError."""
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"a pattern of more than {LONGEST_PATTERN} characters")
    parts = [_tokens(part) for part in pattern.split("/")]
    found = []
    for address in addresses:
        texts = address.split("/")
        if len(texts) == len(parts) and all(_fits(tokens, text) for tokens, text in zip(parts, texts, strict=True)):
            found.append(address)
    return found


def _fits(tokens: list[Token], text: str) -> bool:
    places = 1
    for token in tokens:
        places = token.follow(places, text)
        if not places:
            return False
    return bool(places >> len(text) & 1)


def _tokens(part: str) -> list[Token]:
    tokens: list[Token] = []
    place = 0
    while place < len(part):
        character = part[place]
        end = place
        if character == "*":
            if tokens[-1:] != [Anything()]:
                tokens.append(Anything())
        elif character == "?":
            tokens.append(OneOf((), negated=True))
        elif character in "[{":
            end = part.find("]" if character == "[" else "}", place)
            if end < 0:
                raise PatternError(f"a {character} without its end")
            inside = part[place + 1 : end]
            tokens.append(_one_of(inside) if character == "[" else Words(frozenset(inside.split(","))))
        elif character in "]}":
            raise PatternError(f"a {character} without its beginning")
        else:
            tokens.append(OneOf(((character, character),)))
        place = end + 1
    return tokens


def _one_of(inside: str) -> OneOf:
    negated = inside.startswith("!")
    if negated:
        inside = inside[1:]
    ranges = []
    place = 0
    while place < len(inside):
        low = high = inside[place]
        if inside[place + 1 : place + 2] == "-" and place + 2 < len(inside):
            high = inside[place + 2]
            place += 2
        ranges.append((low, high))
        place += 1
    return OneOf(tuple(ranges), negated)
