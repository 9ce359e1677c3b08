"""What an installation listens to, as the system sees it."""

from pathlib import Path

from tests.display import Screen
from tests.faults.installation import children, installed, screen, until  # noqa: F401
from tests.test_command_line import free_port

LISTENS, UNCONNECTED = "0A", "07"  # states of TCP and of UDP
LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel writes it


def listening(pid: int) -> set[tuple[str, str, int]]:
    """Protocol, address and port of every socket of a process that anybody could send to."""
    inodes = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(each.readlink()))
        except OSError:
            continue  # closed meanwhile
    found = set()
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        for row in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            words = row.split()
            if words[3] in (LISTENS, UNCONNECTED) and f"socket:[{words[9]}]" in inodes:
                address, _, port = words[1].partition(":")
                found.add((protocol, address, int(port, 16)))
    return found


def test_nothing_listens_beyond_this_computer(screen: Screen, tiny_bundle: Path, tmp_path: Path) -> None:  # noqa: F811
    health = free_port()
    with installed(screen, tmp_path, "--model", str(tiny_bundle), "--health", str(health)) as installation:
        installation.plays()
        until(lambda: installation.curtain, "a curtain")
        expected = {("udp", LOOPBACK, installation.port), ("tcp", LOOPBACK, health)}
        assert listening(installation.show) == expected
        others = {installation.process.pid, *children(installation.process.pid)} - {installation.show}
        assert installation.curtain in others
        assert set().union(*map(listening, others)) == set()
