"""Panels made of a public collection: from a local copy, and from a loopback server with faults."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from test_panel import N, run, words

from hydrometer.errors import InputError
from hydrometer.panel import open_panel
from hydrometer.panel import pull as pulling
from hydrometer.records.lineage import Lineage


def outputs(model: str) -> bytes:
    rows = [{"instruction": f"Question {i}?", "output": words(model, i), "generator": "x"} for i in range(N)]
    return json.dumps(rows if model == "one" else rows[::-1]).encode()


def test_pull_from_a_local_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model in ("one", "two"):
        (tmp_path / "copy/results" / model).mkdir(parents=True)
        (tmp_path / "copy/results" / model / "model_outputs.json").write_bytes(outputs(model))
    out = tmp_path / "panel"
    command = ["panel", "pull", "alpaca-eval", "--out", str(out), "--from", str(tmp_path / "copy")]
    status, text, _ = run(capsys, *command)
    assert status == 0
    assert "2 models, 20 prompts, 40 answers" in text
    assert "Lineage is empty for 2 models" in text
    panel = open_panel(out)
    assert panel.models == ("one", "two")
    assert panel.prompts == tuple(sorted(f"Question {i}?" for i in range(N)))
    assert panel.lineage_of("two").role == "unscored"
    status, _, error = run(capsys, *command)
    assert status == 2
    assert "exists already" in error
    assert run(capsys, *command[:-1], str(tmp_path / "panel"))[0] == 2


class Repository(http.server.BaseHTTPRequestHandler):
    """A loopback copy of the repository, with faults."""

    broken: ClassVar[set[str]] = set()
    asked: ClassVar[list[str]] = []
    listing: ClassVar[Any] = None

    def do_GET(self) -> None:
        name = self.path.split("/")[-2] if self.path.endswith(".json") else ""
        self.asked.append(name)
        listing = self.listing or [{"name": "one", "type": "dir"}, {"name": "two", "type": "dir"}]
        content = outputs(name) if name else json.dumps(listing).encode()
        if name in self.broken:
            self.send_response(404)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Repository.broken, Repository.asked, Repository.listing = set(), [], None
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(folder: Path, url: str) -> tuple[dict[str, Path], int]:
    return pulling.fetch_outputs(folder, progress=lambda *_: None, files_url=url, list_url=f"{url}/list")


def test_a_broken_download_names_the_file_and_goes_on_later(tmp_path: Path, repository: str) -> None:
    Repository.broken = {"one"}
    with pytest.raises(InputError, match=r"results/one/model_outputs\.json: could not be fetched"):
        fetch(tmp_path / "d", repository)
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["two.json"]
    Repository.broken, Repository.asked = set(), []
    found, fetched = fetch(tmp_path / "d", repository)
    assert fetched == 1
    assert "two" not in Repository.asked
    made = pulling.build_panel(found, tmp_path / "panel", lineage=[Lineage(model="one", developer="x")])
    assert (made.n_models, made.n_probes, made.undocumented) == (2, N, ("two",))
    assert open_panel(tmp_path / "panel").lineage_of("one").developer == "x"


@pytest.mark.parametrize("listing", [[{"name": "../../etc", "type": "dir"}], {"message": "limit"}, [1], [{"name": 3}]])
def test_a_strange_list_of_models_is_refused(listing: Any, tmp_path: Path, repository: str) -> None:
    Repository.listing = listing
    with pytest.raises(InputError, match="--from"):
        fetch(tmp_path / "d", repository)
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be fetched"):
        fetch(tmp_path / "d", "http://127.0.0.1:9")
