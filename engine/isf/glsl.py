"""The GLSL of an ISF file -> GLSL 3.30 core, word by word: what is right already stays as it is, comments too.

The old dialect (gl_FragColor, varying, texture2D, names that have since become keywords or functions) is mended, and
what ISF adds (its uniforms, its functions, a uniform for each input) is declared in front. Lines keep their numbers:
the driver's messages name the file's own. Owns nothing; no GL.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from engine.isf.dialect import (
    BUILT_IN_EXTENSIONS,
    FRAGMENT,
    FUNCTIONS,
    IMAGE_WORDS,
    NO_NAMES,
    STAGE_WORDS,
    TODAYS_FUNCTIONS,
    TODAYS_KEYWORDS,
    TYPES,
    UNIFORMS,
    VERTEX,
    VERTEX_START,
    WORDS,
)
from engine.isf.header import TEXTURES, Header

# Lines from here on are ours: drivers name them in their messages, and Mesa forgets which source string they are of.
OUR_LINES = 100_000

TOKEN = re.compile(
    r"(?P<directive>^[ \t]*\#[ \t]*(?:version|extension)\b[^\n]*)"
    r"|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\.?\d(?:[eE][+-]|[\w.])*)"
    r"|(?P<space>\s+)"
    r"|(?P<other>.)",
    re.S | re.M,
)
EXTENSION = re.compile(r"\s*#\s*extension\s+(\w+)\s*:\s*(\w+)")
VERSION = re.compile(r"\s*#\s*version\s+(\d{1,9})")
PRECISIONS = "lowp", "mediump", "highp"


@dataclass(frozen=True)
class Translated:
    """A shader in GLSL 3.30 core; `uniforms` says what each input, buffer and image is called in it."""

    text: str
    uniforms: Mapping[str, str]


def translate(body: str, first_line: int, header: Header, stage: str = FRAGMENT) -> Translated:
    """A shader of a file, from what comes after its header, which begins on `first_line`."""
    uniforms = uniform_names(header)
    tokens = [(match.lastgroup or "other", match[0]) for match in TOKEN.finditer(body)]
    own_output = stage == FRAGMENT and _declares_output(tokens)
    version = max((int(match[1]) for kind, text in tokens if (match := VERSION.match(text))), default=0)
    modern = own_output or version >= 130
    renames = {**WORDS, **STAGE_WORDS[stage], **_image_words(header, uniforms)}
    if not modern:
        renames |= {word: f"isf_own_{word}" for word in TODAYS_KEYWORDS | _declared_functions(tokens)}
    text = "".join(_mended(tokens, renames, uniforms, modern))
    extensions = "".join(_extension(text) for kind, text in tokens if kind == "directive")
    parts = [f"#version 330 core\n{extensions}#line {OUR_LINES}\n", UNIFORMS, _declarations(header, uniforms)]
    if stage == VERTEX:
        parts += [VERTEX_START]
    else:
        parts += ["in vec2 isf_FragNormCoord;\n", "" if own_output else "out vec4 isf_FragColor;\n"]
    return Translated("".join([*parts, FUNCTIONS, f"#line {first_line}\n", text, "\n"]), uniforms)


def read_in_place(text: str, names: Collection[str]) -> str:
    """A translated fragment shader, where `names` are uniforms of images as large as what is drawn into: of these it
    takes the very pixel, which gives the same as a filtered sample there, in less time without a GPU.
    """
    for name in names:
        if len(re.findall(rf"\bsampler2D\s+{name}\b", text)) == 1:  # a function's own image may be another
            text = re.sub(
                rf"\bIMG_THIS_PIXEL\s*\(\s*{name}\s*\)", f"texelFetch({name}, ivec2(gl_FragCoord.xy), 0)", text
            )
    return text


def uniform_names(header: Header) -> dict[str, str]:
    """What each input, buffer and image is called in the program: its own name, unless GLSL needs that itself."""
    names = [each.name for each in header.inputs] + [*header.targets] + [each.name for each in header.imported]
    return {name: f"isf_input_{name}" if name in NO_NAMES or name.startswith("gl_") else name for name in names}


def images(header: Header) -> tuple[str, ...]:
    """Everything that a shader of this header reads as an image, by its name in the file."""
    inputs = [each.name for each in header.inputs if each.kind in TEXTURES]
    return (*inputs, *header.targets, *(each.name for each in header.imported))


def _declarations(header: Header, uniforms: Mapping[str, str]) -> str:
    lines = [f"uniform {TYPES[each.kind]} {uniforms[each.name]};" for each in header.inputs if each.kind in TYPES]
    lines += [f"uniform sampler2D {uniforms[name]};" for name in images(header)]
    return "".join(f"{line}\n" for line in lines)


def _image_words(header: Header, uniforms: Mapping[str, str]) -> dict[str, str]:
    return {old.format(name): new.format(uniforms[name]) for name in images(header) for old, new in IMAGE_WORDS.items()}


def _mended(
    tokens: Sequence[tuple[str, str]], renames: Mapping[str, str], uniforms: Mapping[str, str], modern: bool
) -> Sequence[str]:
    """The tokens as they are in 3.30; as many lines as before."""
    out = []
    skip_until = 0
    for place, (kind, text) in enumerate(tokens):
        if place < skip_until:
            out.append("\n" * text.count("\n"))
        elif kind == "directive":
            out.append("")  # it stands in front
        elif kind != "word":
            out.append(text)
        elif text == "gl_FragData" and (end := _first_element(tokens, place)):
            out.append("isf_FragColor")
            skip_until = end
        elif text in uniforms and uniforms[text] != text and not _is_call_or_field(tokens, place):
            out.append(uniforms[text])
        elif text in TODAYS_KEYWORDS and _near(tokens, place, 1) in ("in", "out", "varying"):
            out.append(text)  # a qualifier after all, in a branch for newer versions
        elif text in renames:
            out.append(renames[text])
        elif text in TODAYS_FUNCTIONS and not modern and _near(tokens, place, 1) != "(":
            out.append(f"isf_own_{text}")
        else:
            out.append(text)
    return out


def _declares_output(tokens: Sequence[tuple[str, str]]) -> bool:
    """Whether the file has an output of its own: `out vec4 colour;`, and not among a function's parameters."""
    code = [text for kind, text in tokens if kind not in ("space", "comment", "directive")]
    for place, text in enumerate(code):
        if text == "out":
            rest = [word for word in code[place + 1 : place + 5] if word not in PRECISIONS]
            if rest[:1] == ["vec4"] and rest[2:3] == [";"]:
                return True
    return False


