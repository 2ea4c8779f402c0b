"""Fetching an archive from a local server: what may go wrong, and what must then not be there."""

import gc
import io
import os
import re
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tqdm import tqdm

from helpers.data import DataError, fetch, sources
from tests.children import as_ordinary_user
from tests.helpers.data.archives import (
    BODY,
    FILES,
    LABELLED,
    NAME,
    archive_of,
    member,
    packed,
    put_by_hand,
)
from tests.local_server import serving

PATIENCE = 60  # seconds after which a test that waits has failed
UNFINISHED = ".aclImdb_v1.unfinished"


class Server(ThreadingHTTPServer):
    """Serves ``body``. Tests set whether all of it is sent, and hold it back at half."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.whole, self.status, self.requests = BODY, True, 200, 0
        self.half_sent, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def handle_error(self, *args):
        pass  # a client that was killed

    def archive(self):
        host = "{}:{}".format(*self.server_address)
        return archive_of(host=host, skip="aclImdb/train/unsup/", instead="do without")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests += 1
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        half = len(server.body) // 2
        self.wfile.write(server.body[:half])
        server.half_sent.set()
        server.go_on.wait(PATIENCE)
        if not self.wfile.closed and server.whole:
            self.wfile.write(server.body[half:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    pytest.importorskip("pooch", reason="downloads need lzma and bz2, which this Python lacks")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Server()) as running:
        yield running


def tree(folder):
    """Return the content of every file below ``folder`` by its name there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def start(archive, data_dir, *, before="", preexec_fn=None, **environment):
    """Start a process of its own that fetches ``archive`` after it has run the code ``before``."""
    script = f"""
from pathlib import Path
from helpers.data import Archive, fetch
{before}
print("asking", flush=True)
print(fetch({archive!r}, Path({str(data_dir)!r})), flush=True)
"""
    root = str(Path(sources.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": root, "PYTHONUTF8": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=preexec_fn,
    )


def test_an_archive_is_downloaded_and_unpacked_beside_what_lies_there(server, tmp_path):
    own = {"aclImdb/README": b"mine", "notes.txt": b"mine too", ".hidden": b"and this"}
    (tmp_path / "aclImdb").mkdir()
    for name, content in own.items():
        (tmp_path / name).write_bytes(content)
    folder = fetch(server.archive(), tmp_path)
    assert folder == tmp_path / "aclImdb_v1"
    assert tree(folder) == LABELLED  # the reviews without labels are left out
    assert (tmp_path / NAME).read_bytes() == BODY
    assert visible(tmp_path) == [".hidden", "aclImdb", "aclImdb_v1", NAME, "notes.txt"]
    assert own.items() <= tree(tmp_path).items()


def test_an_archive_put_there_by_hand_is_used_and_without_skip_all_of_it(tmp_path):
    assert tree(fetch(put_by_hand(tmp_path), tmp_path)) == FILES


def test_the_second_call_only_reads(server, tmp_path, monkeypatch):
    data_dir = tmp_path / "not" / "there"
    fetch(server.archive(), data_dir)
    (data_dir / NAME).unlink()
    monkeypatch.delattr(sources, "FileLock")  # a class may share a folder it cannot write
    assert tree(fetch(server.archive(), data_dir)) == LABELLED
    assert server.requests == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"whole": False}, "could not be downloaded", id="less than declared"),
        pytest.param({"status": 404}, "could not be downloaded", id="not found"),
        pytest.param({"body": BODY[: len(BODY) // 2]}, "wrong checksum", id="cut short"),
        pytest.param({"body": BODY[:-1] + b"!"}, "wrong checksum", id="another byte"),
    ],
)
def test_a_bad_download_leaves_nothing_behind(server, tmp_path, monkeypatch, changes, words):
    archive = server.archive()
    with monkeypatch.context() as patch:
        for name, value in changes.items():
            patch.setattr(server, name, value)
        with pytest.raises(DataError, match=words) as caught:
            fetch(archive, tmp_path)
    for part in (archive.url, "do without, or", "by hand", str(tmp_path / NAME), archive.sha256):
        assert part in str(caught.value)
    assert visible(tmp_path) == []
    del caught
    gc.collect()  # a socket left open would warn now
    assert tree(fetch(archive, tmp_path)) == LABELLED


def test_a_partial_archive_is_neither_used_nor_overwritten(server, tmp_path):
    (tmp_path / NAME).write_bytes(BODY[:-7])
    words = f"^{re.escape(str(tmp_path / NAME))} is not .*unfinished download.*move it away"
    with pytest.raises(DataError, match=words):
        fetch(server.archive(), tmp_path)
    assert tree(tmp_path)[NAME] == BODY[:-7]
    assert visible(tmp_path) == [NAME]
    assert server.requests == 0


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="Python before 3.11.4")
@pytest.mark.parametrize("hostile", [member("../evil"), member("aclImdb/evil", tarfile.FIFOTYPE)])
def test_a_hostile_member_is_refused(tmp_path, hostile):
    data_dir = tmp_path / "deep" / "data"
    data_dir.mkdir(parents=True)
    archive = put_by_hand(data_dir, packed(hostile), skip="aclImdb/tr")
    with pytest.raises(tarfile.FilterError, match="evil"):
        fetch(archive, data_dir)
    assert visible(data_dir) == [NAME]
    assert [path.name for path in tmp_path.rglob("*evil*")] == []


