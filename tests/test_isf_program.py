"""ISF files drawn: each feature by exact pixels, in a GL context without a screen."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import av
import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.isf import glsl
from engine.isf.buffers import MOST_BYTES, bounded
from engine.isf.errors import IsfError
from engine.isf.program import Effect, Program, Timing, compile_error
from engine.isf.source import read

Pixels = NDArray[np.uint8]
IMAGE = '{"NAME": "inputImage", "TYPE": "image"}'
RAMP = (np.arange(64) * 3).astype(np.uint8).reshape(4, 4, 4)  # bottom row first


class Stage:
    """Draws effects into a small picture, frame by frame."""

    def __init__(self, context: moderngl.Context, folder: Path) -> None:
        self.context, self.folder = context, folder
        self.frame = 0
        self.resize((4, 4))

    def resize(self, size: tuple[int, int]) -> None:
        self.target = self.context.framebuffer([self.context.texture(size, 4)])

    def effect(self, header: str, code: str, vertex: str = "", alike: bool = False) -> Effect:
        path = self.folder / "a.fs"
        path.write_text(f"/*{header}*/\n{code}\n")
        if vertex:
            path.with_suffix(".vs").write_text(vertex)
        return Effect(Program(self.context, read(path), alike))

    def draw(self, effect: Effect, **inputs: Any) -> Pixels:
        """A frame's pixels, (height, width, 4), bottom row first."""
        self.target.clear(0.9, 0.9, 0.9, 0.9)
        timing = Timing(self.frame / 2, 0.5 if self.frame else 0.0, self.frame, (2026.0, 11.0, 24.0, 60.0))
        effect.draw(self.target, inputs, timing)
        self.frame += 1
        assert self.context.error == "GL_NO_ERROR"
        return np.frombuffer(self.target.read(components=4), np.uint8).reshape(*self.target.size[::-1], 4)

    def image(self, pixels: Pixels) -> moderngl.Texture:
        texture = self.context.texture((pixels.shape[1], pixels.shape[0]), 4, np.ascontiguousarray(pixels))
        texture.repeat_x = texture.repeat_y = False
        return texture


@pytest.fixture
def stage(context: moderngl.Context, tmp_path: Path) -> Iterator[Stage]:
    yield Stage(context, tmp_path)


def grey(value: float) -> Callable[[Pixels], bool]:
    """Whether all of a picture's red is this share of white."""
    return lambda pixels: bool((pixels[..., 0] == round(255 * value)).all())


def test_a_generator_fills_the_picture(stage: Stage) -> None:
    pixels = stage.draw(stage.effect("{}", "void main() { gl_FragColor = vec4(1.0, 0.0, 0.2, 0.4); }"))
    assert (pixels == (255, 0, 51, 102)).all()


def test_places_count_from_the_lower_left_corner(stage: Stage) -> None:
    pixels = stage.draw(
        stage.effect("{}", "void main() { gl_FragColor = vec4(isf_FragNormCoord, gl_FragCoord.xy / 4.0); }")
    )
    steps = np.round(255 * (np.arange(4) + 0.5) / 4)
    assert (pixels[..., 0] == steps).all() and (pixels[..., 1] == steps[:, None]).all()
    assert (pixels[..., 2:] == pixels[..., :2]).all()


@pytest.mark.parametrize(
    "read_pixel",
    [
        "IMG_THIS_PIXEL(inputImage)",
        "IMG_THIS_NORM_PIXEL(inputImage)",
        "IMG_PIXEL(inputImage, gl_FragCoord.xy)",
        "IMG_PIXEL( inputImage , mod(gl_FragCoord.xy, IMG_SIZE(inputImage)) )",
        "IMG_NORM_PIXEL(inputImage, isf_FragNormCoord)",
        "texture2D(inputImage, vv_FragNormCoord)",
        "texture2DRect(inputImage, gl_FragCoord.xy)",
        "VVSAMPLER_2DBYNORM(inputImage, _inputImage_imgRect, _inputImage_imgSize, _inputImage_flip, isf_FragNormCoord)",
        "VVSAMPLER_2DBYPIXEL(inputImage, _inputImage_imgRect, _inputImage_imgSize, _inputImage_flip, gl_FragCoord.xy)",
        "READ(inputImage, vec2(isf_FragNormCoord.x, (isf_FragNormCoord.y)))",
    ],
)
def test_an_image_comes_through_as_it_is(stage: Stage, read_pixel: str) -> None:
    code = f"#define READ(image, at) IMG_NORM_PIXEL(image, at)\nvoid main() {{ gl_FragColor = {read_pixel}; }}"
    effect = stage.effect(f'{{"INPUTS": [{IMAGE}]}}', code)
    assert (stage.draw(effect, inputImage=stage.image(RAMP)) == RAMP).all()


