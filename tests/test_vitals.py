"""How a show is: what is counted, and what is not well."""

import mmap
from typing import Any

import pytest

from engine.sinks.vitals import Vitals, memory

WELL = {"audio_state": "hears", "audio_wanted": "default", "osc_port": 9010}


class Stage:
    """A show's vitals, and a time in the test's hands."""

    def __init__(self, **facts: Any) -> None:
        self.time, self.rate = 50.0, 30.0
        self.looks = 0
        self.facts = {**WELL, **facts}
        self.vitals = Vitals(self.look, lambda: self.rate, restarts=3, now=lambda: self.time)

    def look(self) -> dict[str, Any]:
        self.looks += 1
        return dict(self.facts)

    def run(self, seconds: float, fps: float = 30.0) -> dict[str, Any]:
        for _ in range(round(seconds * fps)):
            self.time += 1 / fps
            self.vitals.present(None, {})
        return self.vitals.told()


def test_a_show_that_runs_is_well_and_is_looked_at_once_a_second() -> None:
    stage = Stage(model="default")
    told = stage.run(20)
    assert (told["healthy"], told["reasons"]) == (True, "")
    assert told["fps"] == pytest.approx(30, abs=0.1)
    assert (told["fps_due"], told["up_seconds"], told["restarts"], told["model"]) == (30, 20, 3, "default")
    assert 19 <= stage.looks <= 20


def test_before_its_first_frame_a_show_is_not_well() -> None:
    told = Stage().vitals.told()
    assert (told["healthy"], told["reasons"]) == (False, "no frame yet")


def test_a_show_without_a_frame_for_two_seconds_is_not_well_until_there_is_one() -> None:
    stage = Stage()
    stage.run(5)
    stage.time += 2.0
    assert stage.vitals.told()["healthy"]
    stage.time += 1.4
    assert stage.vitals.told()["reasons"] == "no frame for 3.4 s"
    assert stage.run(5)["healthy"]


def test_a_show_at_less_than_half_its_rate_is_not_well() -> None:
    stage = Stage()
    assert stage.run(12, 16)["healthy"]
    told = stage.run(12, 14)
    assert told["reasons"] == "14.0 frames a second, 30 are due"
    assert stage.run(12, 30)["healthy"]


def test_a_show_at_rest_is_well_and_so_it_is_when_it_wakes() -> None:
    stage = Stage()
    stage.run(6)
    stage.rate = 2
    for _ in range(10):
        told = stage.run(1, 2)
        assert (told["healthy"], told["fps_due"], round(told["fps"])) == (True, 2, 2)
    stage.rate = 30
    for _ in range(10):
        assert stage.run(1)["healthy"]


@pytest.mark.parametrize(
    ("state", "wanted", "reasons"),
    [
        ("hears", "UMC", ""),
        ("off", "off", ""),
        ("none", "default", ""),  # no microphone at all: a show may be without
        ("none", "UMC", "audio: UMC is not heard"),
        ("lost", "default", "audio: default is not heard"),
        ("lost", "UMC", "audio: UMC is not heard"),
    ],
)
def test_audio_that_is_lost_or_missing_is_told(state: str, wanted: str, reasons: str) -> None:
    assert Stage(audio_state=state, audio_wanted=wanted).run(2)["reasons"] == reasons


def test_all_reasons_are_told() -> None:
    stage = Stage(osc_port=None, audio_state="lost")
    stage.run(2)
    stage.time += 3
    assert stage.vitals.told()["reasons"] == (
        "no frame for 3.0 s; audio: default is not heard; osc: its port could not be had"
    )


def test_the_last_error_is_kept_with_its_time_and_good_news_are_none() -> None:
    stage = Stage()
    stage.vitals.note("runs on cpu: as asked; frames by a timer at 30 Hz")
    assert (stage.run(1)["last_error"], stage.run(1)["last_error_at"]) == (None, None)
    stage.vitals.note("audio: vj.monitor is lost; the show goes on, and listens again when it is back")
    stage.vitals.note("audio: listens to vj.monitor (1 of 2)")
    told = stage.run(1)
    assert told["last_error"].startswith("audio: vj.monitor is lost")
    assert told["last_error_at"][10] == "T" and told["last_error_at"][-6] in "+-"


def test_memory_is_the_process_s_own() -> None:
    before = memory()
    assert before is not None and 10 << 20 < before < 8 << 30
    with mmap.mmap(-1, 64 << 20) as held:  # the system's own: what a heap has left over is the process's already
        held[::4096] = b"x" * (len(held) // 4096)
        after = memory()
    assert after is not None and after - before > 60 << 20
