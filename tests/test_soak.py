"""The soak: what it judges by, when it does harm, and that its harm is what it says."""

import random
import subprocess
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak.faults import FAULTS, LONG, SETTLED, Fault, rubbish, schedule
from benchmarks.soak.judging import Harm, Record, Sample, growth, judge, lives
from benchmarks.soak.playing import SONG_SECONDS, write_song
from benchmarks.soak.probes import BareTimer, ask, files_of, kinds_of, memory_of
from benchmarks.soak.telling import rows
from engine.sinks.health_page import HealthPage
from engine.sources.osc_packets import MalformedError, messages, parse


def sample(at: float, late: int = 0, pid: int = 7, memory: int = 100_000_000, restarts: int = 0) -> Sample:
    return Sample(at, pid, late, 0, 0.0, restarts, memory, 90, files=12, supervisor_memory=20, supervisor_files=8)


def test_late_frames_are_counted_between_samples_and_put_down_to_what_was_done() -> None:
    samples = [sample(at, late) for at, late in ((10, 2), (11, 3), (12, 3), (13, 5), (30, 6))]
    figures, broken = judge(Record(60.0, samples, [Harm("OSC flood", 10.5, 12.5)], [11.0, 12.0]))
    assert (figures["late"], figures["frames"], figures["late_of_a_bare_timer"]) == (4, 600, 2)
    assert figures["late_after"] == {"OSC flood": 4}
    assert broken == ["4 late frames of 600; 2 of the bare timer's, and 1, are allowed"]


def test_a_frame_in_ten_thousand_may_be_late_above_the_timer_s() -> None:
    samples = [sample(5.0), sample(1805.0, late=8)]
    assert judge(Record(1805.0, samples, [], [100.0, 200.0, 300.0]))[1] == []  # 54,000 frames: five, and three
    samples = [sample(5.0), sample(1805.0, late=9)]
    assert len(judge(Record(1805.0, samples, [], [100.0, 200.0, 300.0]))[1]) == 1


def test_what_a_killed_show_does_not_show_is_not_late_but_told() -> None:
    samples = [sample(at, late=0) for at in (6.0, 19.0)] + [sample(at, 40, pid=8, restarts=1) for at in (22.0, 27.0)]
    samples += [sample(29.0, 41, pid=8, restarts=1)]
    harm = Harm("killed", 20.0, 21.5, deadly=True, seen=21.25)
    figures, broken = judge(Record(30.0, samples, [harm], [20.5, 24.0, 28.0]))
    assert (figures["late"], figures["late_of_a_bare_timer"]) == (1, 1)
    assert figures["frames"] == (13 + 2) * 30
    assert figures["seconds_without_picture"] == {"killed": {"each": [1.25], "worst": 1.25}}
    assert (figures["restarts"], figures["restarts_explained"], broken) == (1, 1, [])


def test_a_restart_that_nobody_did_and_a_show_that_is_not_seen_again_break_it() -> None:
    samples = [sample(6.0), sample(8.0, pid=8, restarts=1), sample(9.0, pid=9, restarts=2)]
    harms = [Harm("killed", 7.0, 8.0, deadly=True)]
    assert judge(Record(30.0, samples, harms, []))[1] == [
        "2 restarts, of which 1 are explained by what was done",
        "the show was not seen again after it was killed",
    ]
    assert judge(Record(30.0, samples[:1], [], [], ended=True))[1] == ["the installation ended by itself"]
    assert judge(Record(30.0, [], [], [])) == ({}, ["nothing was seen of the show"])


def test_memory_is_judged_by_the_life_that_lasted_longest() -> None:
    long = [sample(float(at), memory=1000 if at < 400 else 2000) for at in range(700)]
    short = [sample(float(at), pid=8, memory=1000, restarts=1) for at in range(700, 760)]
    _, broken = judge(Record(760.0, [*long, *short], [Harm("killed", 700.0, 700.5, True, 701.0)], []))
    assert broken == ["memory grew by 100.0% once it had run for 5 min; 1% is allowed"]


def test_growth_is_of_what_a_minute_shows_five_minutes_in_and_at_the_end() -> None:
    samples = [sample(float(at), memory=1000 if at < 300 else 2000 if at < 400 else 2040) for at in range(700)]
    assert growth(samples, lambda each: each.memory) == (pytest.approx(0.02), True)
    figures, broken = judge(Record(700.0, samples, [], []))
    assert broken == ["memory grew by 2.0% once it had run for 5 min; 1% is allowed"]
    assert ("memory of the show", "0 to 0, at most 0 MB; grew by 2.00% (its share by 0.00%)") in rows(figures)


