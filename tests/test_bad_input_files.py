"""Bad input for archives and packaged files; the law and its harness are in ``bad_input``.

Nothing is downloaded: the archive lies where one puts it by hand.
"""

import contextlib
import hashlib
import io
import os
import re
import tarfile
import tempfile
from pathlib import Path

import pytest

from bad_input import (
    Entry,
    Kind,
    Law,
    instance,
    integer,
    text,
)
from helpers import packaged
from helpers.archive import Archive, DataError, fetch
from helpers.packaged import read_packaged

MODULES = ["archive", "packaged"]


def is_place(value: object) -> bool:
    """Whether a folder may be made of that name."""
    return isinstance(value, str | Path) and not os.path.isfile(str(value).removesuffix("/a"))


PLACE = Kind("a path to a folder", is_place)


def packed() -> bytes:
    """Return a .tar.gz of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("inside/seven.txt")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"seven"))
    return buffer.getvalue()


BODY = packed()
FIELDS = {
    "url": "http://127.0.0.1:9/shelf.tar.gz",
    "size": len(BODY),
    "sha256": hashlib.sha256(BODY).hexdigest(),
    "folder": "shelf",
    "skip": "",
    "instead": "do without",
}


def fetched(archive: object, data_dir: object) -> dict[str, bytes]:
    """Fetch in an empty folder, the archive being where one puts it by hand, and read what came."""
    with tempfile.TemporaryDirectory() as home, contextlib.chdir(home):
        with contextlib.suppress(TypeError, ValueError, OSError):
            Path(data_dir).mkdir(parents=True)
        with contextlib.suppress(TypeError, ValueError, OSError):
            (Path(data_dir) / "shelf.tar.gz").write_bytes(BODY)
        folder = fetch(archive, data_dir)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


def check_archive(result, given):
    assert {name: getattr(result, name) for name in given} == given
    assert result.url.endswith("/" + result.file_name)
    for name in (result.file_name, result.folder):
        assert re.fullmatch(r"\w[\w.+-]{0,99}", name, re.ASCII)
    assert result.folder != result.file_name
    assert int(result.sha256, 16) >= 0


def check_fetched(result, given):
    assert result == {"inside/seven.txt": b"seven"}


def check_source(result, given):
    assert result == SOURCE


SOURCE = Path(packaged.__file__).read_bytes()


ENTRIES = [
    Entry(
        "archive.Archive",
        lambda: (Archive, dict(FIELDS)),
        {"size": integer(1, 2**63 - 1)}
        | {name: text() for name in ("url", "sha256", "folder", "skip", "instead")},
        check_archive,
        extra={
            "url": {
                "another scheme": lambda: "ftp://127.0.0.1/shelf.tar.gz",
                "no file": lambda: "http://127.0.0.1/",
                "upwards": lambda: "http://127.0.0.1/..",
            },
            "folder": {
                "upwards": lambda: "..",
                "outside": lambda: "../shelf",
                "absolute": lambda: "/tmp",
                "the file itself": lambda: "shelf.tar.gz",
            },
        },
    ),
    Entry(
        "archive.fetch",
        lambda: (fetched, {"archive": Archive(**FIELDS), "data_dir": "data"}),
        {"archive": instance(Archive), "data_dir": PLACE},
        check_fetched,
        extra={"data_dir": {"a file": lambda: __file__, "below a file": lambda: __file__ + "/a"}},
    ),
    Entry(
        "packaged.read_packaged",
        lambda: (
            read_packaged,
            {"distribution": "course==1", "path": "helpers/packaged.py"}
            | {"sha256": hashlib.sha256(SOURCE).hexdigest()},
        ),
        {"distribution": text(), "path": text(), "sha256": text()},
        check_source,
        raises=(DataError,),
        names=("course",),
        extra={
            "path": {
                "a folder": lambda: "helpers",
                "upwards": lambda: "helpers/../helpers/packaged.py",
                "outside": lambda: "/etc/hostname",
                "no package": lambda: "sys/path",
            }
        },
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 30


def test_a_file_where_the_folder_belongs_is_named(tmp_path):
    (tmp_path / "shelf.tar.gz").write_bytes(BODY)
    (tmp_path / "shelf").write_bytes(b"in the way")
    with pytest.raises(DataError, match="shelf must be a folder: move it away"):
        fetch(Archive(**FIELDS), tmp_path)
    assert (tmp_path / "shelf").read_bytes() == b"in the way"


@pytest.mark.parametrize(
    "body", [b"no archive", BODY[:-20], BODY[:20]], ids=["text", "without its end", "its head"]
)
def test_what_is_no_archive_is_named(tmp_path, body):
    (tmp_path / "shelf.tar.gz").write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    with pytest.raises(DataError, match=r"shelf\.tar\.gz cannot be unpacked"):
        fetch(Archive(**{**FIELDS, "sha256": digest}), tmp_path)
    assert not (tmp_path / "shelf").exists()
