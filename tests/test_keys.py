"""Keys step parameters and give commands at the next poll, and give the window its own at once."""

import pytest

from engine.controls import Controls
from engine.parameters import COMMANDS, PARAMETERS, Parameter
from engine.sources.keys import FULLSCREEN, KEYS, LEAVE_FULLSCREEN, QUIT, SELECTED, WINDOW_COMMANDS, Keys, stepped

ROWS = {row.key: row for row in PARAMETERS}


@pytest.fixture
def controls() -> Controls:
    return Controls(PARAMETERS)


def test_up_and_down_step_the_temperature_when_polled(controls: Controls) -> None:
    keys = Keys()
    for name in ("UP", "UP", "UP", "DOWN"):
        keys.hold(name)
    assert controls.target("dance/temperature") == 1.0
    keys.poll(controls)
    assert controls.target("dance/temperature") == pytest.approx(1.1)
    keys.poll(controls)
    assert controls.target("dance/temperature") == pytest.approx(1.1)


def test_a_key_stops_at_the_range_of_its_parameter(controls: Controls) -> None:
    keys = Keys()
    for name, end in (("DOWN", 0.05), ("UP", 3.0)):
        for _ in range(100):
            keys.hold(name)
        keys.poll(controls)
        assert controls.target("dance/temperature") == end


def test_keys_that_step_go_on_while_held_and_no_others(controls: Controls) -> None:
    keys = Keys()
    for key in KEYS:
        for name in key.presses():
            if key.steps:
                assert keys.press(name) is None
            else:
                keys.hold(name)
    keys.poll(controls)
    assert keys.selected == "dance/temperature"
    assert controls.take_changes() == {}


def test_commands_are_done_in_order_a_digit_is_the_scenes_number(controls: Controls) -> None:
    done: list[tuple[object, ...]] = []
    for key in ("scene/recall", "scene/store", "tempo/tap"):
        controls.handle(key, lambda *arguments, key=key: done.append((key, *arguments)))
    keys = Keys()
    for name in ("3", "T", "SHIFT+9", "SHIFT+T", "1"):
        assert keys.press(name) is None
    keys.poll(controls)
    assert done == [
        *(("scene/recall", 3.0), ("tempo/tap",), ("scene/store", 9.0)),
        *(("tempo/tap",), ("scene/recall", 1.0)),
    ]


def test_tab_selects_through_all_parameters_and_shift_tab_goes_back(controls: Controls) -> None:
    keys = Keys()
    seen = []
    for _ in PARAMETERS:
        seen.append(keys.selected)
        keys.press("TAB")
        keys.poll(controls)
    assert sorted(seen) == sorted(ROWS)
    assert keys.selected == "dance/temperature"
    keys.press("SHIFT+TAB")
    keys.poll(controls)
    assert keys.selected == seen[-1]


def test_the_selected_parameter_is_raised_lowered_and_set_back(controls: Controls) -> None:
    keys = Keys()
    keys.selected = "dance/dancers"
    for names, value in ((("PAGEUP", "+", "PAGEUP"), 4), (("-", "PAGEDOWN"), 2)):
        for name in names:
            keys.hold(name)
        keys.poll(controls)
        assert controls.target("dance/dancers") == value
    keys.press("BACKSPACE")
    keys.poll(controls)
    assert controls.target("dance/dancers") == 1


def test_keys_of_the_window_are_given_to_it_at_once(controls: Controls) -> None:
    keys = Keys()
    assert [keys.press(name) for name in ("F", "F11", "ESCAPE", "CTRL+Q")] == [
        *(FULLSCREEN, FULLSCREEN, LEAVE_FULLSCREEN, QUIT)
    ]
    assert [keys.press(name) for name in ("Q", "CTRL+F", "X", "0")] == [None] * 4
    keys.poll(controls)
    assert controls.take_changes() == {}


@pytest.mark.parametrize(
    ("key", "value", "up", "down"),
    [
        ("dance/temperature", 0.9, 0.95, 0.85),  # range 2.95, a 60th is 0.049
        ("dance/temperature", 0.93, 0.95, 0.9),  # to round values
        ("dance/speed", 1.0, 1.05, 0.95),
        ("dance/unison", 0.5, 0.52, 0.48),
        ("tempo/latency", 0.0, 20.0, -20.0),
        ("tempo/bpm", 120.0, 125.0, 115.0),
        ("dance/seed", 7.0, 8.0, 6.0),
        ("dance/mirror", 0.0, 1.0, -1.0),  # which the controls clamp
        ("lfo/1_rate", 0.0, 0.01, -0.01),  # 10 Hz at a curve of 3: no less than a 1000th
        ("lfo/1_rate", 1.25, 1.3, 1.2),  # halfway up, where a 60th is 0.125 Hz
    ],
)
def test_steps_are_round_and_follow_the_parameters_range_and_curve(
    key: str, value: float, up: float, down: float
) -> None:
    found = [stepped(ROWS[key], value, direction) for direction in (1, -1)]
    assert found == pytest.approx([up, down])


# A seed has too many values to step through; each is as good as the next.
@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.name != "seed"], ids=lambda row: row.key)
def test_a_held_key_gets_from_end_to_end_and_back(row: Parameter) -> None:
    for direction, start, end in ((1, row.low, row.high), (-1, row.high, row.low)):
        value, steps = start, 0
        while value != end:
            before, value = value, min(max(stepped(row, value, direction), row.low), row.high)
            assert (value - before) * direction > 0
            steps += 1
            assert steps <= 256


def test_every_key_of_the_table_does_one_thing_that_is_known_and_says_what() -> None:
    commands = {command.key for command in COMMANDS} | set(WINDOW_COMMANDS)
    for key in KEYS:
        assert key.doc
        assert [bool(key.command), bool(key.parameter), bool(key.selects), key.back].count(True) == 1
        assert not key.command or key.command in commands
        assert not key.parameter or (key.parameter in {*ROWS, SELECTED} and abs(key.steps) == 1)
    assert {key.command for key in KEYS} >= set(WINDOW_COMMANDS)
    names = [name for key in KEYS for name in key.presses()]
    assert len(set(names)) == len(names)


def test_the_arrows_move_the_corner_of_the_output_that_is_selected(controls: Controls) -> None:
    keys = Keys()
    controls.set("output/corner", 2)
    for name in ("UP", "LEFT", "LEFT", "SHIFT+DOWN", "SHIFT+RIGHT"):
        keys.hold(name)
    keys.hold("PAGEUP")
    keys.poll(controls)
    assert controls.target("output/top_right_y") == pytest.approx(-9 / 1920)
    assert controls.target("output/top_right_x") == pytest.approx(8 / 1920)
    assert controls.target("dance/speed") == 1
    assert controls.target("dance/temperature") == pytest.approx(1.05)  # which is selected, by Page Up
    controls.set("output/corner", 0)
    keys.hold("SHIFT+RIGHT")
    keys.poll(controls)
    assert controls.target("dance/speed") == pytest.approx(1.05)


def test_labels_are_as_people_write_keys() -> None:
    labels = {key.name: key.label for key in KEYS}
    assert [labels[name] for name in ("PAGEUP", "SHIFT+TAB", "F", "ESCAPE", "CTRL+Q", "1..9", "SHIFT+1..9")] == [
        *("Page Up or +", "Shift+Tab", "F or F11", "Esc", "Ctrl+Q", "1 to 9", "Shift+1 to 9")
    ]
