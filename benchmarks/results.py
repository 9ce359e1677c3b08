"""What a run of the benchmarks found: figures by competitor, targets, a table, JSON and a plot."""

import html
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu", "torch", "keras", "tensorflow-cpu", "tensorflow", "onnx")


@dataclass(frozen=True)
class Target:
    """What was to be reached: at most `wanted`, or with `least` at least so much; `aim` is what was hoped for."""

    what: str
    found: float
    wanted: float
    least: bool = True
    aim: float | None = None

    @property
    def met(self) -> bool:
        return self.found >= self.wanted if self.least else self.found <= self.wanted


@dataclass
class Part:
    """One part of the run. rows: competitor -> figure's name -> figure; the first column named is what is plotted."""

    name: str
    about: str
    columns: list[str]
    rows: dict[str, dict[str, float]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    system = f"{platform.system()} {platform.machine()}"
    about = {"processor": processor(), "cores": os.cpu_count(), "system": system, "load_before": load}
    return about | {"python": platform.python_version(), "versions": versions}


def processor() -> str:
    """The processor's name, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def show(part: Part, console: Console) -> None:
    """Prints a part's table, its targets and its notes."""
    table = Table(title=f"{part.name}: {part.about}", title_justify="left", title_style="bold")
    table.add_column("")
    for column in part.columns:
        table.add_column(column, justify="right")
    for name, figures in part.rows.items():
        table.add_row(name, *(written(figures[column]) if column in figures else "" for column in part.columns))
    console.print(table)
    for target in part.targets:
        bound = "at least" if target.least else "at most"
        aim = "" if target.aim is None else f", aim {target.aim:g}"
        said = "reached" if target.met else "NOT reached"
        console.print(f"  {target.what}: {written(target.found)} ({bound} {target.wanted:g}{aim}): {said}")
    for note in part.notes:
        console.print(f"  {note}", style="dim")


def written(figure: float) -> str:
    """Three digits that count."""
    if figure and abs(figure) < 100:
        return f"{figure:.3g}"
    return f"{figure:,.0f}"


def save(parts: list[Part], about: dict[str, Any], folder: Path) -> list[Path]:
    """Writes the run to `folder`: results.json, and one plot a part; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [asdict(part) | {"reached": [target.met for target in part.targets]} for part in parts]
    files = [folder / "results.json"]
    files[0].write_text(json.dumps({"machine": about, "parts": found}, indent=2) + "\n")
    for part in parts:
        figures = {name: row[part.columns[0]] for name, row in part.rows.items() if part.columns[0] in row}
        if figures:
            files.append(folder / f"{part.name}.svg")
            files[-1].write_text(bars(f"{part.name}: {part.columns[0]}", figures))
    return files


WIDTH, LEFT, ROW = 720, 230, 26


def bars(title: str, figures: dict[str, float]) -> str:
    """An SVG of bars, the longest the largest figure; figures stand beside them."""
    most = max(figures.values()) or 1.0
    height = 44 + ROW * len(figures)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif"'
        f' font-size="13"><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="12" y="24" font-weight="bold">{html.escape(title)}</text>',
    ]
    for index, (name, figure) in enumerate(figures.items()):
        top, length = 36 + ROW * index, max(1.0, (WIDTH - LEFT - 80) * figure / most)
        lines.append(f'<text x="{LEFT - 8}" y="{top + 16}" text-anchor="end">{html.escape(name)}</text>')
        lines.append(f'<rect x="{LEFT}" y="{top + 3}" width="{length:.1f}" height="{ROW - 8}" fill="#3d5a80"/>')
        lines.append(f'<text x="{LEFT + length + 6:.1f}" y="{top + 16}">{written(figure)}</text>')
    return "\n".join([*lines, "</svg>\n"])
