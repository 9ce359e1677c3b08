"""What there is to tell of days of dance: a report in words, and its numbers as JSON holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.health import SECOND
from engine.sinks.witness import Compared


def listed(compared: Compared) -> dict[str, list[float | None]]:
    """Each dancer's own, fit for JSON."""
    return {
        name: [round(float(each), 6) if np.isfinite(each) else None for each in figures]
        for name, figures in (("early", compared.early), ("late", compared.late))
    }


def in_words(report: Mapping[str, Any]) -> str:
    """The report for people."""
    resets = ", ".join(f"{count} by {why}" for why, count in report["resets"].items()) or "no resets"
    seen = "every image" if report["every"] == 1 else f"one image in {report['every']}"
    whole = 86400 * report["fps"] * report["dancers"] / report["dancer_frames_a_second"] / 3600
    lines = [
        f"{report['dancers']} dancers, {spell(report['danced_seconds'])} each, at temperature "
        f"{report['temperature']:g}, {seen} seen",
        f"  {resets}; nobody stood still for longer than {max(SECOND, report['longest_still']):.2f} s",
    ]
    for name in ("fd_pose", "motion_energy"):
        told = report[name]
        if told["early"] is None:
            lines.append(f"  {name}: too short to compare")
            continue
        ratio = told["late_to_early"]
        lines.append(
            f"  {name}: {told['early']:.3f} in the first {spell(report['window_seconds'])}, {told['late']:.3f} in the "
            f"last; late/early {ratio['of_means']:.3f}, of each {ratio['mean']:.3f} +- {ratio['deviation']:.3f} "
            f"({ratio['least']:.3f} to {ratio['greatest']:.3f})"
        )
    if together := report["fd_pose"]["together"]["late_to_early"]:
        lines.append(f"  fd_pose of all of them together: late/early {together['of_means']:.3f}")
    lines.append(
        f"  {report['dancer_frames_a_second']:.0f} frames of a dancer a second on {report['device']}; "
        f"a day of all {report['dancers']} takes {whole:.1f} h"
    )
    return "\n".join(lines)


def spell(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds >= 3600:
        return f"{seconds / 3600:.2f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
