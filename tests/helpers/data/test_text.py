"""Tokens, vocabulary, encoding, padding and batches."""

import operator
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import (
    PAD,
    UNK,
    Vocabulary,
    bucket_batches,
    build_vocabulary,
    decode,
    encode,
    pad,
    text_batches,
    tokenize,
    truncate,
)
from tests.helpers.data.draws import generator

WORDS = st.one_of(st.text("abcdef", min_size=1, max_size=3), st.sampled_from([UNK, PAD]))
TEXTS = st.lists(st.lists(WORDS, max_size=11), min_size=1, max_size=7)
IDS = st.lists(st.integers(2, 97), max_size=13)
LENGTHS = st.integers(0, 300)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I LOVED it!", ["i", "loved", "it", "!"]),
        ("One.<br /><br />Two", ["one", ".", "two"]),
        ('"Don\'t" (ever): go; now', ["don", "'", "t", "(", "ever", ")", "go", "now"]),
        ("8.5/10,  really?", ["8", ".", "5/10", ",", "really", "?"]),
        (" <br /> ", []),
        ("", []),
    ],
)
def test_tokenize_follows_basic_english(text, tokens):
    # The rules are written out in torchtext 0.6.0, torchtext/data/utils.py.
    assert tokenize(text) == tokens


@given(st.text("aB7é.,'\"()!?;:<br />\n\t\u00a0"))
def test_no_token_is_empty_or_holds_a_space_and_equal_ones_are_one_object(text):
    tokens = tokenize(text)
    assert all(token and not any(map(str.isspace, token)) for token in tokens)
    assert all(map(operator.is_, tokens, tokenize(text.upper())))  # equal ones are one object


BOUNDS = st.fixed_dictionaries(
    {}, optional={"max_size": st.integers(3, 9), "min_freq": st.integers(1, 3)}
)


@given(TEXTS, st.randoms(), BOUNDS)
def test_ids_go_by_frequency_and_then_by_the_alphabet(texts, random, bounds):
    counts = Counter(token for text in texts for token in text if token not in (UNK, PAD))
    words = [word for word in counts if counts[word] >= bounds.get("min_freq", 1)]
    expected = [UNK, PAD, *sorted(words, key=lambda word: (-counts[word], word))]
    shuffled = random.sample(texts, len(texts))
    assert build_vocabulary(shuffled, **bounds).tokens == tuple(expected[: bounds.get("max_size")])


def test_a_vocabulary_is_restored_from_its_tokens_and_is_no_list():
    vocab = Vocabulary(list(build_vocabulary([["b", "a", "a"]]).tokens))
    assert [vocab[token] for token in (UNK, PAD, "a", "b", "c")] == [0, 1, 2, 3, 0]
    assert (vocab.unk_id, vocab.pad_id) == (0, 1)
    assert [vocab.token(i) for i in range(4)] == [UNK, PAD, "a", "b"]
    assert "b" in vocab
    assert "c" not in vocab  # though it was asked for
    assert 2 not in vocab
    with pytest.raises(TypeError, match="not iterable"):
        list(vocab)
    assert repr(vocab) == "Vocabulary(4 tokens)"


@given(TEXTS, TEXTS)
def test_texts_survive_encoding_but_for_words_of_the_test_texts_alone(train, test):
    vocab = build_vocabulary(train)
    seen = {PAD, *(token for text in train for token in text)}
    for text in [*train, *test]:
        ids = encode(text, vocab)
        expected = [token if token in seen else UNK for token in text]
        assert decode(ids, vocab) == expected
        assert decode(torch.tensor(ids, dtype=torch.long), vocab) == expected


@given(IDS, st.integers(1, 17))
def test_truncation_keeps_the_end(ids, max_len):
    kept = truncate(ids, max_len)
    assert len(kept) == min(len(ids), max_len)
    assert ids[len(ids) - len(kept) :] == kept
    assert kept is not ids