TURNED = """void main() {
    isf_vertShaderInit();
    isf_FragNormCoord.x = 1.0 - isf_FragNormCoord.x;
}
"""
# Whatever images are as large as the picture: this one is a buffer of its own size.
OTHER = """vec4 look(sampler2D inputImage) { return IMG_THIS_PIXEL(inputImage); }
void main() { gl_FragColor = PASSINDEX == 0 ? IMG_PIXEL(inputImage, gl_FragCoord.xy) : look(small); }
"""


@pytest.mark.parametrize("alike", [False, True])
def test_an_image_as_large_as_the_picture_is_read_as_any_other_is(stage: Stage, alike: bool) -> None:
    ramp, header = stage.image(RAMP), f'{{"INPUTS": [{IMAGE}]}}'
    code = "void main() { gl_FragColor = IMG_THIS_PIXEL( inputImage ); }"
    assert (stage.draw(stage.effect(header, code, alike=alike), inputImage=ramp) == RAMP).all()
    halves = f'{{"INPUTS": [{IMAGE}], "PASSES": [{{"TARGET": "small", "WIDTH": "1", "HEIGHT": "1"}}, {{}}]}}'
    pixels = stage.draw(stage.effect(halves, OTHER, alike=alike), inputImage=ramp)
    assert (pixels == RAMP[0, 0]).all(), "one pixel, stretched"
    turned = stage.draw(stage.effect(header, code, TURNED, alike), inputImage=ramp)
    assert (turned == RAMP[:, ::-1]).all()


def test_of_images_as_large_as_the_picture_and_of_what_a_pass_keeps_the_very_pixel_is_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[str, ...]] = []

    def read_in_place(text: str, names: Collection[str]) -> str:
        taken.append(tuple(names))
        return glsl.read_in_place(text, names)

    monkeypatch.setattr("engine.isf.program.read_in_place", read_in_place)
    header = f"""{{"INPUTS": [{IMAGE}, {{"NAME": "sample", "TYPE": "image"}}, {{"NAME": "wave", "TYPE": "audio"}}],
        "PASSES": [{{"TARGET": "kept", "PERSISTENT": true, "WIDTH": "2"}}, {{"TARGET": "passing"}}, {{}}]}}"""
    code = "void main() { gl_FragColor = IMG_THIS_PIXEL(kept) + IMG_THIS_PIXEL(inputImage) + IMG_THIS_PIXEL(passing); }"
    stage.effect(header, code, alike=True)
    assert taken == [("kept",), (), ("inputImage", "isf_input_sample")]
    taken.clear()
    stage.effect(header, code)
    assert taken == [("kept",), (), ()]
    text = "uniform sampler2D kept; IMG_THIS_PIXEL(kept) IMG_THIS_PIXEL( kept2 )"
    assert glsl.read_in_place(text, ["kept"]).endswith(
        "kept; texelFetch(kept, ivec2(gl_FragCoord.xy), 0) IMG_THIS_PIXEL( kept2 )"
    )