def test_a_member_cannot_set_permissions(tmp_path):
    archive = put_by_hand(tmp_path, packed(member("aclImdb/tool", mode=0o4777)))
    reference = tmp_path / "reference"
    reference.touch()
    tool = fetch(archive, tmp_path) / "aclImdb" / "tool"
    assert tool.stat().st_mode == reference.stat().st_mode


def test_a_kill_in_the_middle_of_the_download(server, tmp_path):
    server.go_on.clear()
    process = start(server.archive(), tmp_path)
    assert server.half_sent.wait(PATIENCE)
    partial = tmp_path / UNFINISHED / NAME
    deadline = time.monotonic() + PATIENCE
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=PATIENCE)
    server.go_on.set()
    assert 0 < partial.stat().st_size < len(BODY)
    assert visible(tmp_path) == [UNFINISHED]
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED
    assert visible(tmp_path) == ["aclImdb_v1", NAME]


def test_a_kill_in_the_middle_of_unpacking(server, tmp_path):
    pause = """
import tarfile, time
extract = tarfile.TarFile.extract
def extract_some(tar, member, *args, **options):
    if member.name.endswith("pos/2_10.txt"):
        print("half unpacked", flush=True)
        time.sleep(60)
    extract(tar, member, *args, **options)
tarfile.TarFile.extract = extract_some
"""
    process = start(server.archive(), tmp_path, before=pause)
    assert [process.stdout.readline() for _ in range(2)] == ["asking\n", "half unpacked\n"]
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert visible(tmp_path) == [UNFINISHED, NAME]
    assert (tmp_path / UNFINISHED / "unpacked/aclImdb/test/pos/0_10.txt").is_file()
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED
    assert visible(tmp_path) == ["aclImdb_v1", NAME]
    assert server.requests == 1  # the archive itself was complete


def test_an_interrupt_from_the_keyboard_leaves_nothing_behind(server, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sources.tarfile.TarFile, "extract", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(server.archive(), tmp_path)
    assert visible(tmp_path) == [NAME]
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED


def test_two_processes_at_once_download_once(server, tmp_path):
    server.go_on.clear()
    processes = [start(server.archive(), tmp_path, TQDM_DISABLE=disable) for disable in ("", "1")]
    for process in processes:
        assert process.stdout.readline() == "asking\n"
    assert server.half_sent.wait(PATIENCE)
    time.sleep(0.3)  # time enough for the other to ask as well, were it to
    server.go_on.set()
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out.strip()) == (0, str(tmp_path / "aclImdb_v1")), err
    assert server.requests == 1
    assert tree(tmp_path / "aclImdb_v1") == LABELLED


