"""Runs of words against plain dictionaries, ratios against scikit-learn, and batches of both."""

import math
from collections import Counter
from itertools import chain, cycle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.naive_bayes import MultinomialNB

from helpers.data import (
    Ngrams,
    contiguous_folds,
    held_out_ratios,
    log_count_ratios,
    ngram_batches,
)
from tests.helpers.data.draws import generator, same

TEXTS = st.lists(st.lists(st.sampled_from("abc"), max_size=9), min_size=1, max_size=7)
STRANGE = st.lists(st.sampled_from("abcxy"), max_size=9)  # x and y are in no training text
DTYPES = st.sampled_from([np.int64, np.int32, np.uint8, np.uint64])
K, G = 2, 7


# The table of runs


def runs(text, longest):
    """For each word the runs of 1, 2, ... words that end at it; None if the text is too short."""
    return [
        [tuple(text[end - n : end]) if n <= end else None for n in range(1, longest + 1)]
        for end in range(1, len(text) + 1)
    ]


def kept_runs(texts, longest, min_texts):
    """The runs that stand in enough texts, counted in a dictionary."""
    counts = Counter()
    for text in texts:
        counts.update({run for at_word in runs(text, longest) for run in at_word if run})
    return {run for run, count in counts.items() if count >= min_texts}


@settings(max_examples=300)
@given(TEXTS, st.lists(STRANGE, max_size=3), st.integers(1, 4), st.integers(1, 3))
def test_ids_stand_for_the_runs_of_enough_texts(texts, others, longest, min_texts):
    table = Ngrams(texts, longest=longest, min_texts=min_texts)
    kept, found = kept_runs(texts, longest, min_texts), {}
    for text in [*others, *texts, *map(tuple, others)]:
        ids = table.encode(text)
        assert ids.shape == (len(text), longest)
        assert ids.dtype == np.int32
        for at_word, row in zip(runs(text, longest), ids.tolist(), strict=True):
            for run, number in zip(at_word, row, strict=True):
                assert (number > 0) == (run in kept)
                if number:
                    assert found.setdefault(run, number) == number  # one id a run
    assert found.keys() == kept
    assert len(table) == 1 + len(kept)  # encoding has taught it nothing
    assert sorted(found.values()) == list(range(1, len(table)))  # and one run an id


def test_defaults_and_what_a_table_says_of_itself():
    table = Ngrams([("a", "b", "c", "d")] * 2)
    assert table.longest == 3
    assert repr(table) == f"Ngrams({1 + 4 + 3 + 2} ids, runs of 1 to 3 words)"
    assert len(Ngrams([["a", "b", "c", "d"]])) == 1  # min_texts is 2
    assert len(Ngrams([list("abcdefghi")] * 2, longest=8)) == 1 + sum(range(2, 10))


# Ratios


@st.composite
def labelled(draw, folds=1):
    """Rows of ids of several dtypes, and labels of which each class has at least ``folds``."""
    count = draw(st.integers(2 * folds, 2 * folds + 5))
    ids = st.lists(st.integers(0, G - 1), min_size=K, max_size=K)
    texts = draw(st.lists(st.lists(ids, max_size=5), min_size=count, max_size=count))
    rows = [np.array(text, dtype=draw(DTYPES)).reshape(-1, K) for text in texts]
    free = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    return rows, draw(st.permutations([0, 1] * folds + free[2 * folds :]))


SMOOTHING = st.sampled_from([0.01, 0.5, 1.0, 3.0])


@given(labelled(), SMOOTHING)
def test_ratios_are_those_of_scikit_learns_naive_bayes_and_swapped_labels_negate_them(
    data, smoothing
):
    rows, labels = data
    present = np.array([[i in row for i in range(1, G)] for row in rows], dtype=float)
    against, speaks = MultinomialNB(alpha=smoothing).fit(present, labels).feature_log_prob_
    ratios = log_count_ratios(rows, torch.tensor(labels), G, smoothing=smoothing)
    np.testing.assert_allclose(ratios, [0, *(speaks - against)], rtol=0, atol=1e-5)
    swapped = log_count_ratios(rows, [1 - label for label in labels], G, smoothing=smoothing)
    np.testing.assert_allclose(swapped, -ratios, rtol=0, atol=1e-6)


def test_ratios_by_hand_of_an_id_of_one_class_alone_and_of_no_ids():
    # One more of each is counted: 2 and 1, of 3, for class 1, and 1 and 2, of 3, for class 0.
    by_hand = [0, math.log(2), -math.log(2)]
    ratios = log_count_ratios([np.array([[1]]), np.array([[2]])], [1, 0], 3)
    assert ratios.tolist() == pytest.approx(by_hand)
    assert log_count_ratios([np.zeros((2, K), dtype=int)] * 2, [1, 0], 1).tolist() == [0]


@given(labelled(folds=3), SMOOTHING)
def test_held_out_ratios_are_those_of_the_other_folds(data, smoothing):
    rows, labels = data
    folds = [tuple(fold[::-1]) for fold in contiguous_folds(labels, 3)]  # their order is free
    weights = held_out_ratios(rows, labels, G, folds, smoothing=smoothing)
    for fold in folds:
        others = [i for i in range(len(rows)) if i not in fold]
        theirs = [rows[i] for i in others], [labels[i] for i in others]
        ratios = log_count_ratios(*theirs, G, smoothing=smoothing)
        for i in fold:
            assert weights[i].dtype == np.float32
            expected = [[ratios[number] for number in row] for row in rows[i].tolist()]
            np.testing.assert_array_equal(weights[i], np.reshape(expected, rows[i].shape))