def test_an_image_of_another_size_is_stretched_by_norm_and_cut_by_pixel(stage: Stage) -> None:
    small = stage.image(np.full((2, 2, 4), [[[0], [255]], [[100], [200]]], np.uint8))
    header = f'{{"INPUTS": [{IMAGE}]}}'
    by_pixel = stage.effect(header, "void main() { gl_FragColor = IMG_PIXEL(inputImage, gl_FragCoord.xy); }")
    assert stage.draw(by_pixel, inputImage=small)[..., 0].tolist() == [[0, 255, 255, 255], *[[100, 200, 200, 200]] * 3]
    size = stage.effect(header, "void main() { gl_FragColor = vec4(IMG_SIZE(inputImage) / 10.0, 0.0, 1.0); }")
    assert (stage.draw(size, inputImage=small)[..., :2] == 51).all()


def test_an_image_that_nobody_sets_is_nothing(stage: Stage) -> None:
    effect = stage.effect(f'{{"INPUTS": [{IMAGE}]}}', "void main() { gl_FragColor = IMG_THIS_PIXEL(inputImage); }")
    assert (stage.draw(effect) == 0).all()


INPUTS = """{"INPUTS": [
    {"NAME": "hit", "TYPE": "event"}, {"NAME": "on", "TYPE": "bool", "DEFAULT": 1.0},
    {"NAME": "mode", "TYPE": "long", "VALUES": [3, 7], "DEFAULT": 7},
    {"NAME": "level", "TYPE": "float", "DEFAULT": 0.2},
    {"NAME": "at", "TYPE": "point2D", "DEFAULT": [0.2, 0.4]},
    {"NAME": "tint", "TYPE": "color", "DEFAULT": [0, 0.6, 1, 1]}
]}"""


@pytest.mark.parametrize(
    ("code", "inputs", "value"),
    [
        ("hit ? 1.0 : 0.4", {}, 0.4),
        ("hit ? 1.0 : 0.4", {"hit": True}, 1.0),
        ("on ? 1.0 : 0.4", {}, 1.0),
        ("on ? 1.0 : 0.4", {"on": 0.0}, 0.4),
        ("mode == 7 ? 1.0 : 0.4", {}, 1.0),
        ("float(mode) / 5.0", {"mode": 3}, 0.6),
        ("mode * 0.2", {"mode": 3.0}, 0.6),
        ("level", {}, 0.2),
        ("level", {"level": 0.8}, 0.8),
        ("at.x + at.y", {}, 0.6),
        ("at.x + at.y", {"at": (0.2, 0.8)}, 1.0),
        ("tint.g", {}, 0.6),
        ("tint.a", {"tint": (0.0, 0.0, 0.0, 0.4)}, 0.4),
    ],
)
def test_inputs_reach_the_shader(stage: Stage, code: str, inputs: dict[str, Any], value: float) -> None:
    assert grey(value)(stage.draw(stage.effect(INPUTS, f"void main() {{ gl_FragColor = vec4({code}); }}"), **inputs))


def test_two_copies_of_a_program_keep_apart(stage: Stage) -> None:
    first = stage.effect(INPUTS, "void main() { gl_FragColor = vec4(level); }")
    second = Effect(first.program)
    assert (
        grey(0.8)(stage.draw(first, level=0.8))
        and grey(0.2)(stage.draw(second))
        and grey(0.6)(stage.draw(first, level=0.6))
    )


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("TIME / 5.0", [0.0, 0.1, 0.2]),
        ("TIMEDELTA", [0.0, 0.5, 0.5]),
        ("float(FRAMEINDEX) * 0.2", [0.0, 0.2, 0.4]),
        ("DATE.w / 100.0", [0.6] * 3),
        ("DATE == vec4(2026.0, 11.0, 24.0, 60.0) ? 1.0 : 0.0", [1.0] * 3),
        ("RENDERSIZE.x / 20.0", [0.2] * 3),
    ],
)
def test_the_uniforms_of_a_frame(stage: Stage, code: str, values: list[float]) -> None:
    effect = stage.effect("{}", f"void main() {{ gl_FragColor = vec4({code}); }}")
    for value in values:
        pixels = stage.draw(effect)
        assert np.abs(pixels[..., 0] - 255 * value).max() <= 0.5001


