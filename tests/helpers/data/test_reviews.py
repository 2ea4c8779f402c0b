"""The reviews: those of the Python package, and the official halves."""

from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import DataError, ReviewSplit, contiguous_folds, load_imdb
from helpers.data import reviews as module
from tests.helpers.data.archives import NUMBERS, put_by_hand

ROOT = Path(module.__file__).parents[2]


@pytest.fixture(scope="module")
def by_position():
    return load_imdb()


def reviews(split):
    """Return every review with its label, and how often it occurs."""
    texts, labels = split.train_texts + split.test_texts, split.train_labels + split.test_labels
    return Counter(zip(texts, labels, strict=True))


def test_the_last_fifth_of_each_class_is_held_out_in_the_order_of_the_file(by_position):
    assert by_position.train_labels == [0] * 10_000 + [1] * 10_000
    assert by_position.test_labels == [0] * 2_500 + [1] * 2_500
    assert repr(by_position) == "ReviewSplit(train=20,000, test=5,000)"  # and not in full
    # The first and the last review of each class, as the CSV file has them.
    train, test = by_position.train_texts, by_position.test_texts
    assert train[0].startswith("I rented I AM CURIOUS-YELLOW from my video")
    assert train[10_000].startswith("Zentropa has much in common with The Third")
    assert test[2_499].startswith("Yes AWA wrestling how can anyone forget")
    assert test[4_999].startswith("The story centers around Barry McKenzie")
    # Which is the last fold.
    texts, labels = module._read_packaged()
    *before, last = contiguous_folds(labels, 5)
    assert test == [texts[i] for i in last]
    assert train == [texts[i] for i in sorted(chain(*before))]


def test_the_shuffled_split_deals_the_same_reviews_differently(by_position):
    shuffled, default, other = (
        load_imdb(split="shuffled", **seed) for seed in ({"seed": 0}, {}, {"seed": 5})
    )
    assert shuffled == default
    assert shuffled.test_texts != other.test_texts
    assert (len(shuffled.train_texts), len(shuffled.test_texts)) == (20_000, 5_000)
    assert reviews(shuffled) == reviews(by_position)
    # A fair draw of 5,000 from 25,000 has 2,500 positive reviews, standard deviation 31.6.
    assert abs(sum(shuffled.test_labels) - 2_500) < 5 * 32
    # And a fifth of them come from the last fifth: 1,000, standard deviation 25.3.
    held_out = set(by_position.test_texts)
    assert abs(sum(text in held_out for text in shuffled.test_texts) - 1_000) < 5 * 26 + 18


@pytest.fixture
def official(tmp_path, monkeypatch):
    """Put a small archive of the official layout where a reader would put the real one."""
    monkeypatch.setattr(module, "_OFFICIAL", put_by_hand(tmp_path))
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


@pytest.mark.parametrize(
    ("change", "file", "found"), [(Path.unlink, "2_10.txt", 3), (Path.touch, "3_8.txt", 5)]
)
def test_an_incomplete_folder_is_named(official, change, file, found):
    load_imdb(source="official", data_dir=official)
    folder = official / "aclImdb_v1" / "aclImdb" / "test" / "pos"
    change(folder / file)
    with pytest.raises(DataError) as caught:
        load_imdb(source="official", data_dir=official)
    remedy = f"move {official / 'aclImdb_v1'} away and ask again"
    assert str(caught.value) == f"{folder} must hold 4 reviews, found {found}: {remedy}"


def test_the_default_folder_is_the_one_of_the_repository(monkeypatch):
    monkeypatch.setattr(module, "_load_official", lambda p: ReviewSplit([str(p)], [], [], []))
    assert load_imdb(source="official").train_texts == [str(ROOT.resolve() / "data")]


def test_the_official_archive_is_the_published_one():
    # The folder data/README.md tells readers the same address, size and checksum.
    readme = (ROOT / "data" / "README.md").read_text("utf-8")
    official = module._OFFICIAL
    for fact in (official.url, f"{official.size:,}", official.sha256):
        assert fact in readme


# Folds


CLASSES = [0, -(2**63), 2**63 - 1]


@given(st.lists(st.sampled_from(CLASSES), max_size=41), st.integers(2, 7))
def test_folds_cut_every_class_by_position(labels, folds):
    labels = labels + CLASSES * folds  # every class often enough
    parts = contiguous_folds(labels, folds)
    assert contiguous_folds(torch.tensor(labels), folds) == parts
    assert len(parts) == folds
    assert sorted(chain(*parts)) == list(range(len(labels)))
    assert all(part == sorted(part) for part in parts)
    for label in CLASSES:
        blocks = [[i for i in part if labels[i] == label] for part in parts]
        assert list(chain(*blocks)) == [i for i, own in enumerate(labels) if own == label]
        assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_folds_by_hand_of_which_five_are_the_default():
    assert contiguous_folds([0] * 5 + [1] * 4, 2) == [[0, 1, 5, 6], [2, 3, 4, 7, 8]]
    assert contiguous_folds([0, 1] * 31) == contiguous_folds([0, 1] * 31, 5)
