"""Tokens, vocabulary, encoding, padding and batches."""

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

WORDS = st.text("abcdef", min_size=1, max_size=3)
TEXTS = st.lists(st.lists(WORDS, max_size=11), min_size=1, max_size=7)
IDS = st.lists(st.integers(2, 97), max_size=13)
LENGTHS = st.lists(st.integers(0, 300), max_size=59)
SEEDS = st.one_of(st.none(), st.integers(0, 2**31))


def generator(seed):
    return None if seed is None else torch.Generator().manual_seed(seed)


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
def test_no_token_is_empty_or_holds_a_space(text):
    assert all(token and not any(map(str.isspace, token)) for token in tokenize(text))


def test_equal_tokens_are_one_object():
    (first,), (second,) = tokenize("Unbelievable"), tokenize("unbelievable")
    assert first is second


def test_ids_go_by_frequency_and_then_by_the_alphabet():
    vocab = build_vocabulary([["pear", "fig", "fig"], ["apple", "pear", "fig", "kiwi"]])
    assert vocab.tokens == (UNK, PAD, "fig", "pear", "apple", "kiwi")
    assert (vocab.unk_id, vocab.pad_id) == (vocab[UNK], vocab[PAD]) == (0, 1)


@given(TEXTS, st.randoms())
def test_ids_do_not_depend_on_the_order_of_the_texts(texts, random):
    shuffled = random.sample(texts, len(texts))
    tokens = build_vocabulary(texts).tokens
    assert build_vocabulary(shuffled).tokens == tokens
    counts = Counter(token for text in texts for token in text)
    assert list(tokens[2:]) == sorted(counts, key=lambda token: (-counts[token], token))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, ["c", "b", "a"]),
        ({"max_size": 3}, ["c"]),
        ({"max_size": 4}, ["c", "b"]),
        ({"max_size": 101}, ["c", "b", "a"]),
        ({"min_freq": 2}, ["c", "b"]),
        ({"min_freq": 2, "max_size": 3}, ["c"]),
        ({"min_freq": 7}, []),
    ],
)
def test_bounds_of_the_vocabulary_count_the_specials(options, kept):
    vocab = build_vocabulary([["a", "b", "b", "c", "c", "c"]], **options)
    assert vocab.tokens == (UNK, PAD, *kept)
    assert len(vocab) == 2 + len(kept) <= options.get("max_size", len(vocab))


def test_specials_in_a_text_do_not_enter_twice():
    assert build_vocabulary([["<unk>", "<pad>", "word"]]).tokens == (UNK, PAD, "word")


def test_looking_an_unknown_token_up_does_not_make_it_known():
    vocab = build_vocabulary([["known"]])
    assert vocab["unknown"] == vocab.unk_id
    assert "unknown" not in vocab
    assert "known" in vocab
    assert len(vocab) == 3


def test_vocabulary_is_restored_from_its_tokens():
    vocab = build_vocabulary([["b", "a", "a"]])
    again = Vocabulary(list(vocab.tokens))
    assert encode(["a", "b", "c"], again) == encode(["a", "b", "c"], vocab) == [2, 3, 0]
    assert repr(again) == "Vocabulary(4 tokens)"


@given(TEXTS)
def test_encode_and_decode_round_trip(texts):
    vocab = build_vocabulary(texts)
    for text in texts:
        assert decode(encode(text, vocab), vocab) == text
        assert decode(torch.tensor(encode(text, vocab), dtype=torch.long), vocab) == text


@given(TEXTS, TEXTS)
def test_words_of_the_test_texts_alone_become_unknown(train, test):
    vocab = build_vocabulary(train)
    seen = {token for text in train for token in text}
    for text in test:
        expected = [token if token in seen else UNK for token in text]
        assert decode(encode(text, vocab), vocab) == expected


@given(IDS, st.integers(1, 17))
def test_truncation_keeps_the_end(ids, max_len):
    kept = truncate(ids, max_len)
    assert len(kept) == min(len(ids), max_len)
    assert ids[len(ids) - len(kept) :] == kept


def test_truncation_returns_a_list_of_its_own():
    ids = [5, 7]
    assert truncate(ids, 3) is not ids


@given(st.lists(IDS, min_size=1, max_size=7))
def test_padding_fills_up_at_the_end(sequences):
    ids, mask = pad(sequences, 1)
    assert ids.shape == mask.shape == (len(sequences), max(1, *map(len, sequences)))
    assert (ids.dtype, mask.dtype) == (torch.int64, torch.bool)
    assert mask.sum(dim=1).tolist() == [len(sequence) for sequence in sequences]
    for row, real, sequence in zip(ids, mask, sequences, strict=True):
        assert row[real].tolist() == row[: len(sequence)].tolist() == sequence
        assert (row[~real] == 1).all()


@given(LENGTHS, st.integers(1, 17), SEEDS)
def test_every_text_is_in_exactly_one_batch(lengths, batch_size, seed):
    batches = bucket_batches(lengths, batch_size, generator=generator(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    sizes = sorted(map(len, batches), reverse=True)
    assert all(size == batch_size for size in sizes[:-1])
    assert all(1 <= size <= batch_size for size in sizes)


def test_without_a_generator_texts_go_from_short_to_long():
    assert bucket_batches([5, 2, 7, 2, 3], 2) == [[1, 3], [4, 0], [2]]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=59), st.integers(0, 2**31))
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


def test_little_of_a_batch_is_padding():
    lengths = (30 + 270 * torch.rand(5003, generator=generator(3))).int().tolist()
    batches = bucket_batches(lengths, 31, generator=generator(5))
    room = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert 1 - sum(lengths) / room < 0.1  # a random order wastes 0.43 of it


def test_text_batches_go_once_through_all_texts():
    sequences = [[10 + i] * (1 + i % 5) for i in range(23)]
    labels = [i % 3 for i in range(23)]
    seen = []
    for ids, mask, targets in text_batches(sequences, labels, 7, pad_id=1, generator=generator(5)):
        assert ids.shape == mask.shape
        assert targets.dtype == torch.int64
        for row, real, label in zip(ids, mask, targets.tolist(), strict=True):
            seen.append((row[real].tolist(), label))
    assert sorted(seen) == sorted(zip(sequences, labels, strict=True))


def test_labels_may_use_all_of_int64():
    labels = [-(2**63), 2**63 - 1]
    [(_, _, targets)] = text_batches([[2], [3]], labels, 2, pad_id=1)
    assert targets.tolist() == labels


def test_labels_and_lengths_may_be_tensors():
    labels, lengths = torch.tensor([5, 7]), torch.tensor([3, 2])
    [(_, _, targets)] = text_batches([[2], [3]], labels, 2, pad_id=1)
    assert torch.equal(targets, labels)
    assert bucket_batches(lengths, 2) == bucket_batches(lengths.tolist(), 2) == [[1, 0]]


def test_ids_may_be_rows_of_numpy():
    rows = [[2, 3], [5]]
    for mine, theirs in zip(pad([np.array(row) for row in rows], 1), pad(rows, 1), strict=True):
        assert torch.equal(mine, theirs)


def test_texts_of_one_length_stay_in_the_order_given():
    assert bucket_batches([3] * 997, 997) == [list(range(997))]