def test_a_pass_reads_what_the_one_before_drew_at_its_own_size(stage: Stage) -> None:
    effect = stage.effect(
        '{"PASSES": [{"TARGET": "small", "WIDTH": "$WIDTH / 2", "HEIGHT": "max($HEIGHT/100, 1.0)"}, {}]}',
        """void main() {
            if (PASSINDEX == 0) gl_FragColor = vec4(RENDERSIZE / 10.0, gl_FragCoord.x / 2.0, 1.0);
            else gl_FragColor = IMG_PIXEL(small, floor(gl_FragCoord.xy / 2.0) + 0.5);
        }""",
    )
    pixels = stage.draw(effect)
    assert (pixels[..., 0] == 51).all() and (pixels[..., 1] == round(25.5)).all()
    assert pixels[0, :, 2].tolist() == [64, 64, 191, 191]


def test_a_size_may_depend_on_an_input(stage: Stage) -> None:
    effect = stage.effect(
        '{"INPUTS": [{"NAME": "n", "TYPE": "float", "DEFAULT": 2}],'
        ' "PASSES": [{"TARGET": "row", "WIDTH": "$n", "HEIGHT": 1}, {}]}',
        "void main() { gl_FragColor = PASSINDEX == 0 ? vec4(0.0) : vec4(IMG_SIZE(row) / 10.0, 0.0, 1.0); }",
    )
    sizes = [stage.draw(effect, **given)[0, 0, :2].tolist() for given in ({}, {"n": 4.9}, {"n": -3.0}, {"n": np.nan})]
    assert sizes == [[51, 26], [102, 26], [26, 26], [26, 26]]


PERSISTENT = '{"PASSES": [{"TARGET": "sum", "PERSISTENT": true, "FLOAT": true}, {}]}'
ADD = """void main() {
    gl_FragColor = PASSINDEX == 0 ? IMG_THIS_PIXEL(sum) + vec4(0.2, gl_FragCoord.x * 10.0, 0.0, 0.0)
        : IMG_THIS_PIXEL(sum) / vec4(1.0, 100.0, 1.0, 1.0);
}"""


def test_a_persistent_buffer_starts_empty_and_keeps_its_content(stage: Stage) -> None:
    effect = stage.effect(PERSISTENT, ADD)
    reds = [stage.draw(effect)[0, 0, 0] for _ in range(3)]
    assert reds == [51, 102, 153]


def test_a_float_buffer_holds_more_than_a_picture_can(stage: Stage) -> None:
    effect = stage.effect(PERSISTENT, ADD)
    assert stage.draw(effect)[0, :, 1].tolist() == [13, 38, 64, 89]  # 5, 15, 25 and 35 hundredths
    effect = stage.effect(PERSISTENT.replace('"FLOAT": true', '"FLOAT": false'), ADD)
    assert stage.draw(effect)[0, :, 1].tolist() == [3, 3, 3, 3]  # each was cut to 1


def test_a_persistent_buffer_has_its_size_from_the_start(stage: Stage) -> None:
    effect = stage.effect(
        '{"PASSES": [{"TARGET": "first"}, {"TARGET": "later", "PERSISTENT": true, "WIDTH": "2"}, {}]}',
        """void main() {
            if (PASSINDEX == 0) gl_FragColor = vec4(IMG_SIZE(later) / 10.0, 0.0, 1.0);
            else gl_FragColor = IMG_THIS_PIXEL(first);
        }""",
    )
    assert stage.draw(effect)[0, 0, :2].tolist() == [51, 102]


def test_a_persistent_buffer_is_scaled_with_the_picture(stage: Stage) -> None:
    effect = stage.effect(
        '{"PASSES": [{"TARGET": "kept", "PERSISTENT": true}, {}]}',
        """void main() {
            if (PASSINDEX == 1) gl_FragColor = IMG_THIS_PIXEL(kept);
            else if (FRAMEINDEX == 0) gl_FragColor = vec4(step(0.5, isf_FragNormCoord.x));
            else gl_FragColor = IMG_THIS_PIXEL(kept);
        }""",
    )
    stage.draw(effect)
    stage.resize((8, 2))
    row = stage.draw(effect)[1, :, 0]
    assert row[:3].tolist() == [0, 0, 0] and row[-3:].tolist() == [255, 255, 255]