def _first_element(tokens: Sequence[tuple[str, str]], place: int) -> int:
    """Where `[0]` after the word at `place` ends, or 0 where another element, or none, is asked for."""
    rest = [(at, text) for at, (kind, text) in enumerate(tokens[place + 1 : place + 8], place + 1) if text.strip()]
    return rest[2][0] + 1 if [text for _, text in rest[:3]] == ["[", "0", "]"] else 0


def _near(tokens: Sequence[tuple[str, str]], place: int, step: int) -> str:
    """The next token of code after (`step` 1) or before (-1) the one at `place`."""
    place += step
    while 0 <= place < len(tokens):
        kind, text = tokens[place]
        if kind not in ("space", "comment"):
            return text
        place += step
    return ""


def _is_call_or_field(tokens: Sequence[tuple[str, str]], place: int) -> bool:
    return _near(tokens, place, 1) == "(" or _near(tokens, place, -1) == "."


def _declared_functions(tokens: Sequence[tuple[str, str]]) -> set[str]:
    """Those of TODAYS_FUNCTIONS that the file declares itself: a type stands before the name."""
    types = re.compile(r"float|int|bool|void|[ib]?vec[234]|mat[234]")
    return {
        text
        for place, (kind, text) in enumerate(tokens)
        if text in TODAYS_FUNCTIONS and types.fullmatch(_near(tokens, place, -1)) and _near(tokens, place, 1) == "("
    }


def _extension(directive: str) -> str:
    match = EXTENSION.match(directive)
    if not match or match[1] in BUILT_IN_EXTENSIONS:
        return ""
    # What is required may still be known under another name: the driver's own error on its use says more.
    return f"#extension {match[1]} : {'enable' if match[2] == 'require' else match[2]}\n"
