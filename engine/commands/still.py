"""A still: a dance rendered up to a moment, of which one frame is kept."""

import argparse
import math

from engine.commands.ending import FINE
from engine.commands.render import run_render

# Of a frame: seconds such as 0.7 are not met exactly by frames of 1/30 s.
SAME = 1e-3


def still(options: argparse.Namespace) -> int:
    """Writes the frame that a render shows at the second `options.at` to `options.out`.

    All frames up to there are drawn: what an effect remembers of them is seen in it.
    """
    frame = math.floor(options.at * options.fps + SAME)
    made = run_render(options.out, options.size, frame + 1, options, options.audio)
    width, height = options.size
    at = frame / options.fps
    print(f"{options.out}: frame {frame} of the dance, at {at:g} s, {width}x{height}; {made.resets} resets")
    return FINE
