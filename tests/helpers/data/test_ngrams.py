"""Runs of words against plain dictionaries, ratios against scikit-learn, and batches of both."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.naive_bayes import MultinomialNB

from helpers.data import (
    Ngrams,
    contiguous_folds,
    held_out_ratios,
    log_count_ratios,
    ngram_batches,
)

WORDS = st.sampled_from("abc")
TEXT = st.lists(WORDS, max_size=9)
TEXTS = st.lists(TEXT, min_size=1, max_size=7)
STRANGE = st.lists(st.sampled_from("abcxy"), max_size=9)  # x and y are in no training text
COUNTS = {"longest": st.integers(1, 4), "min_texts": st.integers(1, 3)}
K, G = 2, 7


def generator(seed):
    return torch.Generator().manual_seed(seed)


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


# The table of runs


@settings(max_examples=300)
@given(texts=TEXTS, others=st.lists(STRANGE, max_size=3), **COUNTS)
def test_ids_stand_for_the_runs_of_enough_texts(texts, others, longest, min_texts):
    table = Ngrams(texts, longest=longest, min_texts=min_texts)
    kept = kept_runs(texts, longest, min_texts)
    assert len(table) == 1 + len(kept)
    found = {}
    for text in [*texts, *others]:
        ids = table.encode(text)
        assert ids.shape == (len(text), longest)
        assert ids.dtype == np.int32
        for at_word, row in zip(runs(text, longest), ids.tolist(), strict=True):
            for run, number in zip(at_word, row, strict=True):
                assert (number > 0) == (run in kept)
                if number:
                    assert found.setdefault(run, number) == number  # one id a run
    assert found.keys() == kept
    assert sorted(found.values()) == list(range(1, len(table)))  # and one run an id


def test_runs_by_hand():
    """Of two words, "a b" alone stands in two texts: "b a" crosses from text to text in between."""
    table = Ngrams([["a", "b"], ["a", "b", "c"], ["c"]], longest=3, min_texts=2)
    assert len(table) == 5
    (a, _, _), (b, a_b, _), (c, _, _) = ids = table.encode(["a", "b", "c"]).tolist()
    assert {a, b, c, a_b} == {1, 2, 3, 4}
    assert ids == [[a, 0, 0], [b, a_b, 0], [c, 0, 0]]
    assert table.encode(["b", "a", "x", "b"]).tolist() == [[b, 0, 0], [a, 0, 0], [0] * 3, [b, 0, 0]]


def test_a_run_that_occurs_twice_in_one_text_stands_in_one_text():
    assert len(Ngrams([["a", "a"]], longest=1, min_texts=2)) == 1
    assert len(Ngrams([["a", "a"]], longest=1, min_texts=1)) == 2


def test_a_text_may_be_a_tuple_or_empty():
    table = Ngrams([("a",), ["a"], []])
    assert table.encode(("a",)).tolist() == [[1, 0, 0]]
    assert table.encode([]).shape == (0, 3)
    assert Ngrams([[]]).encode(["a"]).tolist() == [[0, 0, 0]]


def test_defaults_and_what_a_table_says_of_itself():
    table = Ngrams([["a", "b", "c", "d"]] * 2)
    assert table.longest == 3
    assert len(table) == 1 + 4 + 3 + 2
    assert len(Ngrams([["a", "b", "c", "d"]])) == 1  # min_texts is 2
    assert len(Ngrams([list("abcdefghi")] * 2, longest=8)) == 1 + sum(range(2, 10))
    assert repr(table) == "Ngrams(10 ids, runs of 1 to 3 words)"


def test_encoding_teaches_a_table_nothing():
    table = Ngrams([["a"]], min_texts=1)
    for _ in range(2):
        assert table.encode(["x", "a"]).tolist() == [[0, 0, 0], [1, 0, 0]]
    assert len(table) == 2


# Ratios


@st.composite
def labelled(draw, folds=1):
    """Rows of ids, and labels of which each class has at least ``folds``."""
    count = draw(st.integers(2 * folds, 2 * folds + 5))
    ids = st.lists(st.integers(0, G - 1), min_size=K, max_size=K)
    texts = draw(st.lists(st.lists(ids, max_size=5), min_size=count, max_size=count))
    rows = [np.array(text, dtype=np.int64).reshape(-1, K) for text in texts]
    free = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    return rows, draw(st.permutations([0, 1] * folds + free[2 * folds :]))


SMOOTHING = st.sampled_from([0.01, 0.5, 1.0, 3.0])


def test_ratios_by_hand():
    """Counted with one more each: 3, 2, 1 (of 6) for class 1 and 1, 2, 2 (of 5) for class 0."""
    rows = [np.array([[1, 2], [0, 1]]), np.array([[1, 0]]), np.array([[2, 2]]), np.array([[0, 3]])]
    ratios = log_count_ratios(rows, [1, 1, 0, 0], 4)
    assert ratios.dtype == np.float32
    by_hand = [0, math.log(3 / 6 * 5 / 1), math.log(2 / 6 * 5 / 2), math.log(1 / 6 * 5 / 2)]
    assert ratios.tolist() == pytest.approx(by_hand, abs=1e-6)
    # Half a text more instead of one: 2.5, 1.5, 0.5 (of 4.5) and 0.5, 1.5, 1.5 (of 3.5).
    ratios = log_count_ratios(rows, [1, 1, 0, 0], 4, smoothing=0.5)
    by_hand = [0, math.log(2.5 / 4.5 * 7), math.log(3.5 / 4.5), math.log(0.5 / 4.5 * 3.5 / 1.5)]
    assert ratios.tolist() == pytest.approx(by_hand, abs=1e-6)


@given(labelled(), SMOOTHING)
def test_ratios_are_those_of_scikit_learns_naive_bayes(data, smoothing):
    rows, labels = data
    present = np.array([[i in row for i in range(1, G)] for row in rows], dtype=float)
    bayes = MultinomialNB(alpha=smoothing).fit(present, labels)
    against, speaks = bayes.feature_log_prob_
    ratios = log_count_ratios(rows, labels, G, smoothing=smoothing)
    assert ratios.shape == (G,)
    assert ratios[0] == 0
    np.testing.assert_allclose(ratios[1:], speaks - against, rtol=0, atol=1e-5)


@given(labelled(), SMOOTHING)
def test_swapped_labels_negate_the_ratios(data, smoothing):
    rows, labels = data
    ratios = log_count_ratios(rows, labels, G, smoothing=smoothing)
    swapped = log_count_ratios(rows, [1 - label for label in labels], G, smoothing=smoothing)
    np.testing.assert_allclose(swapped, -ratios, rtol=0, atol=1e-6)


def test_an_id_of_one_class_alone_gets_a_finite_ratio():
    rows = [np.array([[1]]), np.array([[2]])]
    for smoothing in (1e-6, 1.0, 999_999.0):
        ratios = log_count_ratios(rows, [1, 0], 5, smoothing=smoothing)
        assert np.isfinite(ratios).all()
        assert ratios[1] > 0 > ratios[2]
        assert ratios[3:].tolist() == [0, 0]
    assert log_count_ratios(rows[:1] * 2, [1, 0], 2).tolist() == [0, 0]
    assert log_count_ratios([np.zeros((2, K), dtype=int)] * 2, [1, 0], 1).tolist() == [0]


@given(labelled(folds=3), SMOOTHING)
def test_held_out_ratios_are_those_of_the_other_folds(data, smoothing):
    rows, labels = data
    folds = contiguous_folds(labels, 3)
    weights = held_out_ratios(rows, labels, G, folds, smoothing=smoothing)
    for fold in folds:
        others = [i for i in range(len(rows)) if i not in fold]
        theirs = [rows[i] for i in others], [labels[i] for i in others]
        ratios = log_count_ratios(*theirs, G, smoothing=smoothing)
        for i in fold:
            assert weights[i].dtype == np.float32
            assert weights[i].shape == rows[i].shape
            expected = [[ratios[number] for number in row] for row in rows[i].tolist()]
            np.testing.assert_array_equal(weights[i], np.reshape(expected, (-1, K)))


@given(labelled(folds=3), st.data())
def test_a_texts_own_label_does_not_show_in_its_held_out_ratios(data, draw):
    rows, labels = data
    folds = contiguous_folds(labels, 3)
    own = draw.draw(st.integers(0, len(rows) - 1))
    flipped = [1 - label if i == own else label for i, label in enumerate(labels)]
    outside = [{flipped[i] for i in range(len(rows)) if i not in fold} for fold in folds]
    assume(min(map(len, outside)) == 2)  # or it is refused
    before, after = (held_out_ratios(rows, given, G, folds) for given in (labels, flipped))
    mine = next(fold for fold in folds if own in fold)
    for i in mine:
        np.testing.assert_array_equal(after[i], before[i])


def test_ratios_that_counted_the_text_itself_show_its_label():
    """Which is why they are held out: there a run that no other text has says nothing.

    The id 1 stands in one text only, and the others have the id 2, as many of each class.
    """
    rows = [np.array([[1]]), *[np.array([[2]])] * 5]
    labels, folds = [1, 1, 0, 1, 0, 0], [[0, 2], [1, 4], [3, 5]]
    for own in (0, 1):
        given = [own, *labels[1:]]
        assert math.copysign(1, log_count_ratios(rows, given, 3)[1]) == (1 if own else -1)
        assert held_out_ratios(rows, given, 3, folds)[0].tolist() == [[0]]


def test_the_order_in_a_fold_and_of_the_folds_is_free():
    rows = [np.array([[i % 5]]) for i in range(6)]
    first = held_out_ratios(rows, [0, 1, 0, 1, 0, 1], 5, [[0, 1], [2, 3], [4, 5]])
    again = held_out_ratios(rows, [0, 1, 0, 1, 0, 1], 5, ((5, 4), (1, 0), (3, 2)))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_ids_may_be_of_any_integer_dtype_also_of_several(dtype):
    rows = [np.array([[1, 2]]), np.array([[2, 3]]), np.array([[3, 1]]), np.array([[4, 0]])]
    mixed = [row.astype(dtype) if i % 2 else row for i, row in enumerate(rows)]
    labels, folds = torch.tensor([1, 0, 1, 0]), [[0, 1], [2, 3]]
    for compute in (
        lambda rows: log_count_ratios(rows, labels, 5),
        lambda rows: held_out_ratios(rows, labels.tolist(), 5, folds),
    ):
        np.testing.assert_array_equal(compute(mixed), compute(rows))
    weights = [row.astype(np.float16) for row in rows]
    [(ids, factors, _, targets)] = ngram_batches(mixed, weights, labels, 4)
    assert ids[:, 0].tolist() == factors[:, 0].tolist() == [row[0].tolist() for row in rows]
    assert (ids.dtype, factors.dtype, targets.dtype) == (torch.int64, torch.float32, torch.int64)


# Batches


def texts_of(lengths, width=K):
    """Texts no two of whose ids are alike, so that each can be told; a weight is an id's half."""
    total = sum(lengths) * width
    ids = np.split(np.arange(1, total + 1).reshape(-1, width), np.cumsum(lengths)[:-1])
    return ids, [row / 2 for row in ids], [i % 2 for i in range(len(lengths))]


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
)
def test_batches_hold_every_text_once(lengths, batch_size, seed, width):
    rows, weights, labels = texts_of(lengths, width)
    draws = None if seed is None else generator(seed)
    batches = list(ngram_batches(rows, weights, labels, batch_size, generator=draws))
    assert all(len(targets) <= batch_size for *_, targets in batches)
    given = zip([r.tolist() for r in rows], [w.tolist() for w in weights], labels, strict=True)
    assert sorted(walked(batches)) == sorted(given)


