"""Chromium plays the files that the show writes, in the colours that it draws. Skipped where it is not installed."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import main
from tests.fixtures.osc import LOOPBACK

SIZE, FPS, FRAME = "640x360", 30, 15
PATIENCE = 60.0  # seconds for a browser to start and to answer
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
TYPES = {".html": "text/html", ".mp4": "video/mp4", ".webm": "video/webm", ".png": "image/png"}
# Plays up to the middle of a frame and compares it with the picture of that frame, both as the browser draws them.
PAGE = """<script>
async function look(file) {
    const video = document.createElement("video"), still = new Image();
    [video.muted, video.src, still.src] = [true, file, "still.png"];
    await new Promise((done, failed) => {
        video.onloadeddata = done;
        video.onerror = () => failed(new Error(video.error.message));
    });
    await still.decode();
    await new Promise(done => { video.onseeked = done; video.currentTime = %f; });
    function pixels(source) {
        const canvas = document.createElement("canvas"), [width, height] = [still.width, still.height];
        [canvas.width, canvas.height] = [width, height];
        const paper = canvas.getContext("2d", {willReadFrequently: true});
        paper.drawImage(source, 0, 0);
        return paper.getImageData(0, 0, width, height).data;
    }
    const seen = pixels(video), drawn = pixels(still), bias = [0, 0, 0];
    let far = 0;
    for (let i = 0; i < seen.length; i++) if (i %% 4 < 3) {
        bias[i %% 4] += 4 * (seen[i] - drawn[i]) / seen.length;
        far += 4 * Math.abs(seen[i] - drawn[i]) / seen.length / 3;
    }
    return {seconds: video.duration, width: video.videoWidth, height: video.videoHeight, bias, far};
}
look(location.hash.slice(1)).catch(error => ({error: String(error)})).then(
    found => fetch("found", {method: "POST", body: JSON.stringify(found)}));
</script>"""


class Handler(BaseHTTPRequestHandler):
    """Serves a folder's files, whole or a part, and takes what the page found."""

    protocol_version = "HTTP/1.1"

    def __init__(self, folder: Path, found: "queue.Queue[dict[str, Any]]", *arguments: Any) -> None:
        self._folder, self._found = folder, found
        super().__init__(*arguments)

    def do_GET(self) -> None:
        file = self._folder / Path(self.path).name
        data = file.read_bytes() if file.is_file() else b""
        first, _, last = (self.headers.get("Range") or "").removeprefix("bytes=").partition("-")
        part = data[int(first or 0) : int(last or len(data) - 1) + 1]
        self.send_response(404 if not data else 206 if first else 200)
        self.send_header("Content-Type", TYPES.get(file.suffix, "text/plain"))
        self.send_header("Accept-Ranges", "bytes")
        if first:
            start = int(first)
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
        self._end(part)

    def do_POST(self) -> None:
        self._found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self._end(b"")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tells nothing."""

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, "queue.Queue[dict[str, Any]]"]]:
    found: queue.Queue[dict[str, Any]] = queue.Queue()
    with ThreadingHTTPServer((LOOPBACK, 0), partial(Handler, folder, found)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_address[1]}", found
        server.shutdown()


@pytest.fixture
def browser() -> str:
    """Where it is; skips where it is not installed."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    return found


def played(browser: str, folder: Path, file: str, profile: Path) -> dict[str, Any]:
    """What a browser found in the file."""
    (folder / "look.html").write_text(PAGE % ((FRAME + 0.5) / FPS))
    with served(folder) as (address, found):
        command = [browser, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
        with subprocess.Popen([*command, f"{address}/look.html#{file}"], stderr=subprocess.DEVNULL) as process:
            try:
                return found.get(timeout=PATIENCE)
            finally:
                process.terminate()


@pytest.mark.parametrize("file", ["dance.mp4", "dance.webm"])
def test_a_browser_plays_a_render_in_its_colours(browser: str, tmp_path: Path, file: str) -> None:
    dance = ["--scene", "1-solo", "--seed", "11", "--size", SIZE]
    assert main(["render", str(tmp_path / file), "--seconds", "1.2", *dance]) == 0
    assert main(["still", str(tmp_path / "still.png"), "--at", str(FRAME / FPS), *dance]) == 0
    found = played(browser, tmp_path, file, tmp_path / "profile")
    assert "error" not in found, found
    assert (found["width"], found["height"]) == (640, 360)
    assert found["seconds"] == pytest.approx(1.2, abs=0.01)
    # Level by level the encoder smooths the scene's grain; the colours themselves are those that were drawn.
    assert max(map(abs, found["bias"])) < 1, found
    assert found["far"] < 4, found
