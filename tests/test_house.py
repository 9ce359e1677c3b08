"""The house: who may import whom, read from the source of every module, and what a clone holds."""

import ast
import graphlib
import re
import sys
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from engine import __version__

ROOT = Path(__file__).parent.parent
OURS = {"engine", "training", "export", "tests", "benchmarks", "make"}
DRAWS = {
    *("engine.chain", "engine.coverage", "engine.flash", "engine.isf.buffers", "engine.isf.program", "engine.layers"),
    *("engine.cells", "engine.light", "engine.sinks.canvas"),
    *("engine.passes", "engine.picture", "engine.sinks.window", "engine.sinks.shell", "engine.sinks.panel"),
    *("engine.sinks.mapping", "engine.sinks.pinned", "engine.sinks.readback"),
    "engine.curtain",  # a window without OpenGL
}
# The command lines put parts together; each rule says which of them it leaves out.
COMMAND_LINE, TRAINING_COMMAND_LINE = "engine.__main__", "training.__main__"
# The commands that make a GL context or a window.
OPEN_GL = ("opening", "render", "isf_check")
# What a distribution is imported as, where that is not its own name.
IMPORTED_AS = {
    **{"onnxruntime-gpu": "onnxruntime", "onnxruntime-ep-webgpu": "onnxruntime_ep_webgpu"},
    **{"lightning-fabric": "lightning_fabric", "python-osc": "pythonosc"},
    "opencv-python-headless": "cv2",
}


def read_imports(source: str, module: str, is_package: bool = False) -> set[str]:
    """Everything that a module's source imports, anywhere in it, relative names resolved; `from a import b` may
    mean a module a.b, so that both names count.
    """
    package = module if is_package else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def modules() -> Iterator[tuple[str, Path]]:
    """Every module that is installed: its dotted name and its file."""
    for package in ("engine", "training", "export"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())
IMPORTS = {name: read_imports(path.read_text(), name, path.name == "__init__.py") for name, path in MODULES.items()}


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offences(importers: str, forbidden: tuple[str, ...], but: Collection[str] = ()) -> list[str]:
    """Imports of anything `forbidden` by modules of the package `importers`, those in `but` left out."""
    return [
        f"{importer} imports {name}"
        for importer, names in IMPORTS.items()
        if inside(importer, importers) and importer not in but
        for name in sorted(names)
        if inside(name, *forbidden)
    ]


def test_the_reader_sees_nested_and_relative_imports() -> None:
    source = "def f():\n    import torch.nn\n    from ..bundle import open_bundle\n    from . import osc\n"
    assert read_imports(source, "engine.sources.keys") == {
        *("torch.nn", "engine.bundle", "engine.bundle.open_bundle"),
        *("engine.sources", "engine.sources.osc"),
    }


def test_a_forbidden_import_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(IMPORTS, "engine.show", {"torch.nn", "torchlight"})
    assert offences("engine", ("torch",)) == ["engine.show imports torch.nn"]


def test_the_engine_never_imports_torch() -> None:
    assert offences("engine", ("torch",)) == []


def test_the_engine_never_imports_training_or_export() -> None:
    assert offences("engine", ("training", "export"), but={COMMAND_LINE}) == []


def test_the_command_line_hands_over_to_the_other_command_lines_alone() -> None:
    assert {name for name in IMPORTS[COMMAND_LINE] if inside(name, "training", "export")} <= {
        *("training", "training.__main__", "training.__main__.main"),
        *("export", "export.__main__", "export.__main__.main"),
    }


def test_parameters_and_clock_import_nothing_of_ours() -> None:
    assert [o for part in ("parameters", "clock") for o in offences(f"engine.{part}", tuple(OURS))] == []


def test_sources_know_the_controls_and_what_they_hear_with_but_nothing_of_the_show() -> None:
    controls = ("engine.controls", "engine.parameters", "engine.routes")
    known = (*controls, "engine.sources", "engine.audio", "engine.noise")
    found = {
        name
        for importer, names in IMPORTS.items()
        if inside(importer, "engine.sources", "engine.audio")
        for name in names
    }
    assert [
        name for name in sorted(found) if inside(name, *OURS) and not inside(name, *known) and name != "engine"
    ] == []


