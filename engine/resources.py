"""Where the files that travel with the program are: shaders and the default dancer.

In a wheel they lie inside this package; in a clone, at its top level.
"""

from pathlib import Path

PACKAGE = Path(__file__).parent


def path(name: str) -> Path:
    """The file or folder `name`, such as `shaders`. Raises FileNotFoundError that names both places looked in."""
    places = [PACKAGE / name, PACKAGE.parent / name]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"{name}: found neither in {places[0].parent} nor in {places[1].parent}")
