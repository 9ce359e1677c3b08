"""What a soak found, for people and for machines: a table, and JSON with every sample."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.soak.judging import Record
from engine.scene_files import put

MEGA = 1e6


def tell(figures: Mapping[str, Any], broken: Sequence[str], console: Console) -> None:
    """Prints the figures, and what is broken."""
    table = Table(title="soak", show_header=False)
    for name, text in rows(figures):
        table.add_row(name, text)
    console.print(table)
    for line in broken:
        console.print(f"broken: {line}", style="red", highlight=False)
    if not broken:
        console.print("every bound holds", highlight=False)


def rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each figure in words."""
    if not figures:
        return []
    memory, files = figures["memory"], figures["files"]
    grown = percent(memory["growth"]) + ("" if memory["growth_is_judged"] else ", too short to judge")
    share = percent(memory["growth_of_its_share"])
    more = [f"{kind} {size / MEGA:+.1f}" for kind, size in memory["more_bytes_of"].items()]
    away = [f"{name} {each['worst']:.2f} s" for name, each in figures["seconds_without_picture"].items()]
    return [
        ("length", f"{figures['seconds'] / 60:.1f} min"),
        (
            "late frames",
            f"{figures['late']} of {figures['frames']}; a bare timer beside {figures['late_of_a_bare_timer']}",
        ),
        ("late after", counted(figures["late_after"])),
        ("harm done", counted(figures["harms"])),
        ("not done", "; ".join(figures["left_out"]) or "-"),
        ("restarts", f"{figures['restarts']}, of which {figures['restarts_explained']} explained"),
        ("without a picture", ", ".join(away) or "-"),
        ("memory of the show", f"{spell(memory['show'], MEGA)} MB; grew by {grown} (its share by {share})"),
        ("grew by, MB", ", ".join(more) or "-"),
        (
            "of the supervisor",
            f"{spell(memory['supervisor'], MEGA)} MB; grew by {percent(memory['supervisor_growth'])}",
        ),
        ("open files", f"{spell(files['show'])}; supervisor {spell(files['supervisor'])}"),
        ("dancers led back", f"{figures['falls']}"),
        ("longest still", f"{figures['longest_still']:.1f} s of dance"),
        ("not well, seconds", counted(figures["not_well"])),
    ]


def counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"


def spell(ends: Mapping[str, int], unit: float = 1.0) -> str:
    """From the first to the last, and the most in between."""
    first, last, most = (f"{ends[name] / unit:.0f}" for name in ("first", "last", "most"))
    return f"{first} to {last}, at most {most}"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def write(path: Path, figures: Mapping[str, Any], record: Record, said: str) -> None:
    """Writes all of it, with every sample and what the show said, whole or not at all."""
    everything = {
        **figures,
        "samples": [asdict(sample) for sample in record.samples],
        "done": [asdict(harm) for harm in record.harms],
        "timer_late_at": list(record.timer),
        "said": said.splitlines(),
    }
    put(path, json.dumps(everything, indent=1) + "\n")