def test_two_copies_have_buffers_of_their_own(stage: Stage) -> None:
    first = stage.effect(PERSISTENT, ADD)
    second = Effect(first.program)
    assert [stage.draw(each)[0, 0, 0] for each in (first, first, second, first)] == [51, 102, 51, 153]


def test_a_buffer_that_does_not_persist_is_empty_until_its_pass(stage: Stage) -> None:
    effect = stage.effect(
        '{"PASSES": [{"TARGET": "a"}, {"TARGET": "b"}, {}]}',
        """void main() {
            if (PASSINDEX == 0) gl_FragColor = IMG_THIS_PIXEL(b) + IMG_THIS_PIXEL(a) + 0.2;
            else if (PASSINDEX == 1) gl_FragColor = IMG_THIS_PIXEL(a) + 0.2;
            else gl_FragColor = IMG_THIS_PIXEL(b);
        }""",
    )
    assert [stage.draw(effect)[0, 0, 0] for _ in range(3)] == [102, 102, 102]


def test_a_buffer_of_two_passes_is_read_while_it_is_drawn(stage: Stage) -> None:
    effect = stage.effect(
        '{"PASSES": [{"TARGET": "a"}, {"TARGET": "a"}, {"TARGET": "a"}, {}]}',
        "void main() { gl_FragColor = IMG_THIS_PIXEL(a) + (PASSINDEX < 3 ? 0.2 : 0.0); }",
    )
    assert [stage.draw(effect)[0, 0, 0] for _ in range(2)] == [153, 153]


@pytest.mark.parametrize("persistent", ["true", "false"])
def test_a_last_pass_with_a_target_is_the_picture_too(stage: Stage, persistent: str) -> None:
    effect = stage.effect(
        f'{{"PASSES": [{{"TARGET": "only", "PERSISTENT": {persistent}, "WIDTH": "2", "HEIGHT": "2"}}]}}',
        "void main() { gl_FragColor = IMG_THIS_PIXEL(only) + vec4(0.2, 0.0, 0.0, 1.0); }",
    )
    assert [stage.draw(effect)[3, 3, 0] for _ in range(2)] == ([51, 102] if persistent == "true" else [51, 51])


def test_version_1_draws_as_version_2(stage: Stage) -> None:
    effect = stage.effect(
        '{"PERSISTENT_BUFFERS": {"sum": {"WIDTH": "1", "HEIGHT": "1"}}, "PASSES": [{"TARGET": "sum"}, {}]}',
        """void main() {
            if (PASSINDEX == 0) gl_FragColor = IMG_NORM_PIXEL(sum, vv_FragNormCoord) + 0.2;
            else gl_FragColor = IMG_NORM_PIXEL(sum, vv_FragNormCoord);
        }""",
    )
    assert [stage.draw(effect)[0, 0, 0] for _ in range(3)] == [51, 102, 153]


@pytest.mark.parametrize(("declare", "into"), [("varying", "varying"), ("out", "in")])
def test_a_vertex_shader_moves_the_picture_and_hands_values_on(stage: Stage, declare: str, into: str) -> None:
    effect = stage.effect(
        '{"INPUTS": [{"NAME": "shift", "TYPE": "float", "DEFAULT": 1.0}]}',
        f"{into} vec2 twice;\nvoid main() {{ gl_FragColor = vec4(twice / 4.0, isf_FragNormCoord); }}",
        f"""{declare} vec2 twice;
        void main() {{
            isf_vertShaderInit();
            gl_Position.x += shift;
            twice = 2.0 * isf_FragNormCoord + vec2(RENDERSIZE.x - 4.0, float(PASSINDEX));
        }}""",
    )
    pixels = stage.draw(effect)
    assert (pixels[:, :2] == 230).all()  # the quad has moved to the right: what it left is as it was
    assert pixels[0, 2:, 2].tolist() == [32, 96] and pixels[0, 2:, 0].tolist() == [16, 48]


