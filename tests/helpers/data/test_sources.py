"""Fetching an archive from a local server: what may go wrong, and what must then not be there."""

import gc
import hashlib
import io
import os
import random
import socket
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from children import as_ordinary_user
from helpers.data import Archive, DataError, fetch, read_packaged, sources
from local_server import serving

NAME = "aclImdb_v1.tar.gz"
PATIENCE = 20  # seconds after which a test that waits has failed

# The layout of the official archive: folders, reviews, and more reviews without labels.
FILES = {
    "aclImdb/README": b"about\n",
    **{
        f"aclImdb/{half}/{label}/{number}_{stars}.txt": f"{half} {label} {number}\r\n".encode()
        for half in ("train", "test")
        for label, stars in (("neg", 3), ("pos", 8))
        for number in (0, 1, 10)
    },
    "aclImdb/train/unsup/0_0.txt": b"no label",
    # Not to be packed any smaller, so that half of the download is more than the first piece.
    "aclImdb/imdbEr.txt": random.Random(3).randbytes(400_000),
}
LABELLED = {name: content for name, content in FILES.items() if "unsup" not in name}


def packed(files=FILES, extra=()):
    """Return a gzipped tar archive with its folders, ``files`` and the members in ``extra``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        folder = tarfile.TarInfo("aclImdb")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member, content in extra:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


BODY = packed()


class Server(ThreadingHTTPServer):
    """Serves ``body``. Tests set how much of it is sent, and hold it back at half."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.sent = None  # bytes really sent, of those declared; None for all
        self.status = 200
        self.requests = 0
        self.half_sent = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def handle_error(self, *args):
        pass  # a client that was killed

    def archive(self, **changes):
        host, port = self.server_address
        known = {"size": len(BODY), "sha256": hashlib.sha256(BODY).hexdigest()}
        known |= {"skip": "aclImdb/train/unsup/", "instead": "do without"}
        return Archive(f"http://{host}:{port}/{NAME}", folder="aclImdb_v1", **(known | changes))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests += 1
        body = server.body
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body[:half])
        server.half_sent.set()
        server.go_on.wait(PATIENCE)
        if not self.wfile.closed and server.sent is None:
            self.wfile.write(body[half:])

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
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


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


def kill(process):
    process.kill()
    process.communicate(timeout=PATIENCE)


def test_an_archive_is_downloaded_and_unpacked(server, tmp_path):
    data_dir = tmp_path / "not" / "there"
    folder = fetch(server.archive(), data_dir)
    assert folder == data_dir / "aclImdb_v1"
    assert tree(folder) == LABELLED  # the reviews without labels are left out
    assert (data_dir / NAME).read_bytes() == BODY
    assert visible(data_dir) == ["aclImdb_v1", NAME]


def test_without_skip_everything_is_unpacked(server, tmp_path):
    assert tree(fetch(server.archive(skip=""), tmp_path)) == FILES


def test_the_second_call_only_reads(server, tmp_path, monkeypatch):
    archive = server.archive()
    fetch(archive, tmp_path)
    (tmp_path / NAME).unlink()
    monkeypatch.delattr(sources, "FileLock")  # a class may share a folder it cannot write
    assert tree(fetch(archive, tmp_path)) == LABELLED
    assert server.requests == 1


def test_an_archive_put_there_by_hand_is_used(server, tmp_path):
    (tmp_path / NAME).write_bytes(BODY)
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED
    assert server.requests == 0


def test_what_else_lies_there_is_left_alone(server, tmp_path):
    own = {"aclImdb/README": b"mine", "notes.txt": b"mine too", ".hidden": b"and this"}
    for name, content in own.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    fetch(server.archive(), tmp_path)
    assert own.items() <= tree(tmp_path).items()


