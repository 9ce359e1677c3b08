"""The look that footage is given: which matte, whether the camera follows, from where motion capture is seen."""

from dataclasses import dataclass

MATTES = ("auto", "luma", "chroma", "background", "motion", "none")
VIEWS = {"front": 0.0, "three-quarter": 40.0, "side": 90.0, "back": 180.0}  # degrees to the dancer's left


@dataclass(frozen=True)
class Look:
    """How footage becomes images. matte: one of `MATTES`; track: whether the window follows the dancer; cuts: whether
    takes are split where scenes are cut; views: degrees that motion capture is seen at.
    """

    matte: str = "none"
    track: bool = False
    cuts: bool = False
    views: tuple[float, ...] = (0.0,)

    def as_it_is(self) -> bool:
        return (self.matte, self.track, self.cuts) == ("none", False, False)


AS_IT_IS = Look()
