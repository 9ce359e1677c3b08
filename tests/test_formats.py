"""What pictures can be written as, and how the files of a sequence are numbered."""

from pathlib import Path

import pytest

from engine.formats import CODECS, VIDEOS, codec_for, is_numbered, numbered


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("frame_####.png", "frame_0007.png"),
        ("#.png", "7.png"),
        ("frame_%05d.png", "frame_00007.png"),
        ("frame_%d.png", "frame_7.png"),
        ("%3d.png", "007.png"),
        ("50%_##.png", "50%_07.png"),
    ],
)
def test_a_place_for_a_number_is_filled_in_as_blender_and_ffmpeg_do(pattern: str, name: str) -> None:
    path = Path("a##b") / pattern
    assert is_numbered(path)
    assert numbered(path, 7) == Path("a##b") / name


def test_a_number_that_is_too_long_for_its_place_takes_more() -> None:
    assert numbered(Path("##.png"), 12345) == Path("12345.png")


@pytest.mark.parametrize("name", ["frame.png", "frame_%s.png", "a#_#.png", "%d_##.png"])
def test_a_name_without_one_place_is_not_numbered(name: str) -> None:
    assert not is_numbered(Path(name))


def test_each_kind_of_file_has_a_codec_and_takes_those_that_say_so() -> None:
    assert [codec_for(ending).name for ending in VIDEOS] == ["h264", "h264", "h264", "vp9"]
    for codec in CODECS:
        assert all(codec_for(ending, codec.name) is codec for ending in codec.endings)


def test_a_codec_holds_the_sizes_that_it_says() -> None:
    sizes = (64, 48), (63, 48), (64, 47), (63, 47)
    fitting = {codec.name: [codec.fitted(size) for size in sizes] for codec in CODECS}
    assert fitting["h264"] == [(64, 48), (62, 48), (64, 46), (62, 46)]
    assert fitting["prores"] == [(64, 48), (62, 48), (64, 47), (62, 47)]
    assert fitting["prores4444"] == list(sizes)
    for codec in CODECS:
        assert [not codec.refusal(size) for size in sizes] == [codec.fitted(size) == size for size in sizes]
