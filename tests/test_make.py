"""The set-up: what is asked of apt and pip, when, and what is said where it cannot be had."""

import os
import sys
from pathlib import Path

import pytest

import make

ALL_IN_PLACE = "for name; do case $name in -*) ;; *) echo $name installed;; esac; done"


class Machine:
    """A clone in an empty folder, on a path that holds nothing but what a test puts there; all calls are noted."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.programs, self.log = folder / "clone", folder / "programs", folder / "log"
        self.clone.mkdir()
        self.programs.mkdir()
        (self.clone / "pyproject.toml").write_bytes((make.ROOT / "pyproject.toml").read_bytes())
        (self.programs / "sh").symlink_to("/bin/sh")

    def program(self, name: str, script: str, folder: Path | None = None) -> None:
        path = (folder or self.programs) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.log}\n{script}\n')
        path.chmod(0o755)

    def calls(self, *programs: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.split()[0] in programs]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Debian with all that the show needs, root at the keyboard, and an interpreter in .venv that does anything."""
    machine = Machine(tmp_path)
    monkeypatch.setattr(make, "ROOT", machine.clone)
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.chdir(machine.clone)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("dpkg-query", ALL_IN_PLACE)
    machine.program("apt-get", "exit 0")
    machine.program("python", "exit 0", make.program("python").parent)
    return machine


def lacking(package: str) -> str:
    return ALL_IN_PLACE.replace("-*)", f"-*|{package})")


def test_a_second_start_asks_neither_apt_nor_pip(machine: Machine) -> None:
    make.set_up(development=False)
    assert any("install --disable-pip-version-check --editable ." in call for call in machine.calls("python"))
    machine.log.unlink()
    make.set_up(development=False)
    assert machine.calls("python", "apt-get") == []


def test_a_change_of_pyproject_sets_up_again(machine: Machine) -> None:
    make.set_up(development=False)
    machine.log.unlink()
    with open(machine.clone / "pyproject.toml", "a") as file:
        file.write("# another dependency\n")
    make.set_up(development=False)
    assert len([call for call in machine.calls("python") if "--editable" in call]) == 1


def test_a_set_up_cut_short_is_taken_up_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    make.set_up(development=False)
    with open(machine.clone / "pyproject.toml", "a") as file:
        file.write("# another dependency\n")
    before = (machine.clone / "pyproject.toml").read_bytes()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(make, "install_python_packages", lambda development: (_ for _ in ()).throw(KeyboardInterrupt))
        make.set_up(development=False)
    (machine.clone / "pyproject.toml").write_bytes(before.removesuffix(b"# another dependency\n"))
    machine.log.unlink()
    make.set_up(development=False)  # what was there before the interrupted one is not trusted either
    assert len([call for call in machine.calls("python") if "--editable" in call]) == 1


def test_a_set_up_that_failed_is_not_taken_for_done(machine: Machine) -> None:
    machine.program("python", "case $* in *install*) exit 1;; esac", make.program("python").parent)
    for _ in range(2):
        with pytest.raises(make.SetUpError, match="pip could not install what is needed"):
            make.set_up(development=False)
    assert len([call for call in machine.calls("python") if "--editable" in call]) == 2


def test_what_development_installed_serves_the_show_but_not_the_other_way_round(machine: Machine) -> None:
    make.set_up(development=False)
    make.set_up(development=True)
    machine.log.unlink()
    make.set_up(development=False)
    make.set_up(development=True)
    assert machine.calls("python") == []


def test_the_show_is_set_up_without_torch(machine: Machine) -> None:
    make.set_up(development=False)
    assert machine.calls("python") != []
    assert [call for call in machine.calls("python") if "torch" in call or "training" in call] == []


def test_torch_is_taken_without_cuda(machine: Machine) -> None:
    make.set_up(development=True)
    [torch, everything] = [call for call in machine.calls("python") if "torch==" in call]
    assert torch.endswith("torch==2.13.0+cpu")
    assert "--no-deps --extra-index-url https://download.pytorch.org/whl/cpu" in torch
    assert "--editable .[training] torch==2.13.0 " in everything


