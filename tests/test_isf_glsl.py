"""GLSL of ISF files in today's dialect: what is mended, and what is left as it is."""

from pathlib import Path

import pytest

from engine.isf.dialect import FRAGMENT, VERTEX
from engine.isf.glsl import translate
from engine.isf.header import read_header


def mended(body: str, stage: str = FRAGMENT, inputs: str = "", more: str = "") -> str:
    """What becomes of the file's own lines."""
    text = '{"INPUTS": [{"NAME": "inputImage", "TYPE": "image"}%s]%s}'
    header = read_header(text % (inputs and f", {inputs}", more), 1, Path("a.fs"))
    translated = translate(body, 7, header, stage).text
    return translated.split("#line 7\n")[1].removesuffix("\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gl_FragColor = vec4(1.0);", "isf_FragColor = vec4(1.0);"),
        ("gl_FragData[0] = c;", "isf_FragColor = c;"),
        ("gl_FragData [ 0 ].a = 1.0;", "isf_FragColor.a = 1.0;"),
        ("varying vec2 left;", "in vec2 left;"),
        ("texture2D(inputImage, p)", "texture(inputImage, p)"),
        ("texture2DRect(inputImage, p)", "isf_textureRect(inputImage, p)"),
        ("uniform sampler2DRect x;", "uniform sampler2D x;"),
        ("texture2DLod(inputImage, p, 0.0)", "textureLod(inputImage, p, 0.0)"),
        ("vv_FragNormCoord.x", "isf_FragNormCoord.x"),
        ("isf_FragCoord.x", "gl_FragCoord.xy.x"),
        ("vec4 sample = texture2D(inputImage, p);", "vec4 isf_own_sample = texture(inputImage, p);"),
        ("vec4 texture = texture2D(inputImage, p);", "vec4 isf_own_texture = texture(inputImage, p);"),
        ("float smooth(float x); smooth(1.0)", "float isf_own_smooth(float x); isf_own_smooth(1.0)"),
        ("struct A { float filter; }; a.filter", "struct A { float isf_own_filter; }; a.isf_own_filter"),
        ("vec4 texture(vec2 p) { return texture2D(i, p); } texture(q)",
         "vec4 isf_own_texture(vec2 p) { return texture(i, p); } isf_own_texture(q)"),
        ("_inputImage_imgSize.x", "vec2(textureSize(inputImage, 0)).x"),
        ("#define READ(p) texture2D(inputImage, p)", "#define READ(p) texture(inputImage, p)"),
    ],
)  # fmt: skip
def test_the_old_dialect_is_mended(old: str, new: str) -> None:
    assert mended(old) == new


def test_a_vertex_shader_hands_on_what_varies() -> None:
    old = "attribute vec2 a;\nvarying vec2 left;\nvoid main() { vv_vertShaderInit(); }"
    assert mended(old, VERTEX) == "in vec2 a;\nout vec2 left;\nvoid main() { isf_vertShaderInit(); }"


@pytest.mark.parametrize(
    "right",
    [
        "// gl_FragColor and varying and texture2D stay",
        "/* varying\n texture2D */",
        "vec4 c = texture(inputImage, p); textureLod(inputImage, p, 0.0); textureSize(inputImage, 0);",
        "float texture2Dlike = my_varying + sampler + 1e5 + 0x1F + 1.0f;",
        "IMG_PIXEL(inputImage, mod(vec2(a, b) * f(c, d), vec2(1.0)))",
        "#if __VERSION__ <= 120\n#else\nin vec2 left;\n#endif",
    ],
)
def test_what_is_right_stays(right: str) -> None:
    assert mended(right) == right


def test_a_file_of_the_new_dialect_is_left_alone() -> None:
    new = "layout(location = 0) out vec4 colour;\nsmooth in vec2 a;\nvoid main() { colour = texture(inputImage, a); }"
    assert mended(new) == new
    assert "isf_FragColor" not in translate(new, 1, read_header("{}", 1, Path("a.fs"))).text


def test_an_output_of_a_function_is_none_of_the_file() -> None:
    old = "void f(out vec4 c) { c = vec4(1.0); }\nvoid main() { f(gl_FragColor); }"
    assert mended(old) == old.replace("gl_FragColor", "isf_FragColor")
    assert "out vec4 isf_FragColor;" in translate(old, 1, read_header("{}", 1, Path("a.fs"))).text


def test_what_belongs_to_the_start_of_a_shader_is_put_there() -> None:
    old = "#version 120\n#extension GL_OES_standard_derivatives : enable\n#extension GL_ARB_x : require\nfloat a;"
    header = read_header("{}", 1, Path("a.fs"))
    text = translate(old, 1, header).text
    assert text.startswith("#version 330 core\n#extension GL_ARB_x : enable\n#line")
    assert text.endswith("#line 1\n\n\n\nfloat a;\n")


def test_an_input_may_be_called_as_glsl_calls_its_own() -> None:
    inputs = '{"NAME": "length", "TYPE": "float"}, {"NAME": "filter", "TYPE": "bool"}'
    old = "float a = length * length(p); if (filter) v.length;"
    new = "float a = isf_input_length * length(p); if (isf_input_filter) v.length;"
    assert mended(old, inputs=inputs) == new


def test_lines_keep_their_numbers() -> None:
    old = "/* a\n b */\n#version 120\nvoid f(\n) {} // c\n\tgl_FragData\n[0] = x;\n"
    assert mended(old).count("\n") == old.count("\n")
    assert mended(old).splitlines()[5:7] == ["\tisf_FragColor", " = x;"]
