"""Archives made up for tests, with the layout of the official one, and how to put one by hand."""

import hashlib
import io
import random
import tarfile
from pathlib import Path

from helpers.data import Archive

NAME = "aclImdb_v1.tar.gz"
NUMBERS = (10, 0, 2, 1)  # not in order, and 10 sorts before 2 as text

# Folders, reviews, and more reviews without labels.
FILES = {
    "aclImdb/README": b"about\n",
    **{
        f"aclImdb/{half}/{label}/{number}_{stars}.txt": f"{half} {label} {number} é\r\n".encode()
        for half in ("test", "train")
        for label, stars in (("pos", 10), ("neg", 3), ("unsup", 0))
        for number in NUMBERS
    },
    "aclImdb/train/labeledBow.feat": b"",
    # Not to be packed any smaller, so that half of the download is more than the first piece.
    "aclImdb/imdbEr.txt": random.Random(3).randbytes(400_000),
}
LABELLED = {name: content for name, content in FILES.items() if "train/unsup" not in name}


def member(name: str, kind: bytes = tarfile.REGTYPE, **attributes: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for attribute, value in {"type": kind, **attributes}.items():
        setattr(made, attribute, value)
    return made


def packed(*extra: tarfile.TarInfo) -> bytes:
    """Return a gzipped tar archive of a folder, ``FILES``, and empty members in ``extra``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(member("aclImdb", tarfile.DIRTYPE, mode=0o755))
        for name, content in FILES.items():
            tar.addfile(member(name, size=len(content)), io.BytesIO(content))
        for each in extra:
            tar.addfile(each)
    return buffer.getvalue()


BODY = packed()


def archive_of(body: bytes = BODY, host: str = "127.0.0.1:9", **changes: object) -> Archive:
    known = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "folder": "aclImdb_v1"}
    return Archive(f"http://{host}/{NAME}", **(known | changes))


def put_by_hand(folder: Path, body: bytes = BODY, **changes: object) -> Archive:
    """Put an archive into a folder, and return what describes it; nobody would send it."""
    (folder / NAME).write_bytes(body)
    return archive_of(body, **changes)
