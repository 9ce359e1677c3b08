"""Controls: live values that go where they are sent, at the same pace at any frame rate."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from engine.clock import FixedClock
from engine.controls import MOST_WAITING, Controls
from engine.parameters import COMMANDS, PARAMETERS, QUANTA, SIGNALS, Command, Parameter
from engine.routes import DEFAULT_ROUTES, Route
from engine.show import Show

ROWS = (
    Parameter("dance", "slow", 0.0, 0.0, 10.0, 0.5, 0.25, "nears its target"),
    Parameter("dance", "fast", 1.0, 0.0, 10.0, 0.0, 0.0, "is there at once"),
    Parameter("dance", "count", 0.0, 0.0, 9.0, 0.0, 0.0, "a whole number", integer=True),
)


def test_an_address_is_made_of_group_and_name() -> None:
    assert PARAMETERS[0].key == "dance/temperature"
    assert PARAMETERS[0].address == "/dancenet/dance/temperature"


def test_parameters_have_their_defaults_in_their_ranges_and_addresses_of_their_own() -> None:
    assert all(row.low <= row.default <= row.high and row.doc for row in PARAMETERS)
    assert len({row.address for row in PARAMETERS}) == len(PARAMETERS)


def test_values_start_at_their_defaults_or_those_given() -> None:
    assert dict(Controls(ROWS, {"dance/slow": 3}).snapshot()) == {"dance/slow": 3, "dance/fast": 1, "dance/count": 0}


@pytest.mark.parametrize("rate", [30, 60, 144])
def test_a_value_is_where_the_exponential_says_at_any_frame_rate(rate: int) -> None:
    controls = Controls(ROWS)
    controls.set("dance/slow", 8)
    for _ in range(rate):
        controls.advance(1 / rate)
    assert controls.snapshot()["dance/slow"] == pytest.approx(8 * (1 - math.exp(-1 / 0.5)), rel=1e-9)


def test_release_is_its_own_pace() -> None:
    controls = Controls(ROWS, {"dance/slow": 8})
    controls.set("dance/slow", 0)
    controls.advance(0.25)
    assert controls.snapshot()["dance/slow"] == pytest.approx(8 * math.exp(-1))


def test_a_value_arrives_and_stays() -> None:
    controls = Controls(PARAMETERS)
    controls.set("dance/speed", 0)
    for _ in range(60):
        controls.advance(1 / 30)
    assert controls.snapshot()["dance/speed"] == 0


def test_without_smoothing_a_value_is_there_with_the_next_frame() -> None:
    controls = Controls(ROWS)
    controls.set("dance/fast", 4)
    controls.advance(1e-6)
    assert controls.snapshot()["dance/fast"] == 4


@pytest.mark.parametrize(("sent", "taken"), [(-5, 0), (99, 10), (3, 3)])
def test_a_value_is_clamped_to_its_range(sent: float, taken: float) -> None:
    controls = Controls(ROWS)
    controls.set("dance/slow", sent)
    assert controls.target("dance/slow") == taken


def test_a_whole_parameter_takes_the_nearest_whole_number() -> None:
    controls = Controls(ROWS)
    controls.set("dance/count", 3.7)
    assert controls.target("dance/count") == 4


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_with_address_value_and_range(value: float) -> None:
    controls = Controls(PARAMETERS)
    with pytest.raises(ValueError, match=f"^/dancenet/dance/temperature: {value} is not a number in 0.05..3$"):
        controls.set("dance/temperature", value)
    assert controls.target("dance/temperature") == 1


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError, match="dance/swril"):
        Controls(ROWS).set("dance/swril", 1)


def test_a_snapshot_is_of_its_frame_and_cannot_be_changed() -> None:
    controls = Controls(ROWS)
    before = controls.snapshot()
    controls.set("dance/fast", 4)
    controls.advance(1)
    assert before["dance/fast"] == 1
    with pytest.raises(TypeError):
        before["dance/fast"] = 2  # type: ignore[index]


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.key)
def test_a_controller_reaches_all_of_a_range_and_back(row: Parameter) -> None:
    assert (row.from_unit(0), row.from_unit(1)) == (row.low, row.high)
    assert (row.from_unit(-3), row.from_unit(7)) == (row.low, row.high)
    assert row.from_unit(row.to_unit(row.default)) == pytest.approx(row.default)


def test_a_unit_goes_along_the_curve() -> None:
    controls = Controls([Parameter("a", "b", 0, 0, 8, 0, 0, "curved", curve=3)])
    controls.set_unit("a/b", 0.5)
    assert controls.target("a/b") == 1
    with pytest.raises(ValueError, match=r"^/dancenet/a/b/unit: nan is not a number in 0\.\.1$"):
        controls.set_unit("a/b", math.nan)


def test_a_fade_is_even_on_the_controller_and_ends_on_its_target() -> None:
    controls = Controls(ROWS)
    controls.fade({"dance/fast": 5, "dance/count": 7}, 2.0)
    assert controls.target("dance/count") == 7  # whole numbers change at once
    controls.advance(0.5)
    assert controls.target("dance/fast") == pytest.approx(2)
    controls.advance(1.6)
    assert controls.target("dance/fast") == 5


def test_setting_a_parameter_ends_its_fade() -> None:
    controls = Controls(ROWS)
    controls.fade({"dance/fast": 5}, 2.0)
    controls.advance(0.5)
    controls.set("dance/fast", 9)
    controls.advance(3)
    assert controls.target("dance/fast") == 9


def test_a_fade_to_what_is_not_allowed_moves_nothing() -> None:
    controls = Controls(ROWS)
    with pytest.raises(ValueError, match="not a number"):
        controls.fade({"dance/fast": 5, "dance/slow": math.nan}, 0)
    assert controls.target("dance/fast") == 1


def test_changes_are_told_once_with_their_origin() -> None:
    controls = Controls(ROWS, {"dance/slow": 2})
    assert controls.take_changes() == {}
    controls.set("dance/slow", 3, "keys")
    controls.set("dance/slow", 4, "osc")
    assert controls.take_changes() == {"dance/slow": "osc"}
    assert controls.take_changes() == {}


@pytest.mark.parametrize("command", [row for row in COMMANDS if row.toggles], ids=lambda row: row.key)
def test_a_switch_is_turned_over_and_back(command: Command) -> None:
    controls = Controls(PARAMETERS)
    controls.command(command.key)
    assert controls.target(command.toggles) == 1
    controls.command(command.key)
    assert controls.target(command.toggles) == 0


def test_a_command_is_done_with_its_arguments() -> None:
    controls, done = Controls(PARAMETERS), []
    controls.handle("scene/recall", lambda *arguments: done.append(arguments))
    controls.command("scene/recall", "calm", 4.0)
    assert done == [("calm", 4.0)]


def test_a_command_that_cannot_be_done_is_told() -> None:
    told: list[str] = []
    controls = Controls(PARAMETERS, tell=told.append)

    def refuse() -> None:
        raise ValueError("no such thing")

    controls.handle("scene/next", refuse)
    controls.command("scene/next")
    assert told == ["/dancenet/scene/next: no such thing"]


@pytest.mark.parametrize("name", ["dance/swril", "dance/temperature"])
def test_an_unknown_command_is_refused(name: str) -> None:
    controls = Controls(PARAMETERS)
    with pytest.raises(KeyError, match=name):
        controls.command(name)
    with pytest.raises(KeyError, match=name):
        controls.handle(name, print)


@pytest.mark.parametrize(("quantise", "beats"), [("now", []), ("beat", [False]), ("bar", [False, False, True])])
def test_a_musical_command_waits_for_its_beat(quantise: str, beats: list[bool]) -> None:
    controls, done = Controls(PARAMETERS), []
    controls.handle("scene/next", lambda: done.append("next"))
    controls.set("tempo/quantise", QUANTA.index(quantise))
    controls.command("scene/next")
    for bar in beats:
        assert done == []
        assert controls.waiting == ["scene/next"]
        controls.beat(bar)
    assert done == ["next"]
    controls.beat(True)
    assert done == ["next"]


def test_only_so_many_commands_wait() -> None:
    controls, done = Controls(PARAMETERS, {"tempo/quantise": 1}), []
    controls.handle("dance/reset", lambda: done.append(1))
    for _ in range(10 * MOST_WAITING):
        controls.command("dance/reset")
    controls.beat(False)
    assert len(done) == MOST_WAITING


def test_a_signal_is_kept_in_its_range_until_its_source_is_gone() -> None:
    controls = Controls(PARAMETERS)
    for value, kept in ((0.5, 0.5), (7.0, 1.0), (-1.0, 0.0), (math.nan, 0.0)):
        controls.signal("audio/level", value)
        assert controls.signals == {"audio/level": kept}
    controls.still("audio/level")
    assert controls.signals == {}
    with pytest.raises(KeyError, match="audio/lvel"):
        controls.signal("audio/lvel", 1)


def test_the_music_moves_the_temperature_out_of_the_box() -> None:
    controls = Controls(PARAMETERS, {"dance/temperature": 0.9}, DEFAULT_ROUTES)

    def settled(level: float) -> float:
        controls.signal("audio/level", level)
        for _ in range(300):
            controls.advance(1 / 30)
        return controls.snapshot()["dance/temperature"]

    assert settled(0.0) == pytest.approx(0.9 - 0.2 * 0.4 * 2.95)
    assert settled(0.4) == pytest.approx(0.9)
    assert settled(1.0) == pytest.approx(0.9 + 0.2 * 0.6 * 2.95)
    assert controls.modulation("dance/temperature") == pytest.approx(0.2 * 0.6 * 2.95)
    assert controls.target("dance/temperature") == 0.9
    controls.still("audio/level")
    for _ in range(300):
        controls.advance(1 / 30)
    assert controls.snapshot()["dance/temperature"] == pytest.approx(0.9, abs=1e-3)


def test_a_route_stays_in_the_parameters_range() -> None:
    controls = Controls(ROWS, {"dance/fast": 8})
    controls.route(Route("audio/bass", "dance/fast", 1.0))
    controls.signal("audio/bass", 1.0)
    controls.advance(1 / 30)
    assert controls.snapshot()["dance/fast"] == 10


@pytest.mark.parametrize("ends", [("audio/bas", "dance/fast"), ("audio/bass", "dance/fasst")])
def test_a_route_between_unknown_ends_is_refused(ends: tuple[str, str]) -> None:
    with pytest.raises(KeyError):
        Controls(ROWS).route(Route(*ends, 1.0))


def test_commands_and_signals_have_docs_and_keys_of_their_own() -> None:
    keys = [row.key for table in (PARAMETERS, COMMANDS, SIGNALS) for row in table]
    assert len(set(keys)) == len(keys)
    assert all(row.doc for table in (COMMANDS, SIGNALS) for row in table)
    assert {row.toggles for row in COMMANDS} - {""} <= {row.key for row in PARAMETERS}


class Everywhere(Controls):
    """Controls that visit every parameter in every advance, whether or not it can have moved."""

    def advance(self, dt: float) -> None:
        self._moving.update(self.parameters)
        super().advance(dt)


def test_parameters_at_rest_are_passed_over_to_the_same_bits() -> None:
    """A show in which anything may happen is the same, to the bit, as one in which every parameter is visited."""
    chance = np.random.default_rng(7)
    keys = [row.key for row in PARAMETERS]
    quick, thorough = Controls(PARAMETERS), Everywhere(PARAMETERS)
    both = (quick, thorough)
    for _ in range(3000):
        key, signal = (str(chance.choice(these)) for these in (keys, ["audio/bass", "lfo/1", "tempo/beat"]))
        unit, amount, seconds = chance.random(), chance.choice([0.0, 0.3, -0.7]), chance.choice([0.0, 0.1, 2.0])
        what = chance.integers(12)
        for controls in both:
            if what == 0:
                controls.set_unit(key, unit)
            elif what == 1:
                controls.fade({key: controls.parameters[key].from_unit(unit)}, seconds)
            elif what == 2:
                controls.route(Route(signal, key, amount, attack=seconds, release=0.05))
            elif what == 3:
                controls.signal(signal, unit)
            elif what == 4:
                controls.still(signal)
            elif what == 5 and unit < 0.1:
                controls.settle()
            controls.advance(0.0 if what == 6 else 1 / 60)
        assert quick.snapshot() == thorough.snapshot()
        assert quick.take_changes() == thorough.take_changes()


def test_a_glance_sees_what_was_set_and_moves_nothing() -> None:
    keys = ("picture/black", "picture/dimmer", "dance/temperature")
    controls = Controls(PARAMETERS, routes=[Route("lfo/1", "picture/black", 0.25)])
    controls.signal("lfo/1", 1.0)
    for _ in range(60):
        controls.advance(1 / 30)
    before = controls.snapshot()
    assert controls.glance(keys) == {key: before[key] for key in keys}
    controls.set("picture/black", 0.5)
    controls.set("picture/dimmer", 0.0)
    seen = controls.glance(keys)
    assert seen["picture/black"] == pytest.approx(before["picture/black"] + 0.5), "at once, and moved by its route"
    assert seen["picture/dimmer"] == 1, "which takes time"
    assert controls.snapshot() == before and controls.glance(keys) == seen
    controls.advance(0)
    assert {key: controls.snapshot()[key] for key in keys} == seen


BURST = Parameter("fx", "burst", 0.0, 0.0, 1.0, 0.0, 0.0, "an event", integer=True, choices=("", "now"), momentary=True)


class Performer:
    """A source that sets what it is told to in its polls: one entry a poll, two polls a frame."""

    def __init__(self, polls: Iterable[Iterable[float]]) -> None:
        self._polls = iter(polls)

    def poll(self, controls: Controls) -> None:
        for value in next(self._polls):
            controls.set("fx/burst", value, "osc")

    def close(self) -> None:
        pass


class Stage:
    """A show whose clock waits as a live one does; its dancer and its picture note the burst that they are given."""

    def __init__(self, polls: Iterable[Iterable[float]], waits: bool = True) -> None:
        self.controls = Controls((*ROWS, BURST))
        self.danced: list[float] = []
        self.drawn: list[float] = []
        clock: Any = FixedClock(30)
        clock.wait = lambda more: waits
        self.show = Show(clock, [Performer(polls)], self.controls, self, self, [])

    def advance(self, dt: float, values: Mapping[str, float]) -> None:
        self.danced.append(values["fx/burst"])

    def prepare(self, latents: Any) -> None:
        pass

    def draw(self, values: Mapping[str, float], clock: Any) -> None:
        self.drawn.append(values["fx/burst"])


def drawn(*polls: Iterable[float], waits: bool = True) -> list[float]:
    """What the pictures of a show see of the burst; each frame has two polls if its clock waits."""
    stage = Stage(polls, waits)
    for _ in range(len(polls) // (2 if waits else 1)):
        stage.show.tick()
    return stage.drawn


@pytest.mark.parametrize("poll", [0, 1])
def test_a_press_is_in_the_picture_of_its_frame_and_in_no_other(poll: int) -> None:
    polls: list[tuple[float, ...]] = [()] * 8
    polls[2 + poll] = (1,)
    assert drawn(*polls) == [0, 1, 0, 0]


def test_a_press_is_in_one_picture_of_a_render_too() -> None:
    assert drawn((), (1,), (), (1,), (1,), (), waits=False) == [0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("again", [2, 3])
@pytest.mark.parametrize("first", [0, 1])
def test_a_press_in_the_next_frame_is_another(first: int, again: int) -> None:
    polls: list[tuple[float, ...]] = [()] * 8
    polls[first] = polls[again] = (1,)
    assert drawn(*polls) == [1, 1, 0, 0]


def test_presses_of_one_frame_are_one() -> None:
    assert drawn((1, 1), (1,), (), ()) == [1, 0]


def test_a_press_is_seen_though_it_was_let_go_in_the_same_frame() -> None:
    assert drawn((1, 0), (), (), ()) == [1, 0]
    assert drawn((1,), (0,), (), ()) == [1, 0]
    assert drawn((), (1, 0), (0,), ()) == [1, 0]


def test_a_momentary_parameter_is_pressed_above_the_middle_alone() -> None:
    assert drawn((0.5,), (-1,), (0.51,), (), (7,), ()) == [0, 1, 1]


def test_that_a_press_is_over_is_told_to_those_who_hear_of_changes() -> None:
    stage = Stage([(1,), (), (), (), (), ()])
    told = []
    for _ in range(3):
        stage.show.tick()
        told.append(stage.controls.take_changes())
    assert told == [{"fx/burst": "osc"}, {"fx/burst": ""}, {}]
    assert stage.controls.target("fx/burst") == 0


def test_a_press_in_the_second_poll_is_too_late_for_the_dance_and_not_kept_for_the_next() -> None:
    stage = Stage([(), (1,), (), ()])
    stage.show.tick()
    stage.show.tick()
    assert (stage.danced, stage.drawn) == ([0, 0], [1, 0])


def test_a_scene_presses_and_its_fade_makes_no_difference() -> None:
    controls = Controls((*ROWS, BURST))
    controls.fade({"fx/burst": 1, "dance/fast": 5}, 2.0)
    seen = []
    for _ in range(3):
        controls.advance(1 / 30)
        seen.append(controls.snapshot()["fx/burst"])
    assert seen == [1, 0, 0]


def test_a_route_presses_where_it_rises_above_the_middle_and_holds_nothing() -> None:
    controls = Controls((*ROWS, BURST))
    controls.route(Route("audio/onset", "fx/burst", 1.0))
    seen = []
    for dt, onset in [
        (1, 0.2),
        (1, 1.0),
        (0, 1.0),
        (1, 0.8),
        (1, 0.6),
        (1, 0.3),
        (0, 0.9),
        (1, 0.9),
        (1, 0.4),
        (1, 0.5),
    ]:
        controls.signal("audio/onset", onset)
        controls.advance(dt / 30)
        seen.append(controls.snapshot()["fx/burst"])
    assert seen == [0, 1, 1, 0, 0, 0, 1, 0, 0, 0]


def test_parameters_that_are_declared_in_the_show_are_as_if_they_had_always_been_there() -> None:
    controls = Controls(ROWS)
    parameters, before = controls.parameters, controls.snapshot()
    controls.declare([Parameter("fx", "decay", 2.0, 0.0, 4.0, 0.5, 0.5, "comes late"), BURST])
    assert controls.parameters is parameters and list(parameters)[-2:] == ["fx/decay", "fx/burst"]
    assert controls.snapshot()["fx/decay"] == controls.target("fx/decay") == controls.start["fx/decay"] == 2
    assert controls.take_changes() == {"fx/decay": "", "fx/burst": ""}
    controls.set("fx/decay", 4)
    controls.route(Route("audio/bass", "fx/decay", -0.5))
    controls.signal("audio/bass", 1.0)
    controls.advance(0.5)
    assert controls.snapshot()["fx/decay"] == pytest.approx(4 - 2 * math.exp(-1) - 2)
    assert "fx/decay" not in before


def test_a_parameter_that_is_declared_anew_keeps_its_value_within_its_new_range() -> None:
    controls = Controls(ROWS, {"dance/slow": 8, "dance/fast": 3})
    controls.advance(1)
    controls.declare([Parameter("dance", "slow", 0.0, 0.0, 5.0, 0.5, 0.25, "narrower"), ROWS[1]])
    assert (controls.target("dance/slow"), controls.snapshot()["dance/slow"], controls.start["dance/slow"]) == (5, 5, 5)
    assert (controls.target("dance/fast"), controls.snapshot()["dance/fast"]) == (3, 3)
    controls.set("dance/slow", 8)
    assert controls.target("dance/slow") == 5


def test_a_parameter_that_is_declared_anew_while_it_fades_is_where_it_was_going() -> None:
    controls = Controls(ROWS)
    controls.fade({"dance/fast": 9}, 2.0)
    controls.advance(1)
    controls.declare([Parameter("dance", "fast", 1.0, 0.0, 7.0, 0.0, 0.0, "narrower")])
    controls.advance(0.1)
    assert controls.snapshot()["dance/fast"] == controls.target("dance/fast") == 7


def test_a_parameter_that_is_withdrawn_takes_its_fade_and_its_routes_along() -> None:
    controls = Controls((*ROWS, BURST))
    controls.fade({"dance/fast": 9}, 2.0)
    controls.set("fx/burst", 1)
    for parameter in ("dance/fast", "dance/slow", "fx/burst"):
        controls.route(Route("audio/bass", parameter, 1.0))
    controls.signal("audio/bass", 1.0)
    controls.advance(0.1)
    controls.withdraw(["dance/fast", "fx/burst"])
    assert [route.parameter for route in controls.routes] == ["dance/slow"]
    assert list(controls.take_changes()) == []
    for _ in range(60):
        controls.advance(0.1)
        assert (
            list(controls.snapshot())
            == list(controls.parameters)
            == list(controls.start)
            == ["dance/slow", "dance/count"]
        )
    with pytest.raises(KeyError, match="dance/fast"):
        controls.set("dance/fast", 1)
    controls.declare([ROWS[1], BURST])
    controls.advance(0.1)
    assert (controls.snapshot()["dance/fast"], controls.snapshot()["fx/burst"]) == (1, 0)


def test_of_keys_one_of_which_is_unknown_none_is_withdrawn() -> None:
    controls = Controls(ROWS)
    with pytest.raises(KeyError, match="dance/swril"):
        controls.withdraw(["dance/fast", "dance/swril"])
    assert list(controls.snapshot()) == [row.key for row in ROWS]


def test_it_is_counted_how_often_parameters_come_change_and_go() -> None:
    controls = Controls(ROWS)
    counts = [controls.declared]
    controls.declare([BURST])
    counts.append(controls.declared)
    controls.withdraw(["fx/burst"])
    counts.append(controls.declared)
    assert counts == [0, 1, 2]