def test_bars_count_bytes_and_files(server, tmp_path, monkeypatch):
    bars = []

    def shown(words, **options):
        bars.append(tqdm(desc=words, disable=False, file=io.StringIO(), **options))
        return bars[-1]

    monkeypatch.setattr(sources, "progress_bar", shown)
    fetch(server.archive(), tmp_path)
    download, unpacking = bars
    assert (download.desc, download.unit) == (NAME, "B")
    assert download.total == download.n == len(BODY)
    assert unpacking.n == 1 + len(LABELLED)  # the folder counts too


def test_renaming_is_tried_again_while_a_scanner_holds_files(tmp_path, monkeypatch):
    rename, refusals = os.rename, [PermissionError("in use"), PermissionError("in use")]

    def refuse_at_first(source, target):
        if refusals:
            raise refusals.pop()
        rename(source, target)

    monkeypatch.setattr(sources.os, "rename", refuse_at_first)
    monkeypatch.setattr(sources.time, "sleep", lambda _: None)
    archive = put_by_hand(tmp_path)
    assert tree(fetch(archive, tmp_path)) == FILES
    refusals += [PermissionError("in use")] * 99
    with pytest.raises(DataError, match="in use"):
        fetch(replace(archive, folder="other"), tmp_path)
    assert not (tmp_path / "other").exists()


def last_words(process):
    """Return the last line that a process wrote to standard error, which ended in an exception."""
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "During handling" not in err
    return err.splitlines()[-1]


def assert_not_kept(process, folder, why):
    error = last_words(process)
    told = f"helpers.data.sources.DataError: aclImdb_v1 cannot be kept in {folder} ("
    remedy = "free some space, ask with another data_dir that may be written, or do without"
    assert error.startswith(told)
    assert why in error
    assert error.endswith(remedy)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path, mode):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    archive = put_by_hand(data_dir, instead="do without")
    data_dir.chmod(mode)
    try:
        for place in (data_dir, data_dir / "new"):
            process = start(archive, place, preexec_fn=as_ordinary_user)
            assert_not_kept(process, place, "Permission denied")
    finally:
        data_dir.chmod(0o755)
    assert visible(data_dir) == [NAME]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of a file")
@pytest.mark.parametrize("there", [[], [NAME]], ids=["downloading", "unpacking"])
def test_without_space_nothing_half_written_is_left(server, tmp_path, there):
    for name in there:
        (tmp_path / name).write_bytes(BODY)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    assert_not_kept(start(server.archive(), tmp_path, before=limit), tmp_path, "too large")
    assert visible(tmp_path) == there
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED


@pytest.mark.parametrize("module", ["lzma", "bz2"])
def test_a_python_that_cannot_download_unpacks_all_the_same(server, tmp_path, module):
    blocked = f"import sys; sys.modules[{module!r}] = None"
    archive = server.archive()
    error = last_words(start(archive, tmp_path, before=blocked))
    assert f"DataError: {archive.url} could not be downloaded (import of {module}" in error
    assert visible(tmp_path) == []
    put_by_hand(tmp_path)
    process = start(archive, tmp_path, before=blocked)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert tree(tmp_path / "aclImdb_v1") == LABELLED
    assert server.requests == 0


def test_a_file_where_the_folder_belongs_is_named(tmp_path):
    (tmp_path / "aclImdb_v1").write_bytes(b"in the way")
    with pytest.raises(DataError, match=r"^aclImdb_v1 cannot be kept in .*aclImdb_v1'\)"):
        fetch(put_by_hand(tmp_path), tmp_path)
    assert (tmp_path / "aclImdb_v1").read_bytes() == b"in the way"