@given(st.lists(IDS, min_size=1, max_size=7), st.sampled_from([list, np.array]))
def test_padding_fills_up_at_the_end(sequences, kind):
    ids, mask = pad([kind(sequence) for sequence in sequences], 1)
    assert ids.shape == mask.shape == (len(sequences), max(1, *map(len, sequences)))
    assert (ids.dtype, mask.dtype) == (torch.int64, torch.bool)
    assert mask.sum(dim=1).tolist() == [len(sequence) for sequence in sequences]
    for row, real, sequence in zip(ids, mask, sequences, strict=True):
        assert row[real].tolist() == row[: len(sequence)].tolist() == sequence
        assert (row[~real] == 1).all()


@given(st.lists(LENGTHS, max_size=59), st.integers(1, 17), st.none() | st.integers(0, 2**31))
def test_every_text_is_in_exactly_one_batch(lengths, batch_size, seed):
    draws = None if seed is None else generator(seed)
    batches = bucket_batches(lengths, batch_size, generator=draws)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    sizes = sorted(map(len, batches), reverse=True)
    assert all(size == batch_size for size in sizes[:-1])
    assert all(1 <= size <= batch_size for size in sizes)


def test_without_a_generator_texts_go_from_short_to_long_or_else_in_their_order():
    assert bucket_batches([5, 2, 7, 2, 3], 2) == [[1, 3], [4, 0], [2]]
    assert bucket_batches(torch.tensor([3, 2]), 2) == [[1, 0]]
    assert bucket_batches([3] * 997, 997) == [list(range(997))]


@given(st.lists(LENGTHS, min_size=1, max_size=59), st.integers(0, 2**31))
def test_neighbours_in_a_batch_are_similar_in_length(lengths, seed):
    # Stretched by at most a tenth, a text passes only those less than a tenth longer. Of any two
    # batches, one therefore ends before the other begins, but for that tenth.
    batches = bucket_batches(lengths, 7, generator=generator(seed))
    spans = [(min(lengths[i] for i in b), max(lengths[i] for i in b)) for b in batches]
    for (low, high), (other_low, other_high) in combinations(spans, 2):
        assert high + 1 <= 1.1 * (other_low + 1) or other_high + 1 <= 1.1 * (low + 1)


def test_a_generator_shuffles_batches_and_their_order():
    lengths = torch.randint(211, (601,), generator=generator(3)).tolist()
    first, again, other = (bucket_batches(lengths, 31, generator=generator(s)) for s in (1, 1, 2))
    assert first == again
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in other}
    means = [sum(lengths[i] for i in batch) / len(batch) for batch in first]
    assert means != sorted(means)


def test_the_random_stretch_reaches_to_a_tenth_and_no_further():
    for longer, may_pass in ((1080, True), (1105, False)):
        lengths = [1000] * 503 + [longer] * 503
        batches = bucket_batches(lengths, 503, generator=generator(5))
        mixed = len({lengths[i] for i in batches[0]}) == 2
        assert mixed == may_pass


@pytest.mark.parametrize("kind", [list, torch.tensor])
def test_text_batches_go_once_through_all_texts(kind):
    sequences = [[10 + i] * (1 + i % 5) for i in range(23)]
    labels = [(5, -(2**63), 2**63 - 1)[i % 3] for i in range(23)]
    seen = []
    batches = text_batches(sequences, kind(labels), 7, pad_id=1, generator=generator(5))
    for ids, mask, targets in batches:
        assert ids.shape == mask.shape
        assert targets.dtype == torch.int64
        for row, real, label in zip(ids, mask, targets.tolist(), strict=True):
            assert (row[~real] == 1).all()
            seen.append((row[real].tolist(), label))
    assert sorted(seen) == sorted(zip(sequences, labels, strict=True))
    lengths = [len(ids) for ids, _ in seen]
    assert lengths != sorted(lengths)  # the generator has shuffled them