def test_a_transition_goes_from_one_image_to_the_other(stage: Stage) -> None:
    effect = stage.effect(
        '{"INPUTS": [{"NAME": "startImage", "TYPE": "image"}, {"NAME": "endImage", "TYPE": "image"},'
        ' {"NAME": "progress", "TYPE": "float", "DEFAULT": 0.0}]}',
        "void main() { gl_FragColor = mix(IMG_THIS_PIXEL(startImage), IMG_THIS_PIXEL(endImage), progress); }",
    )
    both = {"startImage": stage.image(RAMP), "endImage": stage.image(255 - RAMP)}
    assert (stage.draw(effect, **both) == RAMP).all()
    assert (stage.draw(effect, **both, progress=1.0) == 255 - RAMP).all()


def test_audio_comes_as_an_image_of_a_row_a_channel(stage: Stage) -> None:
    effect = stage.effect(
        '{"INPUTS": [{"NAME": "wave", "TYPE": "audio"}]}',
        "void main() { gl_FragColor = vec4(IMG_PIXEL(wave, gl_FragCoord.xy).rgb, IMG_SIZE(wave).y / 10.0); }",
    )
    samples = np.array([[0.0, 0.2, 0.4, 0.6], [1.0, 0.8, 0.6, 0.4]], np.float32)
    pixels = stage.draw(effect, wave=samples)
    assert pixels[:2, :, 1].tolist() == [[0, 51, 102, 153], [255, 204, 153, 102]]
    assert (pixels[..., 3] == 51).all() and (pixels[..., 0] == pixels[..., 2]).all()
    assert stage.draw(effect, wave=samples[0, :2])[0, :, 0].tolist() == [0, 51, 51, 51]
    assert (stage.draw(effect)[..., :3] == 0).all()


@pytest.mark.parametrize(
    ("kind", "wanted", "row"),
    [
        ("audioFFT", 2, [0.2, 0.6]),
        ("audioFFT", 8, [0.0, 0.4, 0.4, 0.8]),
        ("audio", 2, [0.0, 0.4]),
        ("audio", 1, [1.0]),
    ],
)
def test_audio_comes_in_as_many_samples_as_asked_for(stage: Stage, kind: str, wanted: int, row: list[float]) -> None:
    effect = stage.effect(
        f'{{"INPUTS": [{{"NAME": "bands", "TYPE": "{kind}", "MAX": {wanted}}}]}}',
        "void main() { gl_FragColor = vec4(IMG_PIXEL(bands, gl_FragCoord.xy).rgb, IMG_SIZE(bands).x / 10.0); }",
    )
    pixels = stage.draw(effect, bands=np.array([[0.0, 0.4, 0.4, 0.8]], np.float32))
    assert pixels[0, : len(row), 0].tolist() == [round(255 * value) for value in row]
    assert pixels[0, 0, 3] == round(25.5 * len(row))


def write_png(path: Path, pixels: Pixels) -> None:
    """Writes pixels (height, width, 4), top row first."""
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = pixels.shape[0], pixels.shape[1], "rgba"
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgba")), *stream.encode()]:
            container.mux(packet)


@pytest.mark.parametrize("form", ['{"picture": {"PATH": "sub/p.png"}}', '[{"NAME": "picture", "PATH": "./sub/p.png"}]'])
def test_an_imported_image_stands_upright(stage: Stage, form: str) -> None:
    (stage.folder / "sub").mkdir()
    write_png(stage.folder / "sub" / "p.png", RAMP[::-1])
    effect = stage.effect(f'{{"IMPORTED": {form}}}', "void main() { gl_FragColor = IMG_THIS_PIXEL(picture); }")
    assert (stage.draw(effect) == RAMP).all()
    assert [path.name for path in effect.program.source.files] == ["a.fs", "p.png"]


