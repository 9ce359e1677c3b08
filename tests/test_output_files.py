"""The output's set-up on a real disk: read for each monitor, written whole, off the frame's thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from engine.controls import Controls
from engine.output_files import KEPT, SETTLED, Mask, Monitor, OutputFiles, output_folder, stem, write
from engine.parameters import PARAMETERS
from engine.scene_files import MOST_TOLD
from tests.test_scene_files import wait_until

SCREEN, WALL = ("HDMI-1", (1920, 1080)), ("Epson EB/2250U", (1920, 1200))


class Show:
    """A show's controls, the monitor that its window is on, the mask that lies over it, what it said, and its time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.controls = Controls(PARAMETERS)
        self.monitor: Monitor = SCREEN
        self.masks: list[Mask | None] = []
        self.told: list[str] = []
        self.time = 0.0

    @contextmanager
    def opened(self) -> Iterator[OutputFiles]:
        files = OutputFiles(
            self.folder, self.controls, lambda: self.monitor, self.masks.append, self.told.append, lambda: self.time
        )
        yield files
        files.close()

    def put(self, monitor: Monitor, text: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{stem(monitor)}.toml"
        file.write_text(text)
        return file

    def put_mask(self, monitor: Monitor, mask: Mask) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with av.open(str(self.folder / f"{stem(monitor)}.png"), "w", format="image2") as image:
            stream = image.add_stream("png", rate=1, options={})
            stream.width, stream.height, stream.pix_fmt = mask.shape[1], mask.shape[0], "gray"
            image.mux(stream.encode(av.VideoFrame.from_ndarray(mask, format="gray")))
            image.mux(stream.encode(None))


@pytest.fixture
def show(tmp_path: Path) -> Show:
    return Show(tmp_path / "config" / "output")


def test_files_are_named_for_the_monitor_and_its_size() -> None:
    assert stem(SCREEN) == "HDMI-1-1920x1080"
    assert stem(WALL) == "Epson-EB-2250U-1920x1200"
    assert stem(("../..", (10, 20))) == "monitor-10x20"


def test_they_lie_beside_the_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    monkeypatch.setattr("sys.platform", "linux")
    assert output_folder().parts[-2:] == ("dancenet", "output")


def test_the_set_up_holds_from_the_first_frame_on(show: Show) -> None:
    show.put(SCREEN, '[parameters]\n"output/rotate" = "180"\n"output/top_left_x" = 0.125\n"output/flip_x" = true\n')
    with show.opened():
        assert show.controls.target("output/rotate") == 2
        assert show.controls.target("output/top_left_x") == 0.125
        assert show.controls.target("output/flip_x") == 1
        assert show.masks == [None]
    assert show.told == []


def test_what_the_file_leaves_out_begins_as_it_was_asked_for(show: Show) -> None:
    show.put(SCREEN, '[parameters]\n"output/gamma" = 2\n')
    show.controls.set("output/flip_x", 1)
    with show.opened() as files:
        files.poll(show.controls)
        assert (show.controls.target("output/gamma"), show.controls.target("output/flip_x")) == (2, 1)


def test_what_is_changed_is_there_the_next_time_and_on_this_monitor_alone(show: Show) -> None:
    with show.opened() as files:
        show.controls.set("output/top_left_x", 3 / 1920)
        show.controls.set("output/gamma", 1.5)
        show.controls.set("output/rotate", 1)
        show.controls.set("output/test_card", 1)
        files.poll(show.controls)
    assert (show.folder / "HDMI-1-1920x1080.toml").read_text() == (
        '[parameters]\n"output/top_left_x" = 0.0015625\n"output/rotate" = "90"\n"output/gamma" = 1.5\n'
    )
    again = Show(show.folder)
    with again.opened():
        assert {key: again.controls.target(key) for key in KEPT} == {key: show.controls.target(key) for key in KEPT}
        assert again.controls.target("output/test_card") == 0
    other = Show(show.folder)
    other.monitor = WALL
    with other.opened():
        assert other.controls.target("output/gamma") == 1


def test_it_is_written_once_some_time_after_the_last_change(show: Show) -> None:
    file = show.folder / "HDMI-1-1920x1080.toml"
    with show.opened() as files:
        for step in range(20):  # a held key
            show.controls.set("output/top_left_x", step / 100)
            show.time += SETTLED / 2
            files.poll(show.controls)
            assert not file.exists()
        show.time += SETTLED
        files.poll(show.controls)
        wait_until(file.exists)
        assert '"output/top_left_x" = 0.19' in file.read_text()
        assert [path.name for path in show.folder.iterdir()] == [file.name]


def test_nothing_is_written_where_nothing_was_changed(show: Show) -> None:
    with show.opened() as files:
        for _ in range(5):
            show.time += SETTLED
            files.poll(show.controls)
    assert not show.folder.exists()


def test_on_another_monitor_its_own_set_up_comes_and_the_first_is_kept(show: Show) -> None:
    show.put(WALL, '[parameters]\n"output/gamma" = 2\n')
    mask = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    show.put_mask(WALL, mask)
    with show.opened() as files:
        show.controls.set("output/flip_x", 1)
        files.poll(show.controls)
        show.monitor = WALL

        def there() -> bool:
            files.poll(show.controls)
            return show.controls.target("output/gamma") == 2

        wait_until(there)
        assert show.controls.target("output/flip_x") == 0
        assert np.array_equal(show.masks[-1], mask)  # type: ignore[arg-type]
        show.monitor = SCREEN

        def back() -> bool:
            files.poll(show.controls)
            return show.controls.target("output/flip_x") == 1

        wait_until(back)
        assert show.controls.target("output/gamma") == 1
        assert show.masks[-1] is None
    assert "gamma" not in (show.folder / "HDMI-1-1920x1080.toml").read_text()
    assert show.told == []


def test_what_is_wrong_in_a_file_is_told_with_its_line_and_the_rest_counts(show: Show) -> None:
    file = show.put(SCREEN, '[parameters]\n"output/gama" = 2\n"output/gamma" = 9\n"output/flip_y" = "on"\n')
    with show.opened() as files:
        files.poll(show.controls)
        assert show.told == [
            f"output: {file}:2: unknown parameter 'output/gama'; did you mean \"output/gamma\"?; the rest counts",
            f"output: {file}:3: output/gamma is 9; it must be 0.2..5; taken as 5",
        ]
        assert show.controls.target("output/flip_y") == 1


@pytest.mark.parametrize("content", ["[parameters\n", "\x00", "x = " + "[" * 100_000])
def test_no_file_ends_the_show(show: Show, content: str) -> None:
    show.put(SCREEN, content)
    with show.opened() as files:
        files.poll(show.controls)
    assert len(show.told) == 1 and show.told[0].endswith("; the picture is shown as it is")


def test_of_many_wrong_lines_a_few_are_told(show: Show) -> None:
    show.put(SCREEN, "".join(f"a{number} = 1\n" for number in range(MOST_TOLD + 3)))
    with show.opened() as files:
        files.poll(show.controls)
    assert len(show.told) == MOST_TOLD + 1


def test_a_mask_that_is_saved_is_laid_at_once_and_what_was_moved_stays(show: Show) -> None:
    mask = np.full((6, 8), 255, np.uint8)
    with show.opened() as files:
        show.controls.set("output/gamma", 1.5)

        def laid(wanted: Mask | None) -> bool:
            files.poll(show.controls)
            return np.array_equal(show.masks[-1], wanted)  # type: ignore[arg-type]

        show.put_mask(SCREEN, mask)
        wait_until(lambda: laid(mask))
        mask[0] = 0
        show.put_mask(SCREEN, mask)
        wait_until(lambda: laid(mask))
        (show.folder / f"{stem(SCREEN)}.png").unlink()
        wait_until(lambda: laid(None))
        assert show.controls.target("output/gamma") == 1.5
    assert show.told == []


def test_a_mask_that_is_none_is_told(show: Show) -> None:
    show.folder.mkdir(parents=True)
    (show.folder / f"{stem(SCREEN)}.png").write_text("no picture")
    with show.opened() as files:
        files.poll(show.controls)
    assert show.masks == [None]
    assert len(show.told) == 1 and show.told[0].endswith("nothing is masked")


def test_a_full_disk_is_told_and_the_older_file_is_whole(show: Show) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    file = show.put(SCREEN, "[parameters]\n")
    (show.folder / f".{stem(SCREEN)}.part").symlink_to("/dev/full")
    with show.opened() as files:
        show.controls.set("output/flip_x", 1)
        files.poll(show.controls)
    assert show.told == [f"output: {file}: No space left on device; the set-up is kept for this show only"]
    assert file.read_text() == "[parameters]\n"


def test_every_value_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for value in (0.0, 0.3, 1.0):
        show = Show(tmp_path)
        values = {key: row.from_unit(value) for key, row in KEPT.items()}
        show.put(SCREEN, write(values))
        with show.opened():
            assert {key: show.controls.target(key) for key in KEPT} == pytest.approx(values, rel=1e-5)
        assert show.told == []