def test_what_memory_grew_by_is_told_by_its_kinds() -> None:
    samples = [
        replace(sample(float(at)), kinds={"heap": 5_000_000, "mapped": 9_000_000 - (2_300_000 if at > 400 else 0)})
        for at in range(700)
    ]
    figures, _ = judge(Record(700.0, samples, [], []))
    assert figures["memory"]["more_bytes_of"] == {"heap": 0, "mapped": -2_300_000}
    assert ("grew by, MB", "heap +0.0, mapped -2.3") in rows(figures)


def test_a_short_life_is_looked_at_and_not_judged() -> None:
    samples = [sample(float(at), memory=1000 + at) for at in range(91)]
    grown, judged = growth(samples, lambda each: each.memory)
    assert (grown, judged) == (pytest.approx(1075 / 1045 - 1), False)
    assert judge(Record(90.0, samples, [], []))[1] == []
    assert growth(samples[:1], lambda each: each.memory)[1] is False


def test_a_life_is_of_one_process() -> None:
    samples = [sample(1, pid=7), sample(2, pid=7), sample(3, pid=8)]
    assert [[each.at for each in life] for life in lives(samples)] == [[1, 2], [3]]


def nothing(*of: object) -> None:
    """Does no harm."""


SOME = [Fault(name, nothing, deadly=name in ("killed", "hung")) for name in ("killed", "hung", "a", "b", "c")]


def test_a_long_soak_does_all_of_it_before_memory_is_judged_and_kills_once_more_at_the_end() -> None:
    plan = schedule(1800, 3, SOME)
    times = [at for at, _ in plan]
    assert times == sorted(times) and times[-1] < 1800
    early = [fault.name for at, fault in plan if at < SETTLED]
    assert sorted(early) == ["a", "b", "c", "hung", "killed"] and set(early[:2]) == {"killed", "hung"}
    assert not any(fault.deadly for at, fault in plan if SETTLED <= at < 1740) and plan[-1][1].deadly
    assert plan == schedule(1800, 3, SOME) != schedule(1800, 4, SOME)


def test_a_short_soak_does_what_there_is_time_for() -> None:
    plan = schedule(40, 3, SOME)
    assert len(plan) == 4 and plan[0][1].deadly and all(at < 40 for at, _ in plan)
    assert len(schedule(LONG - 1, 3, SOME)) == len(SOME)


def test_a_soak_of_one_harm_does_nothing_else() -> None:
    plan = schedule(300, 3, SOME, ["a", "b"])
    assert {fault.name for _, fault in plan} == {"a", "b"} and len(plan) > 10
    assert [at for at, _ in plan] == sorted(at for at, _ in plan) and plan[-1][0] < 300


def test_rubbish_is_what_it_says() -> None:
    chance, wrong = random.Random(1), 0
    for _ in range(200):
        datagram = rubbish(chance)
        try:
            wrong += sum(not parse(message)[0].startswith("/dancenet/") for message in messages(datagram))
        except MalformedError:
            wrong += 1
    assert 50 < wrong < 200 and len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_probes_see_a_process_and_a_page() -> None:
    child = [sys.executable, "-c", "import time; file = open('/dev/null'); print('there', flush=True); time.sleep(60)"]
    with subprocess.Popen(child, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"there\n"
        held, share = memory_of(process.pid)
        assert 1e6 < share <= held < 1e8 and files_of(process.pid) == 4
        kinds = kinds_of(process.pid)
        assert kinds.pop("in huge pages") <= sum(kinds.values()) == held
        assert min(kinds["heap"], kinds["mapped"], kinds["of files"]) > 1e5 and kinds["heaps of threads"] == 0
        process.kill()
    page = HealthPage(0, lambda: {"healthy": False, "reasons": "no frame yet"}, print)
    assert page.port and ask(page.port) == {"healthy": False, "reasons": "no frame yet"}
    port = page.port
    page.close()
    assert ask(port) is None


def test_the_bare_timer_tells_when_it_was_late() -> None:
    began = time.monotonic()
    timer = BareTimer(began)
    late = timer.end()
    assert all(0 < at <= time.monotonic() - began for at in late) and late == sorted(late)


def test_the_song_is_two_minutes_of_drums(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", 1)
    with wave.open(str(tmp_path / "song.wav")) as song:
        assert song.getnframes() / song.getframerate() == pytest.approx(SONG_SECONDS)
        assert max(song.readframes(48000)[1::2]) > 0
