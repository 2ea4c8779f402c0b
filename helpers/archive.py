"""Fetch a published archive once, and never take half of it for the whole.

Scope: download through pooch, checksum, safe extraction, and a finish in one step. In ``data_dir``
there are afterwards::

    aclImdb_v1.tar.gz          the archive; bears this name only once its checksum is right
    aclImdb_v1/                what was in it; bears this name only once all of it is there
    .aclImdb_v1.lock           held while one process works; the system frees it if that one dies
    .aclImdb_v1.unfinished/    where work is done; what a killed process left is thrown away

Nothing else in ``data_dir`` is written, moved or deleted.
"""

import errno
import hashlib
import os
import re
import shutil
import tarfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock

from helpers.checks import check_int, check_path, shown
from helpers.progress import progress_bar

__all__ = ["Archive", "DataError", "fetch"]


_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NAME = r"\w[\w.+-]{0,99}"  # of a file or folder, on every system


class DataError(RuntimeError):
    """Data are missing, damaged or out of reach; the message says what to do about it."""


@dataclass(frozen=True)
class Archive:
    """A gzipped tar archive on the web.

    Attributes:
        url: where it is; the last part is the name of the file.
        size: bytes in the file.
        sha256: the checksum of the file.
        folder: the name of the folder it is unpacked into.
        skip: members whose name begins so are checked but not unpacked; "" unpacks all.
        instead: what to do without the archive, as the end of a sentence.
    """

    url: str
    size: int
    sha256: str
    folder: str
    skip: str = ""
    instead: str = "work without it"

    def __post_init__(self) -> None:
        for name in ("url", "sha256", "folder", "skip", "instead"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a string, got {shown(getattr(self, name))}")
        check_int("size", self.size)
        for name, form, wanted in (
            ("url", rf"https?://[!-~]{{1,500}}/{_NAME}", "an http address of a file"),
            ("sha256", r"[0-9a-f]{1,64}", "up to 64 digits from 0 to f"),
            ("folder", rf"(?!{re.escape(self.file_name)}$){_NAME}", "the name of a folder"),
        ):
            if not re.fullmatch(form, getattr(self, name), re.ASCII):
                raise ValueError(f"{name} must be {wanted}, got {shown(getattr(self, name))}")

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def fetch(archive: Archive, data_dir: Path) -> Path:
    """Return the folder with the unpacked archive, downloading and unpacking it if need be.

    Several processes may ask at once: one works, the others wait for it. A progress bar is shown
    (see ``helpers.progress``).

    Args:
        archive: what to fetch.
        data_dir: where to keep it; created if it is not there. An archive that was put there by
            hand is used, provided its checksum is right.

    Returns:
        ``data_dir / archive.folder``, complete.

    Raises:
        TypeError, ValueError: ``archive`` is none, or ``data_dir`` no place for a folder.
        DataError: no network, a wrong checksum, an archive with unsafe members, or a folder that
            cannot be written; nothing half-written is left.
    """
    if not isinstance(archive, Archive):
        raise TypeError(f"archive must be an Archive, got {shown(archive)}")
    data_dir = check_path("data_dir", data_dir)
    try:
        return _fetch(archive, data_dir)
    except OSError as error:
        raise DataError(
            f"{archive.folder} cannot be kept in {data_dir} ({error}): "
            f"free some space, ask with another data_dir that may be written, or {archive.instead}"
        ) from error


def _fetch(archive: Archive, data_dir: Path) -> Path:
    folder = data_dir / archive.folder
    if folder.is_dir():
        return folder
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"data_dir must be a folder or a place for one, got {shown(str(data_dir))}: "
            f"{error.strerror}"
        ) from error
    with FileLock(data_dir / f".{archive.folder}.lock"):
        if folder.is_dir():  # another process finished while this one waited
            return folder
        if folder.exists():
            raise DataError(f"{folder} must be a folder: move it away and ask again")
        work = data_dir / f".{archive.folder}.unfinished"
        if work.exists():
            shutil.rmtree(work)
        work.mkdir()
        try:
            packed = _download(archive, data_dir / archive.file_name, work)
            _extract(packed, work / "unpacked", archive.skip)
            _rename(work / "unpacked", folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder


def _download(archive: Archive, target: Path, work: Path) -> Path:
    """Return ``target``, its checksum verified, downloading it by way of ``work`` if need be."""
    if target.exists():
        found = _sha256(target)
        if found != archive.sha256:
            raise DataError(
                f"{target} is not the file it should be, perhaps an unfinished download: "
                f"sha256 is {found}, expected {archive.sha256}; move it away and ask again"
            )
        return target
    partial = work / archive.file_name
    by_hand = (
        f"{archive.instead}, or download {archive.url} by hand and put it at {target} "
        f"(sha256 {archive.sha256})"
    )
    try:
        import pooch  # here, because it needs lzma and bz2, which some Pythons are built without
    except ImportError as error:
        raise DataError(
            f"this Python cannot download {archive.url} ({error}): {by_hand}"
        ) from error
    responses = []  # pooch leaves them open when a download fails
    units = {"total": archive.size, "unit": "B", "unit_scale": True}
    try:
        with progress_bar(archive.file_name, **units) as bar:
            download = pooch.HTTPDownloader(
                progressbar=bar,
                chunk_size=2**16,
                hooks={"response": lambda response, **_: responses.append(response)},
            )
            download(archive.url, str(partial), None)
    except (OSError, ValueError) as error:  # what requests raises is one, or both
        if getattr(error, "errno", None) in _DISK_FULL:
            raise
        raise DataError(f"{archive.url} could not be downloaded ({error}): {by_hand}") from error
    finally:
        for response in responses:
            response.close()
    found = _sha256(partial)
    if found != archive.sha256:
        raise DataError(
            f"what came from {archive.url} has the wrong checksum: "
            f"sha256 is {found}, expected {archive.sha256}; ask again later, {by_hand}"
        )
    _rename(partial, target)
    return target


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _extract(packed: Path, folder: Path, skip: str) -> None:
    """Unpack regular files and folders; refuse the archive at the first member of another kind."""
    # Python before 3.11.4 has no filters. What _check_member lets pass is harmless without them.
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    folder.mkdir()
    try:
        with tarfile.open(packed, "r:gz") as tar, progress_bar("unpacking", unit=" files") as bar:
            for member in tar:
                _check_member(member, packed)
                if not (skip and member.name.startswith(skip)):
                    tar.extract(member, folder, set_attrs=False, **safely)
                    bar.update()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{packed} cannot be unpacked: no whole .tar.gz ({error})") from error


def _check_member(member: tarfile.TarInfo, packed: Path) -> None:
    """Raise a DataError for what is neither file nor folder, or could land outside.

    Backslashes and colons are refused too: on Windows they separate folders and name drives.
    """
    path = PurePosixPath(member.name)
    if not (member.isreg() or member.isdir()):
        problem = "is a link or a device"
    elif path.is_absolute() or ".." in path.parts or set(member.name) & set("\\:"):
        problem = "would leave the folder"
    else:
        return
    raise DataError(f"{packed} is not safe to unpack: its member {member.name!r} {problem}")


def _rename(source: Path, target: Path, *, attempts: int = 10) -> None:
    """Rename; on Windows try again while a virus scanner has fresh files open."""
    for attempt in range(attempts):
        try:
            os.rename(source, target)
            return
        except PermissionError:
            if attempt == attempts - 1:
                raise
            time.sleep(0.5)