@pytest.mark.parametrize("fault", ["broken off", "cut short", "wrong", "not found"])
def test_a_bad_download_leaves_nothing_behind(server, tmp_path, fault):
    archive = server.archive()
    if fault == "broken off":  # fewer bytes than were declared
        server.sent = len(BODY) // 2
    elif fault == "cut short":  # as few as were declared
        server.body = BODY[: len(BODY) // 2]
    elif fault == "wrong":
        server.body = BODY[:-1] + bytes([BODY[-1] ^ 1])
    else:
        server.status = 404
    with pytest.raises(DataError) as caught:
        fetch(archive, tmp_path)
    message = str(caught.value)
    assert visible(tmp_path) == []
    expected = "wrong checksum" if fault in ("cut short", "wrong") else "could not be downloaded"
    for part in (expected, archive.url, "do without", str(tmp_path / NAME), archive.sha256):
        assert part in message
    del caught
    gc.collect()  # a socket left open would warn now
    server.body, server.sent, server.status = BODY, None, 200
    assert tree(fetch(archive, tmp_path)) == LABELLED


def test_without_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/{NAME}"
        archive = Archive(url, len(BODY), "c0ffee", "aclImdb_v1", instead="use the packaged ones")
        with pytest.raises(DataError, match="could not be downloaded") as caught:
            fetch(archive, tmp_path)
    for part in (url, "use the packaged ones", "by hand", str(tmp_path / NAME), "c0ffee"):
        assert part in str(caught.value)
    assert visible(tmp_path) == []


def test_a_partial_archive_is_neither_used_nor_overwritten(server, tmp_path):
    (tmp_path / NAME).write_bytes(BODY[:-7])
    with pytest.raises(DataError, match=r"unfinished download.*move it away") as caught:
        fetch(server.archive(), tmp_path)
    assert str(tmp_path / NAME) in str(caught.value)
    assert tree(tmp_path)[NAME] == BODY[:-7]
    assert visible(tmp_path) == [NAME]
    assert server.requests == 0


def member(name, kind=tarfile.REGTYPE, **attributes):
    made = tarfile.TarInfo(name)
    made.type = kind
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


HOSTILE = {
    "up": member("../evil"),
    "up later": member("aclImdb/../../evil"),
    "symbolic link out": member("aclImdb/evil", tarfile.SYMTYPE, linkname="../../evil"),
    "pipe": member("aclImdb/evil", tarfile.FIFOTYPE),
    "character device": member("aclImdb/evil", tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": member("aclImdb/evil", tarfile.BLKTYPE),
    "folder up": member("../evil", tarfile.DIRTYPE, mode=0o755),
}


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="Python before 3.11.4")
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_is_refused(tmp_path, hostile):
    body = packed(extra=[(hostile, b"")])
    data_dir = tmp_path / "deep" / "data"
    data_dir.mkdir(parents=True)
    (data_dir / NAME).write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    archive = Archive(f"http://127.0.0.1:9/{NAME}", len(body), digest, "aclImdb_v1", "aclImdb/tr")
    with pytest.raises(tarfile.FilterError, match="evil"):
        fetch(archive, data_dir)
    assert visible(data_dir) == [NAME]
    assert [path.name for path in tmp_path.rglob("*evil*")] == []


def test_a_member_cannot_set_permissions(tmp_path):
    body = packed(extra=[(member("aclImdb/tool", mode=0o4777), b"#!")])
    (tmp_path / NAME).write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    folder = fetch(Archive(f"http://127.0.0.1:9/{NAME}", 1, digest, "aclImdb_v1"), tmp_path)
    reference = tmp_path / "reference"
    reference.touch()
    assert (folder / "aclImdb" / "tool").stat().st_mode == reference.stat().st_mode


def test_a_kill_in_the_middle_of_the_download(server, tmp_path):
    server.go_on.clear()
    process = start(server.archive(), tmp_path)
    assert server.half_sent.wait(PATIENCE)
    partial = tmp_path / ".aclImdb_v1.unfinished" / NAME
    deadline = time.monotonic() + PATIENCE
    while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    kill(process)
    server.go_on.set()
    assert 0 < partial.stat().st_size < len(BODY)
    assert visible(tmp_path) == [".aclImdb_v1.unfinished"]
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED
    assert visible(tmp_path) == ["aclImdb_v1", NAME]


def test_a_kill_in_the_middle_of_unpacking(server, tmp_path):
    pause = """
import tarfile, time
extract = tarfile.TarFile.extract
def extract_some(tar, member, *args, **options):
    if member.name.endswith("pos/1_8.txt"):
        print("half unpacked", flush=True)
        time.sleep(60)
    extract(tar, member, *args, **options)
tarfile.TarFile.extract = extract_some
"""
    process = start(server.archive(), tmp_path, before=pause)
    assert [process.stdout.readline() for _ in range(2)] == ["asking\n", "half unpacked\n"]
    kill(process)
    assert visible(tmp_path) == [".aclImdb_v1.unfinished", NAME]
    assert tree(tmp_path / ".aclImdb_v1.unfinished").keys() & {"unpacked/aclImdb/train/pos/0_8.txt"}
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


class Bar:
    """What pooch and the archive use of a progress bar, recorded."""

    def __init__(self, description, total=None, unit="it", unit_scale=False):
        self.description, self.total, self.unit, self.n = description, total, unit, 0

    def update(self, n=1):
        self.n += n

    def reset(self, total=None):
        self.n, self.total = 0, total or self.total

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_bars_count_bytes_and_files(server, tmp_path, monkeypatch):
    bars = []
    monkeypatch.setattr(
        sources, "progress_bar", lambda *a, **k: bars.append(Bar(*a, **k)) or bars[-1]
    )
    archive = server.archive()
    fetch(archive, tmp_path)
    download, unpacking = bars
    assert (download.description, download.unit) == (NAME, "B")
    assert download.total == download.n == archive.size
    assert unpacking.n >= len(LABELLED)  # folders count too


def test_renaming_is_tried_again_while_a_scanner_holds_files(tmp_path, monkeypatch):
    rename, refusals = os.rename, [PermissionError("in use"), PermissionError("in use")]

    def refuse_twice(source, target):
        if refusals:
            raise refusals.pop()
        rename(source, target)

    monkeypatch.setattr(sources.os, "rename", refuse_twice)
    monkeypatch.setattr(sources.time, "sleep", lambda _: None)
    (tmp_path / NAME).write_bytes(BODY)
    digest = hashlib.sha256(BODY).hexdigest()
    archive = Archive(f"http://127.0.0.1:9/{NAME}", len(BODY), digest, "aclImdb_v1")
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


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path, mode):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / NAME).write_bytes(BODY)
    digest = hashlib.sha256(BODY).hexdigest()
    archive = Archive(
        f"http://127.0.0.1:9/{NAME}", len(BODY), digest, "aclImdb_v1", "", "do without"
    )
    data_dir.chmod(mode)
    try:
        error = last_words(start(archive, data_dir, preexec_fn=as_ordinary_user))
        below = last_words(start(archive, data_dir / "new", preexec_fn=as_ordinary_user))
    finally:
        data_dir.chmod(0o755)
    assert error.startswith(
        f"helpers.data.sources.DataError: aclImdb_v1 cannot be kept in {data_dir} ("
    )
    assert "Permission denied" in error
    assert error.endswith("ask with another data_dir that may be written, or do without")
    assert "Permission denied" in below
    assert "DataError: aclImdb_v1 cannot be" in below
    assert visible(data_dir) == [NAME]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of a file")