def test_the_peers_have_an_environment_of_their_own(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("python", "exit 0", make.program("python", make.PEERS).parent)
    monkeypatch.setattr(make, "become", make.run)
    for _ in range(2):
        assert make.main(["bench", "--part", "frame"]) == 0
    calls = machine.calls("python")
    assert [call.split()[-1] for call in calls if "--no-deps" in call] == ["torch==2.13.0+cpu"]
    [everything] = [call for call in calls if "--editable .[training]" in call]
    assert "keras==" in everything and "tensorflow" in everything
    assert calls[-1] == "python -m benchmarks --part frame"
    assert make.stamp("bench", make.PEERS).is_file() and not make.stamp("test").exists()


def test_without_a_cpu_build_torch_is_what_pypi_has(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.program("python", "case $* in *+cpu) exit 1;; esac", make.program("python").parent)
    make.set_up(development=True)
    assert [call.split()[-1] for call in machine.calls("python") if "torch==" in call][:2] == [
        *("torch==2.13.0+cpu", "torch==2.13.0"),
    ]
    assert "no CPU build of torch to be had" in capfd.readouterr().out


def test_root_installs_what_is_missing_and_only_that(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.program("dpkg-query", lacking("libegl1|libportaudio2"))
    make.set_up(development=False)
    assert "dancenet: missing system packages: libegl1 libportaudio2\n" in capfd.readouterr().out
    update, install = machine.calls("apt-get")
    assert update == "apt-get -qq update"
    assert install.endswith("install -y --no-install-recommends libegl1 libportaudio2")


def test_a_user_installs_by_sudo_which_never_waits_for_a_password_nobody_types(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        machine.program("dpkg-query", lacking("libegl1"))
        machine.program("sudo", 'shift; exec "$@"')
        make.set_up(development=False)
    [sudo] = machine.calls("sudo")
    assert sudo.startswith("sudo -n sh -c apt-get -qq update; ")
    assert len(machine.calls("apt-get")) == 2


BY_HAND = (
    "dancenet: cannot install them from here; as root, run: "
    "apt-get update && apt-get install -y --no-install-recommends libegl1\n"
)


def test_without_sudo_it_says_what_to_run_and_goes_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("dpkg-query", lacking("libegl1"))
    make.set_up(development=False)
    assert BY_HAND in capfd.readouterr().out
    assert machine.calls("apt-get") == []
    assert make.stamp("dance").exists()


def test_where_apt_fails_it_says_what_to_run_and_goes_on(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.program("dpkg-query", lacking("libegl1"))
    machine.program("apt-get", "exit 100")
    make.set_up(development=False)
    assert BY_HAND in capfd.readouterr().out
    assert make.stamp("dance").exists()


def test_a_package_removed_since_is_installed_again(machine: Machine) -> None:
    make.set_up(development=False)
    machine.program("dpkg-query", lacking("libegl1"))
    make.set_up(development=False)
    assert len(machine.calls("apt-get")) == 2


def test_what_has_no_wheels_can_be_compiled() -> None:
    headers = f"python{sys.version_info.major}.{sys.version_info.minor}-dev"
    here = make.system_packages(development=False, machine="x86_64")
    assert set(make.system_packages(development=False, machine="aarch64")) - set(here) == {"g++", "libx11-dev", headers}


def test_a_python_packaged_without_venv_asks_for_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    machine.program("python", "exit 1", make.program("python").parent)  # what a failed `python3 -m venv` leaves behind
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert make.missing_system_packages(["libegl1"]) == [package]
    with pytest.raises(make.SetUpError, match=f"ensurepip .on Debian and Ubuntu: {package}.$"):
        make.make_environment()


def test_where_there_is_no_apt_it_says_once_what_has_to_be_there(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    (machine.programs / "dpkg-query").unlink()
    make.set_up(development=False)
    assert "no apt here: your system has to bring what Debian calls libgl1 libegl1 " in capfd.readouterr().out
    assert machine.calls("apt-get") == []
    make.set_up(development=False)
    assert capfd.readouterr().out == ""


def test_a_broken_environment_is_made_anew(machine: Machine) -> None:
    machine.program("python", "exit 1", make.program("python").parent)  # as after an upgrade of the system's Python
    make.make_environment()
    assert make.program("python").resolve() == Path(sys.executable).resolve()


def test_the_tests_run_last_and_whatever_the_checks_found(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    make.set_up(development=True)
    machine.log.unlink()
    machine.program("python", "echo $2 was here; test $2 != ruff", make.program("python").parent)
    assert make.test(["-k", "dance"]) == 1
    assert machine.calls("python") == [
        *("python -m ruff check .", "python -m ruff format --check .", "python -m mypy", "python -m pytest -k dance"),
    ]
    assert capfd.readouterr().out.splitlines()[-1] == "pytest was here"


def test_failing_tests_fail(machine: Machine) -> None:
    make.set_up(development=True)
    machine.program("python", "test $2 != pytest", make.program("python").parent)
    assert make.test([]) == 1


def test_clients_are_installed_for_their_tests_alone(machine: Machine) -> None:
    machine.program("dpkg-query", lacking("puredata-core"))
    assert make.main(["test-clients"]) == 0
    (installed,) = [call for call in machine.calls("apt-get") if "install" in call]
    assert installed.endswith("--no-install-recommends puredata-core")
    assert machine.calls("python")[-1].endswith("-m pytest tests/clients")


def test_of_the_faults_all_are_run_by_their_own_command(machine: Machine) -> None:
    machine.program("python", '[ "$2" != pytest ] || [ "$DANCENET_FAULTS" = all ]', make.program("python").parent)
    assert make.main(["test-faults"]) == 0
    assert machine.calls("python")[-1].endswith("-m pytest tests/faults")


def test_the_guide_is_followed_whole_by_its_own_command(machine: Machine) -> None:
    machine.program("python", '[ "$2" != pytest ] || [ "$DANCENET_GUIDE" = all ]', make.program("python").parent)
    assert make.main(["test-guide"]) == 0
    assert machine.calls("python")[-1].endswith("-m pytest tests/test_guide.py")


def test_webgpu_is_installed_for_its_tests_alone(machine: Machine) -> None:
    machine.program("dpkg-query", lacking("libvulkan1"))
    assert make.main(["test-webgpu"]) == 0
    (installed,) = [call for call in machine.calls("apt-get") if "install" in call]
    assert installed.endswith("--no-install-recommends libvulkan1")
    plugin, tests = machine.calls("python")[-2:]
    assert plugin.endswith("-m pip install --quiet --editable .[webgpu]")
    assert tests.endswith("-m pytest tests/test_webgpu.py")


def test_a_soak_is_handed_its_minutes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "become", make.run)
    assert make.main(["soak", "--minutes", "2"]) == 0
    assert machine.calls("python")[-1] == "python -m benchmarks.soak --minutes 2"


def test_an_old_python_is_told_what_to_do(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "OLDEST_PYTHON", (3, 99))
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert make.main(["dance"]) == 1
    assert capfd.readouterr().out == (
        f"dancenet: Python 3.99 or later is needed and this is {found}; "
        "with one installed: make dance PYTHON=python3.99\n"
    )


def test_an_unknown_command_names_those_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert make.main(["dnace"]) == 2
    assert capfd.readouterr().err == (
        "make.py: unknown command 'dnace'; "
        "there are dance, test, test-clients, test-faults, test-guide, test-webgpu, lint, soak, bench, fuzz, audit, "
        "clean and help\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        *("dance", "test", "test-clients", "test-faults", "test-guide", "test-webgpu"),
        *("lint", "soak", "bench", "fuzz", "audit", "clean"),
    ],
)
def test_help_tells_of(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert make.main([]) == 0
    assert f"make {command} " in capfd.readouterr().out


def test_an_audit_asks_about_what_is_installed_or_says_that_nobody_answers(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    auditor = make.program("python", make.AUDIT).parent
    machine.program("python", "case $* in *urllib*) exit 1;; esac", auditor)
    machine.program("python", "echo /clone/site-packages", make.program("python").parent)
    assert make.main(["audit"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == (
        "dancenet: the advisories at https://pypi.org cannot be reached from here, so that nothing was audited"
    )
    machine.program("python", "case $* in *urllib*) exit 0;; *) exit 3;; esac", auditor)
    assert make.main(["audit", "--desc"]) == 3
    calls = machine.calls("python")
    assert calls[-1] == "python -m pip_audit --path /clone/site-packages --skip-editable --desc"
    assert any(" install " in call and call.endswith("pip-audit>=2.9") for call in calls)


def test_cleaning_leaves_models_and_runs(machine: Machine) -> None:
    for name in ("models/mine", "runs/mine", ".venv", "dist"):
        (machine.clone / name).mkdir(parents=True, exist_ok=True)
    assert make.main(["clean"]) == 0
    assert sorted(path.name for path in machine.clone.iterdir()) == ["models", "pyproject.toml", "runs"]