# Batches


def texts_of(lengths, width=K, dtypes=(np.int64,)):
    """Texts no two of whose ids are alike, so that each can be told; a weight is an id's half.

    Nobody may write into them.
    """
    total = sum(lengths) * width
    ids = np.split(np.arange(1, total + 1).reshape(-1, width), np.cumsum(lengths)[:-1])
    ids = [row.astype(dtype) for row, dtype in zip(ids, cycle(dtypes))]
    weights = [(row / 2).astype(np.float16) for row in ids]
    for array in (*ids, *weights):
        array.flags.writeable = False
    return ids, weights, [i % 2 for i in range(len(lengths))]


def walked(batches):
    """Each text of the batches, once padding is looked at: ids, weights and label."""
    for ids, weights, mask, labels in batches:
        count = mask.sum(dim=1)
        assert ids.shape == weights.shape == (*mask.shape, ids.shape[2])
        assert mask.shape == (len(labels), max(1, int(count.max())))
        assert (ids.dtype, mask.dtype, labels.dtype) == (torch.int64, torch.bool, torch.int64)
        assert weights.dtype == torch.get_default_dtype()
        assert torch.equal(mask, torch.arange(mask.shape[1]) < count[:, None])  # padding at the end
        assert not ids[~mask].any()
        assert not weights[~mask].any()
        for row, factors, real, label in zip(ids, weights, mask, labels.tolist(), strict=True):
            yield row[real].tolist(), factors[real].tolist(), label


@given(
    lengths=st.lists(st.integers(0, 7), min_size=1, max_size=11),
    batch_size=st.integers(1, 5),
    seed=st.one_of(st.none(), st.integers(0, 99)),
    width=st.integers(1, 3),
    dtypes=st.lists(DTYPES, min_size=1, max_size=3),
)
def test_batches_hold_every_text_once(lengths, batch_size, seed, width, dtypes):
    rows, weights, labels = texts_of(lengths, width, dtypes)
    draws = None if seed is None else generator(seed)
    batches = list(ngram_batches(rows, weights, labels, batch_size, generator=draws))
    assert all(len(targets) <= batch_size for *_, targets in batches)
    given = zip([r.tolist() for r in rows], [w.tolist() for w in weights], labels, strict=True)
    seen = list(walked(batches))
    assert sorted(seen) == sorted(given)
    if seed is None:  # from short to long
        assert [len(ids) for ids, _, _ in seen] == sorted(lengths)


def test_word_dropout_leaves_out_its_share_of_the_words_and_each_by_itself():
    """The words that stay keep their order, runs, weights and label."""
    p, length, count, draws = 0.3, 53, 101, generator(0)
    rows, weights, labels = texts_of([length] * count)
    kept = []
    for _ in range(2):
        batches = ngram_batches(rows, weights, labels, 7, word_dropout=p, generator=draws)
        for ids, factors, label in walked(batches):
            text = (ids[0][0] - 1) // (length * K)
            places = [rows[text].tolist().index(row) for row in ids]
            assert places == sorted(set(places))
            assert factors == weights[text][places].tolist()
            assert label == labels[text]
            kept.append((text, tuple(places)))
    texts, places = zip(*kept, strict=True)
    assert sorted(texts) == sorted([*range(count)] * 2)
    # Neither the same words in every text, nor the same in every round.
    assert len(set(places)) == 2 * count
    words = 2 * length * count
    left = sum(map(len, places))
    assert 1 - left / words == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / words))


@pytest.mark.parametrize("word_dropout", [0.0, 0.4])
def test_one_seed_makes_the_same_batches(word_dropout):
    texts = texts_of([3 + i % 7 for i in range(31)])
    first, again, other = (
        chain(*ngram_batches(*texts, 5, word_dropout=word_dropout, generator=generator(seed)))
        for seed in (1, 1, 2)
    )
    first = list(first)
    assert same(first, again)
    assert not same(first, other)


def test_a_batch_whose_words_are_all_left_out():
    nearly_one = 1 - 1e-12
    [(ids, factors, mask, targets)] = ngram_batches(
        *texts_of([2, 3]), 2, word_dropout=nearly_one, generator=generator(0)
    )
    assert ids.shape == factors.shape == (2, 1, K)
    for padding in (mask, ids, factors):
        assert not padding.any()
    assert sorted(targets.tolist()) == [0, 1]


@pytest.mark.usefixtures("float64")
def test_weights_come_in_torchs_default_dtype():
    [(_, weights, _, _)] = ngram_batches(*texts_of([2]), 1)
    assert weights.dtype == torch.float64


def test_batches_swallow_no_nan():
    rows, _, labels = texts_of([2])
    [(_, factors, _, _)] = ngram_batches(rows, [np.array([[1, 1], [1, np.nan]])], labels, 1)
    assert factors.isnan().nonzero().tolist() == [[0, 1, 1]]
