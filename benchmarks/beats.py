"""How well the beat and onsets are found: songs whose beats are known, and drums.

`python -m benchmarks.beats` scores by mir_eval, and plays Muldjord's songs (CC BY-SA 3.0), which Debian has:

    apt-get install fretsonfire-songs-muldjord
    pip install mir_eval mido          and, to see aubio beside ours: pip install aubio-ledfx

Beats count within 70 ms and onsets within 50 ms of the true ones, the first five seconds of a song left out, as is
usual. The songs' beats are those of their notes.mid.
"""

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.audio.analysis import Analysis
from engine.audio.decode import blocks, mono

SONGS = Path("/usr/share/games/fretsonfire/data/songs/muldjord")
RATE = 48000
AIM, ONSET_AIM = 0.80, 0.95

# Steps of a sixteenth in a bar of four beats, by instrument.
PATTERNS = {
    "rock": {"kick": (0, 8, 10), "snare": (4, 12), "hat": tuple(range(0, 16, 2))},
    "house": {"kick": (0, 4, 8, 12), "snare": (4, 12), "hat": (2, 6, 10, 14)},
    "hip-hop": {"kick": (0, 3, 7, 10), "snare": (4, 12), "hat": tuple(range(0, 16, 2))},
}
DRUM_TEMPI = (80, 100, 120, 140, 174)


def drum(name: str, random: np.random.Generator) -> NDArray[np.float64]:
    """A quarter of a second of one drum, as a drum machine makes it."""
    t = np.arange(RATE // 4) / RATE
    if name == "kick":
        return np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-40 * t)))) * np.exp(-14 * t)
    noise = random.standard_normal(len(t))
    if name == "snare":
        return (0.5 * noise + 0.5 * np.sin(2 * np.pi * 190 * t)) * np.exp(-25 * t)
    return 0.25 * np.diff(noise, prepend=0) * np.exp(-70 * t)


def drums(
    pattern: str, bpm: float, seconds: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Samples (n,) at `RATE`, times of every stroke, times of the beats. Strokes vary in strength as a player's do."""
    samples = np.zeros(round(seconds * RATE))
    strokes, beats = set(), []
    for step in range(int((seconds - 0.5) * bpm / 15)):
        place = round((0.2 + step * 15 / bpm) * RATE)
        if step % 4 == 0:
            beats.append(place / RATE)
        for name, steps in PATTERNS[pattern].items():
            if step % 16 in steps:
                stroke = drum(name, random) * random.uniform(0.6, 1.0)
                samples[place : place + len(stroke)] += stroke
                strokes.add(place / RATE)
    return (0.3 * samples).astype(np.float32), np.array(sorted(strokes)), np.array(beats)


def heard(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times of onsets and of beats, as the live show would have found them."""
    onsets, beats = set(), set()
    for values in Analysis(RATE).feed(samples):
        onsets.add(values.onset_time)
        beats.add(values.beat_time)
    return np.array(sorted(onsets - {-np.inf})), np.array(sorted(beats - {-np.inf}))


def heard_by_aubio(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same by aubio, with its usual settings."""
    aubio = importlib.import_module("aubio")
    hop = 512
    onset, tempo = aubio.onset("default", 1024, hop, RATE), aubio.tempo("default", 1024, hop, RATE)
    onsets, beats = [], []
    for start in range(0, len(samples) - hop, hop):
        block = samples[start : start + hop]
        if onset(block)[0]:
            onsets.append(onset.get_last_s())
        if tempo(block)[0]:
            beats.append(tempo.get_last_s())
    return np.array(onsets), np.array(beats)


def song(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A song's samples (n,), the guitar's track added to the others', and the times of its beats."""
    tracks = [mono(np.concatenate(list(blocks(folder / name, RATE)))) for name in ("song.ogg", "guitar.ogg")]
    samples = np.zeros(max(map(len, tracks)), np.float32)
    for track in tracks:
        samples[: len(track)] += track
    return samples, np.array(list(midi_beats(folder / "notes.mid")))


def midi_beats(path: Path) -> Iterator[float]:
    """The times of a MIDI file's quarter notes, seconds, by its changes of tempo."""
    mido = importlib.import_module("mido")
    file = mido.MidiFile(path)
    due = now = 0
    seconds, tempo = 0.0, 500_000
    for message in mido.merge_tracks(file.tracks):
        end = now + message.time
        while due <= end:
            yield seconds + (due - now) * tempo / 1e6 / file.ticks_per_beat
            due += file.ticks_per_beat
        seconds += message.time * tempo / 1e6 / file.ticks_per_beat
        now = end
        if message.type == "set_tempo":
            tempo = message.tempo


def beat_score(true: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    beat = importlib.import_module("mir_eval.beat")
    return float(beat.f_measure(beat.trim_beats(true), beat.trim_beats(found)))


def onset_score(true: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    onset: Any = importlib.import_module("mir_eval.onset")
    return float(onset.f_measure(true, found)[0])


def main() -> int:
    """Prints a row a song and a row a drum pattern; 1 if an aim is missed, 2 if something is not installed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.beats", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=Path, default=SONGS, help="a folder of Frets on Fire songs (%(default)s)")
    options = parser.parse_args()
    missing = [name for name in ("mir_eval", "mido") if importlib.util.find_spec(name) is None]
    if missing or not options.songs.is_dir():
        print(f"beats: {', '.join(missing) or options.songs} is missing; see --help", file=sys.stderr)
        return 2
    others = {"aubio": heard_by_aubio} if importlib.util.find_spec("aubio") else {}
    if not others:
        print("aubio is not installed and not scored")
    scores: list[float] = []
    for folder in sorted(path.parent for path in options.songs.glob("*/notes.mid")):
        samples, beats_of_song = song(folder)
        began = time.perf_counter()
        scores.append(beat_score(beats_of_song, heard(samples)[1]))
        share = (time.perf_counter() - began) / (len(samples) / RATE)
        beside = "".join(f"   {name} {beat_score(beats_of_song, by(samples)[1]):.3f}" for name, by in others.items())
        bpm = 60 / np.median(np.diff(beats_of_song))
        print(f"{folder.name:24}{bpm:5.0f} bpm   beats F {scores[-1]:.3f}{beside}   {share:.1%} of a core", flush=True)
    random = np.random.default_rng(1)
    onset_scores: list[float] = []
    for pattern in PATTERNS:
        for tempo in DRUM_TEMPI:
            samples, strokes, true = drums(pattern, tempo, 30, random)
            onsets, beats = heard(samples)
            onset_scores.append(onset_score(strokes, onsets))
            both = [(name, by(samples)) for name, by in others.items()]
            beside = "".join(
                f"   {name} {onset_score(strokes, o):.3f} {beat_score(true, b):.3f}" for name, (o, b) in both
            )
            found = f"onsets F {onset_scores[-1]:.3f}   beats F {beat_score(true, beats):.3f}{beside}"
            print(f"{pattern:24}{tempo:5.0f} bpm   {found}", flush=True)
    good = sum(score >= AIM for score in scores)
    print(f"beats: {good} of {len(scores)} songs at {AIM:g} or more; the aim is three of four")
    mean, lowest = float(np.mean(onset_scores)), min(onset_scores)
    print(f"onsets: mean F {mean:.3f}, lowest {lowest:.3f}; the aim is a mean of {ONSET_AIM:g}")
    return int(good < 3 or mean < ONSET_AIM)


if __name__ == "__main__":
    sys.exit(main())