def test_opengl_lives_in_the_picture_the_effects_the_window_and_the_panel() -> None:
    assert (
        offences("engine", ("moderngl", "pyglet"), but={*DRAWS, *(f"engine.commands.{name}" for name in OPEN_GL)}) == []
    )


def test_the_commands_are_the_command_line_s_alone() -> None:
    wiring = {COMMAND_LINE, "engine.begin", *(name for name in MODULES if inside(name, "engine.commands"))}
    assert offences("engine", ("engine.commands", COMMAND_LINE), but=wiring) == []


def test_the_show_is_given_its_parts() -> None:
    given = ("picture", "sinks", "sources", "bundle", "clock", "resources", "__main__")
    assert offences("engine.show", tuple(f"engine.{part}" for part in given)) == []


def test_training_imports_neither_engine_nor_export() -> None:
    assert offences("training", ("engine", "export"), but={TRAINING_COMMAND_LINE}) == []


def test_export_knows_of_the_engine_only_what_a_bundle_is() -> None:
    bundle = ("engine.bundle", "engine.metadata", "engine.contract", "engine.latents", "engine.dancer_file")
    found = {name for importer, names in IMPORTS.items() if inside(importer, "export") for name in names}
    assert [name for name in sorted(found) if inside(name, "engine") and not inside(name, *bundle)] == []


def test_nothing_installed_imports_what_is_not() -> None:
    packages = ("engine", "training", "export")
    assert [o for package in packages for o in offences(package, ("tests", "benchmarks", "make"))] == []


def test_imports_run_one_way() -> None:
    ours = {name: {found for found in names if found in MODULES and found != name} for name, names in IMPORTS.items()}
    order = list(graphlib.TopologicalSorter(ours).static_order())  # CycleError names a cycle
    assert set(order) == set(MODULES)


@pytest.mark.parametrize(
    ("package", "extras"),
    [("engine", ["webgpu"]), ("training", ["training", "cluster"]), ("export", ["training", "keras"])],
)
def test_every_package_that_is_imported_is_declared(package: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = project["dependencies"] + [r for extra in extras for r in project["optional-dependencies"][extra]]
    distributions = {re.split(r"[^A-Za-z0-9-]", requirement, maxsplit=1)[0] for requirement in requirements}
    declared = {IMPORTED_AS.get(name, name) for name in distributions}
    found = {
        name.partition(".")[0] for importer, names in IMPORTS.items() if inside(importer, package) for name in names
    }
    assert found - OURS - set(sys.stdlib_module_names) <= declared


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_opens_with_what_it_does(name: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[name].read_text())), f"{MODULES[name]}: no docstring"


def test_no_module_is_named_for_what_did_not_fit_elsewhere() -> None:
    shapeless = {"utils", "util", "misc", "helpers", "helper", "manager", "common"}
    assert [name for name in MODULES if shapeless & set(name.split("."))] == []


@pytest.mark.parametrize(
    "path",
    [
        *("pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md", ".ci/run", "docs/bundle.md"),
        *("engine/__main__.py", "engine/parameters.py", "engine/controls.py", "engine/show.py", "engine/clock.py"),
        *("engine/bundle.py", "engine/dancer.py", "engine/picture.py", "engine/sources", "engine/sinks"),
        *("engine/commands", "engine/audio", "scenes", "docs/controls.md", "docs/scenes.md", "docs/replay.md"),
        *("training/__main__.py", "export/__main__.py", "shaders", "models/default/bundle.json", "benchmarks"),
    ],
)
def test_the_house_stands_as_designed(path: str) -> None:
    assert (ROOT / path).exists(), f"{path}: missing"


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_default_dancer_stays_small() -> None:
    size = sum(path.stat().st_size for path in (ROOT / "models" / "default").rglob("*") if path.is_file())
    assert 0 < size <= 60_000_000