@pytest.mark.parametrize("there", [[], [NAME]], ids=["downloading", "unpacking"])
def test_without_space_nothing_half_written_is_left(server, tmp_path, there):
    for name in there:
        (tmp_path / name).write_bytes(BODY)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    error = last_words(start(server.archive(), tmp_path, before=limit))
    assert error.startswith(
        f"helpers.data.sources.DataError: aclImdb_v1 cannot be kept in {tmp_path} ("
    )
    assert error.endswith(
        "free some space, ask with another data_dir that may be written, or do without"
    )
    assert visible(tmp_path) == there
    assert tree(fetch(server.archive(), tmp_path)) == LABELLED


@pytest.mark.parametrize("module", ["lzma", "bz2"])
def test_a_python_that_cannot_download_unpacks_all_the_same(server, tmp_path, module):
    blocked = f"import sys; sys.modules[{module!r}] = None"
    archive = server.archive()
    error = last_words(start(archive, tmp_path, before=blocked))
    assert f"DataError: {archive.url} could not be downloaded (import of {module}" in error
    assert visible(tmp_path) == []
    (tmp_path / NAME).write_bytes(BODY)
    process = start(archive, tmp_path, before=blocked)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert tree(tmp_path / "aclImdb_v1") == LABELLED
    assert server.requests == 0


# Files inside packages


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package with a file in it onto the path, and return the path of the file."""
    file = tmp_path / "shelf_of_a_test" / "deep" / "words.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\x00as they are\r\n")
    (tmp_path / "shelf_of_a_test" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    sys.modules.pop("shelf_of_a_test", None)


# sha256 of the bytes above, from `printf '\000as they are\r\n' | sha256sum`.
WORDS_SHA256 = "425217ee4882e54aae6beac78e6786e6a3fb5d00c0a52aa23450439b91971ea6"


def test_a_packaged_file_is_read_byte_by_byte(package):
    content = read_packaged("shelf==1.2", "shelf_of_a_test/deep/words.bin", WORDS_SHA256)
    assert content == b"\x00as they are\r\n"


def test_another_file_is_refused_with_both_sums(package):
    package.write_bytes(b"other")
    with pytest.raises(DataError) as caught:
        read_packaged("shelf==1.2", "shelf_of_a_test/deep/words.bin", WORDS_SHA256)
    message = str(caught.value)
    found = hashlib.sha256(b"other").hexdigest()
    assert f"the data in {package} are not those of shelf 1.2: " in message
    assert f"sha256 is {found}, expected {WORDS_SHA256}; run `pip install" in message


def test_a_file_that_is_not_there_is_named(package):
    package.unlink()
    with pytest.raises(DataError, match=r"the package shelf is not installed \(.*words\.bin"):
        read_packaged("shelf==1.2", "shelf_of_a_test/deep/words.bin", WORDS_SHA256)
    with pytest.raises(DataError, match=r"not installed \(No module named 'no_such_shelf'\): run"):
        read_packaged("shelf==1.2", "no_such_shelf/words.bin", WORDS_SHA256)


def test_a_folder_that_an_uninstalled_package_left_behind_is_no_package(package):
    package.unlink()
    (package.parents[1] / "__init__.py").unlink()
    with pytest.raises(DataError, match="the package shelf is not installed"):
        read_packaged("shelf==1.2", "shelf_of_a_test/deep/words.bin", WORDS_SHA256)


def test_a_file_where_the_folder_belongs_is_named(tmp_path):
    (tmp_path / NAME).write_bytes(BODY)
    (tmp_path / "aclImdb_v1").write_bytes(b"in the way")
    digest = hashlib.sha256(BODY).hexdigest()
    with pytest.raises(DataError, match=r"^aclImdb_v1 cannot be kept in .*aclImdb_v1'\)"):
        fetch(Archive(f"http://127.0.0.1:9/{NAME}", len(BODY), digest, "aclImdb_v1"), tmp_path)
    assert (tmp_path / "aclImdb_v1").read_bytes() == b"in the way"
