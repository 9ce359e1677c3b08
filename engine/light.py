"""The light of the picture, which is what is taken from it last: its dimmer, and how far it is faded to black.

Owns the dimmed copy, which is drawn only where somebody asks for one: a window dims its own.
"""

from collections.abc import Mapping

import moderngl

from engine.passes import Pass, Target

# The light has as many steps as the 8 bits of the picture: then it is the same for those who blend with 8 bits.
STEPS = 255


def light_of(values: Mapping[str, float]) -> float:
    """The factor of the picture's red, green and blue that a frame's values ask for, 0..1."""
    closed = values.get("picture/closed", 0.0)  # which logs of older shows have not
    return round(STEPS * values["picture/dimmer"] * (1 - values["picture/black"]) * (1 - closed)) / STEPS


class Lit:
    """A picture and the light it is shown in."""

    def __init__(self, context: moderngl.Context, picture: moderngl.Texture) -> None:
        self._dim = Pass(context, "dim.frag")
        self._dimmed = Target(context, (1, 1))
        self.show(picture, 1.0)

    def show(self, picture: moderngl.Texture, light: float) -> None:
        """Shows this picture, RGBA in 8 bits, in this light from now on."""
        self.unlit, self.light = picture, light
        self._is_dimmed = False

    def texture(self) -> moderngl.Texture:
        """The picture as it is shown."""
        if self.light == 1:
            return self.unlit
        if not self._is_dimmed:
            self._dimmed.resize(self.unlit.size)
            self._dim.draw(self._dimmed.framebuffer, picture=self.unlit, light=self.light)
            self._is_dimmed = True
        return self._dimmed.texture

    def release(self) -> None:
        """Gives the GL resources back."""
        self._dim.release()
        self._dimmed.release()
