"""Parses TOML that may be a stranger's: `tomllib`, kept from what it takes minutes for.

Owns nothing; what a file holds is for others to judge.
"""

import re
import tomllib
from typing import Any

# Nobody's keys have more parts. For one of thousands tomllib takes minutes, in which a show's threads get few turns.
MOST_PARTS = 32
PART = r"""(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+(?:{PART}\.[ \t]*+){{{MOST_PARTS}}}", re.M)


def parse_toml(text: str) -> dict[str, Any]:
    """What the text holds. Raises ValueError where it is no such TOML, and RecursionError for tables in tables without
    end."""
    if found := LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"a key of more than {MOST_PARTS} parts (at line {line}, column 1)")
    return tomllib.loads(text)