def test_without_a_generator_texts_go_from_short_to_long():
    rows, weights, labels = texts_of([5, 2, 7, 3])
    batches = list(ngram_batches(rows, weights, labels, 2))
    assert [mask.sum(dim=1).tolist() for _, _, mask, _ in batches] == [[2, 3], [5, 7]]
    assert [targets.tolist() for *_, targets in batches] == [[1, 1], [0, 0]]


def test_word_dropout_leaves_out_its_share_of_the_words():
    p, lengths = 0.3, [53] * 101
    rows, weights, labels = texts_of(lengths)
    batches = ngram_batches(rows, weights, labels, 7, word_dropout=p, generator=generator(0))
    by_first = {int(row[0, 0]): i for i, row in enumerate(rows)}
    starts = sorted(by_first)
    seen, left = [], 0
    for ids, factors, label in walked(batches):
        start = max(first for first in starts if first <= ids[0][0])
        text = by_first[start]
        whole = rows[text].tolist()
        places = [whole.index(row) for row in ids]  # the runs of the whole text, unchanged
        assert places == sorted(set(places))  # in their order
        assert factors == [[number / 2 for number in row] for row in ids]
        assert label == labels[text]
        seen.append(text)
        left += len(places)
    assert sorted(seen) == list(range(len(rows)))
    spread = math.sqrt(p * (1 - p) / sum(lengths))
    assert 1 - left / sum(lengths) == pytest.approx(p, abs=4 * spread)


