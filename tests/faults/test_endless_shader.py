"""A shader that never ends: an effect of a stranger's that takes the frame's thread for good, in a real window."""

from pathlib import Path

import pytest

from tests.display import Screen
from tests.faults import slow
from tests.faults.installation import IMPATIENT, alive, installed, screen  # noqa: F401

# llvmpipe ends a pixel's loops after 65,535 rounds in all; a million pixels of 60,000 rounds take it minutes, at any
# size of the window. In a show's first second, and with no rounds, it is an effect like any other.
ENDLESS = """\
/*{"INPUTS": [{"NAME": "inputImage", "TYPE": "image"},
              {"NAME": "rounds", "TYPE": "float", "DEFAULT": 0, "MIN": 0, "MAX": 60000}],
   "PASSES": [{"TARGET": "slow", "WIDTH": "1024", "HEIGHT": "1024"}, {}]}*/
void main() {
    if (PASSINDEX == 1) {
        gl_FragColor = IMG_THIS_PIXEL(inputImage) + 0.01 * IMG_THIS_PIXEL(slow);
        return;
    }
    vec4 colour = vec4(isf_FragNormCoord, 0.5, 1.0);
    for (int i = 0; i < (TIME > 1.0 ? int(rounds) : 0); i++)
        colour = sin(colour * 1.7 + float(i));
    gl_FragColor = colour;
}
"""
HUNG = "dancenet: installation: the show hung for 3 s; starting it "


@pytest.fixture
def options(tiny_bundle: Path, tmp_path: Path) -> tuple[str, ...]:
    """A show with the effect at hand, and a scene that has it go on for ever."""
    shaders, scenes = tmp_path / "shaders", tmp_path / "scenes"
    shaders.mkdir()
    scenes.mkdir()
    (shaders / "endless.fs").write_text(ENDLESS)
    (scenes / "trap.toml").write_text('[parameters]\n"fx/endless/mix" = 1\n"fx/endless/rounds" = 60000\n')
    return "--model", str(tiny_bundle), "--shaders", str(shaders), "--scenes", str(scenes)


@slow
def test_a_shader_that_never_ends_is_killed_and_the_show_goes_on_without_its_scene(
    screen: Screen,  # noqa: F811
    options: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *options, "--scene", "off", impatient=True) as installation:
        installation.plays()
        installation.send("fx/endless/mix", 1)
        installation.keeps(lambda state: state.facts["targets"]["fx/endless/mix"] == 1, "the effect")
        hung = installation.show
        installation.send("scene/recall", "trap", 0)
        installation.says(f"{HUNG}as it was\n")
        installation.plays()
        assert not alive(hung)
        installation.keeps(lambda state: state.facts["scene"] == "", "no scene")
        assert installation.state is not None
        assert installation.state.facts["targets"]["fx/endless/rounds"] == 0


@slow
def test_a_scene_that_hangs_leads_to_safe_mode_without_it(
    screen: Screen,  # noqa: F811
    options: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As it was, it would hang again, and afresh again; tests/test_supervisor.py goes through that.
    hasty = IMPATIENT.replace("beat=3.0", "beat=3.0, crashes=1")
    monkeypatch.setattr("tests.faults.installation.IMPATIENT", hasty)
    with installed(screen, tmp_path, *options, "--scene", "trap", impatient=True) as installation:
        installation.next_show()
        installation.says(f"{HUNG}in safe mode\n")
        installation.plays()
        assert b"--safe" in Path(f"/proc/{installation.show}/cmdline").read_bytes().split(b"\0")