def test_an_imported_image_that_is_not_there_is_told_with_its_line(stage: Stage) -> None:
    with pytest.raises(IsfError, match=r"a\.fs:2: imported image no\.png: there is no file"):
        stage.effect('{"IMPORTED": {\n"p": {"PATH": "no.png"}}}', "void main() {}")
    (stage.folder / "bad.jpg").write_text("no picture")
    with pytest.raises(IsfError, match=r"a\.fs:1: imported image .*bad\.jpg cannot be read"):
        stage.effect('{"IMPORTED": {"p": {"PATH": "bad.jpg"}}}', "void main() {}")


def test_an_imported_image_lies_in_the_file_s_folder(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    write_png(outside, RAMP)
    (stage.folder / "link.png").symlink_to(outside)
    (stage.folder / "sub").symlink_to(outside.parent)
    for path in (f"../{outside.parent.name}/secret.png", str(outside), "link.png", "sub/secret.png"):
        with pytest.raises(IsfError, match=r"a\.fs:1: imported image .*: it must lie in the folder "):
            stage.effect(f'{{"IMPORTED": {{"p": {{"PATH": "{path}"}}}}}}', "void main() {}")


def test_buffers_that_would_take_all_memory_are_smaller() -> None:
    class Wide:
        pixel_bytes = 32

    sizes = {"a": (16384, 16384), "b": (10, 1)}
    buffers: Any = {"a": Wide(), "b": Wide()}
    found = bounded(sizes, buffers)
    assert sum(width * height * 32 for width, height in found.values()) <= MOST_BYTES
    assert found["a"] == (8191, 8191) and found["b"] == (4, 1)
    assert bounded({"a": (7680, 4320)}, buffers) == {"a": (7680, 4320)}


def test_a_file_of_the_new_dialect_draws(stage: Stage) -> None:
    effect = stage.effect("{}", "#version 330\nout vec4 colour;\nvoid main() { colour = vec4(0.2); }")
    assert grey(0.2)(stage.draw(effect))


@pytest.mark.parametrize(
    "name", ["length", "mix", "texture", "sample", "filter", "smooth", "input", "noise1", "active"]
)
def test_an_input_may_have_any_name(stage: Stage, name: str) -> None:
    effect = stage.effect(
        f'{{"INPUTS": [{{"NAME": "{name}", "TYPE": "float", "DEFAULT": 0.2}}]}}',
        f"void main() {{ gl_FragColor = vec4(mix(0.0, {name}, 1.0)) * length(vec2(1.0, 0.0)); }}",
    )
    assert grey(0.2)(stage.draw(effect)) and grey(0.4)(stage.draw(effect, **{name: 0.4}))


@pytest.mark.parametrize(
    "code",
    [
        "vec4 texture(vec2 p) { return vec4(0.2); } void main() { gl_FragColor = texture(vec2(0.0)); }",
        "float round(float x) { return x < 0.5 ? 0.2 : 0.2; } void main() { gl_FragColor = vec4(round(0.3)); }",
        "float tanh(float x) { return 0.2; } void main() { gl_FragColor = vec4(tanh(0.3)); }",
        "precision mediump float;\nvoid main() { lowp float a = 1.0 / 5.0; gl_FragColor = vec4(a); }",
        "#ifdef GL_ES\nprecision highp float;\n#endif\nvoid main(void) { float a = 1 * 0.2; gl_FragColor = vec4(a); }",
        "const float a = 1.0 / 5.0;\nfloat b = TIME * 0.0 + a;\nvoid main() { gl_FragData[0] = vec4(b); }",
        "#extension GL_OES_standard_derivatives : require\nvoid main() { gl_FragColor = vec4(0.2 + dFdx(1.0)); }",
        "void f(out vec4 c) { c = vec4(0.2); } void main() { f(gl_FragColor); }",
        "void main() { gl_FragColor.rgb = vec3(0.2); gl_FragColor.a = gl_FragColor.r; }",
        "uniform float unused;\nvoid main() { vec4 sample = vec4(0.2), filter = sample; gl_FragColor = filter; }",
        "#define part(x) x * 0.2\nvoid main() {\nint i;\nfor (i = 0; i < 1; ++i) ;\ngl_FragColor = vec4(part(i)); }",
    ],
)
def test_code_of_the_old_dialect_draws(stage: Stage, code: str) -> None:
    assert grey(0.2)(stage.draw(stage.effect("{}", code)))


def test_an_error_names_the_file_s_own_line(stage: Stage) -> None:
    code = "// six\n#define A(x) x\nvoid main() {\n    float a = nothing;\n    gl_FragColor = vec4(a);\n}"
    with pytest.raises(IsfError) as raised:
        stage.effect('{\n"CREDIT":\n"me"\n}', code)
    assert str(raised.value) == f"{stage.folder / 'a.fs'}:8: `nothing' undeclared"


@pytest.mark.parametrize(
    "log",
    [
        "0:100012(3): warning: `a' unused\n0:12(5): error: wrong",
        "0(100003) : warning C7011: implicit cast\n0(12) : error C1503: wrong",
        "ERROR: 0:12: wrong\nERROR: 0:13: worse",
        "WARNING: 0:4: odd\nERROR: 0:12: wrong",
    ],
)
def test_every_driver_s_way_to_name_a_line_is_read(stage: Stage, log: str) -> None:
    source = stage.effect("{}", "void main() { gl_FragColor = vec4(0.0); }").program.source
    message = f"GLSL Compiler failed\n\nfragment_shader\n===============\n{log}\n"
    found = str(compile_error(source, message)).removeprefix(f"{source.path}:")
    assert found in ("12: wrong", "12: error C1503: wrong")


def test_an_error_of_the_vertex_shader_names_that_file(stage: Stage) -> None:
    with pytest.raises(IsfError, match=r"a\.vs:3: `nothing' undeclared"):
        stage.effect("{}", "void main() {}", "void main() {\n    isf_vertShaderInit();\n    float a = nothing;\n}")


def test_what_does_not_fit_together_is_told(stage: Stage) -> None:
    with pytest.raises(IsfError, match=r"a\.fs: .*v"):
        stage.effect(
            "{}", "in vec3 v; void main() { gl_FragColor = v.xyzx; }", "out vec2 v; void main() { v = vec2(0); }"
        )


def test_warming_up_leaves_what_is_drawn_into_alone(stage: Stage) -> None:
    effect = stage.effect(f'{{"INPUTS": [{IMAGE}]}}', "void main() { gl_FragColor = IMG_THIS_PIXEL(inputImage); }")
    stage.target.use()
    stage.target.clear(0.2, 0.2, 0.2, 0.2)
    effect.program.warm_up()
    assert stage.context.fbo is stage.target
    assert set(stage.target.read(components=4)) == {51}
    assert (stage.draw(effect, inputImage=stage.image(RAMP)) == RAMP).all()


def test_a_frame_makes_nothing_new(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = stage.effect(
        f'{{"INPUTS": [{IMAGE}, {{"NAME": "wave", "TYPE": "audio"}}],'
        ' "PASSES": [{"TARGET": "a", "PERSISTENT": true}]}',
        "void main() { gl_FragColor = IMG_THIS_PIXEL(inputImage) + IMG_THIS_PIXEL(wave) + IMG_THIS_PIXEL(a); }",
    )
    inputs = {"inputImage": stage.image(RAMP), "wave": np.zeros((1, 8), np.float32)}
    stage.draw(effect, **inputs)
    made: list[str] = []
    for name in ("texture", "framebuffer", "program", "buffer", "vertex_array"):
        monkeypatch.setattr(moderngl.Context, name, lambda *_, _name=name, **__: made.append(_name))
    stage.draw(effect, **inputs)
    assert made == []


def test_an_effect_that_is_released_leaves_its_program(stage: Stage) -> None:
    first = stage.effect(PERSISTENT, ADD)
    stage.draw(first)
    first.release()
    second = Effect(first.program)
    assert stage.draw(second)[0, 0, 0] == 51
    second.release()
    second.program.release()
    assert stage.context.error == "GL_NO_ERROR"