def test_each_word_of_a_text_is_left_out_by_itself():
    """Neither the same words in every text, nor the same in every round."""
    rows, weights, labels = texts_of([11] * 13)
    draws = generator(0)
    kept = [
        {(ids[0][0] - 1) // (11 * K): tuple((row[0] - 1) // K % 11 for row in ids)}
        for _ in range(2)
        for ids, *_ in walked(
            ngram_batches(rows, weights, labels, 1, word_dropout=0.5, generator=draws)
        )
    ]
    assert len(kept) == 26
    assert len({places for text in kept for places in text.values()}) > 20


def same(some, others):
    return len(some) == len(others) and all(
        torch.equal(a, b)
        for batch, other in zip(some, others, strict=True)
        for a, b in zip(batch, other, strict=True)
    )


def test_one_seed_makes_the_same_batches():
    rows, weights, labels = texts_of([3 + i % 7 for i in range(31)])
    options = {"batch_size": 5, "word_dropout": 0.4}
    first, again, other = (
        list(ngram_batches(rows, weights, labels, **options, generator=generator(seed)))
        for seed in (1, 1, 2)
    )
    assert same(first, again)
    assert not same(first, other)


def test_a_batch_whose_words_are_all_left_out():
    rows, weights, labels = texts_of([2, 3])
    nearly_one = 1 - 1e-12
    [(ids, factors, mask, targets)] = ngram_batches(
        rows, weights, labels, 2, word_dropout=nearly_one, generator=generator(0)
    )
    assert ids.shape == factors.shape == (2, 1, K)
    assert mask.tolist() == [[False], [False]]
    assert not ids.any()
    assert not factors.any()
    assert sorted(targets.tolist()) == [0, 1]


def test_batches_of_empty_texts():
    rows, weights, labels = texts_of([0, 0, 0])
    [(ids, _, mask, _)] = ngram_batches(rows, weights, labels, 3)
    assert ids.shape == (3, 1, K)
    assert not mask.any()


def test_batches_leave_their_arguments_alone():
    rows, weights, labels = texts_of([3, 5])
    for array in (*rows, *weights):
        array.flags.writeable = False
    for ids, factors, *_ in ngram_batches(rows, weights, labels, 1, word_dropout=0.3):
        ids += 1
        factors += 1


def test_weights_come_in_torchs_default_dtype():
    rows, weights, labels = texts_of([2])
    torch.set_default_dtype(torch.float64)
    try:
        [(_, factors, _, _)] = ngram_batches(rows, weights, labels, 1)
        assert factors.dtype == torch.float64
        assert factors[0].tolist() == weights[0].tolist()
    finally:
        torch.set_default_dtype(torch.float32)


def test_batches_swallow_no_nan():
    rows, weights, labels = texts_of([2, 3])
    weights[1][2, 1] = np.nan
    [(_, factors, _, _)] = ngram_batches(rows, weights, labels, 2)
    assert factors.isnan().nonzero().tolist() == [[1, 2, 1]]


def test_batches_may_be_of_one_class():
    rows, weights, _ = texts_of([1, 2])
    assert [label for *_, label in walked(ngram_batches(rows, weights, [1, 1], 1))] == [1, 1]
