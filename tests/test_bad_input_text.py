"""Bad input for texts and their batches; the law and its harness are in ``bad_input``."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set

import torch

from bad_input import (
    Entry,
    Kind,
    Law,
    anything,
    instance,
    integer,
    number,
    optional,
    text,
)
from helpers.text import (
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

MODULES = ["text"]
GENERATOR = optional(instance(torch.Generator))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def row(kind: Kind) -> Kind:
    """Anything whose entries have an order, each of them of ``kind``; iterators are not opened."""

    def takes(value: object) -> bool:
        if isinstance(value, Iterator):
            return True
        if isinstance(value, str | bytes | Set | Mapping) or not isinstance(value, Iterable):
            return False
        try:
            return all(kind.takes(x) for x in (value.tolist() if torch.is_tensor(value) else value))
        except (TypeError, RuntimeError):  # no axis, or no numbers
            return False

    return Kind(f"a row of {kind.name}", takes)


def closed_row(kind: Kind) -> Kind:
    """The same without iterators."""
    name, takes = f"a closed {row(kind).name}", row(kind).takes
    return Kind(name, lambda value: not isinstance(value, Iterator) and takes(value))


IDS = closed_row(integer(-math.inf))


def opened(value: object, good: object = ()) -> list:
    """Return the entries of a row; what an iterator went over was ``good``."""
    value = good if isinstance(value, Iterator) else value
    return value.tolist() if torch.is_tensor(value) else list(value)


def check_equal(result, expected):
    assert result == expected


TOKENS = [UNK, PAD, "fig", "pear", "plum"]
TEXTS = [["fig", "plum"], ["pear"], ["fig", "fig", "pear"]]
ROWS = [[2, 3, 4], [4], [3, 2]]
VOCABULARY = Vocabulary(TOKENS)


def check_tokenize(result, given):
    def letters(words):
        return [letter for letter in words if letter.isalnum()]

    assert all(isinstance(token, str) and token and not token.isspace() for token in result)
    assert letters("".join(result)) == letters(given["text"].lower())


def check_vocabulary(result, given):
    tokens = opened(given["tokens"], TOKENS)
    assert list(result.tokens) == tokens
    assert tokens[:2] == [UNK, PAD]
    assert [result[token] for token in tokens] == list(range(len(tokens)))


def check_built(result, given):
    counted = Counter(token for text in opened(given["token_lists"], TEXTS) for token in text)
    often = [(-n, t) for t, n in counted.items() if n >= given["min_freq"] and t not in (UNK, PAD)]
    expected = [UNK, PAD, *(token for _, token in sorted(often))]
    assert list(result.tokens) == expected[: given["max_size"]]


def check_decode(result, given):
    ids = given["ids"]
    went_over = [[2, 0, 4], [2, 3]] if isinstance(ids, Iterator) else [opened(ids)]
    assert result in [[TOKENS[x] for x in ids] for ids in went_over]


def check_pad(result, given):
    ids, mask = result
    rows = [list(row) for row in given["sequences"]]
    assert ids.dtype == torch.int64
    assert ids.shape == mask.shape == (len(rows), max(1, *map(len, rows)))
    assert [line[real].tolist() for line, real in zip(ids, mask, strict=True)] == rows
    assert bool((ids[~mask] == given["pad_id"]).all())
    assert torch.equal(mask, mask.long().cummin(1).values.bool())  # padding stands at the end


def check_buckets(result, given):
    lengths = opened(given["lengths"])
    assert sorted(place for batch in result for place in batch) == list(range(len(lengths)))
    assert len(result) == -(-len(lengths) // given["batch_size"])
    assert all(len(batch) <= given["batch_size"] for batch in result)
    if given["generator"] is None:
        assert [lengths[place] for batch in result for place in batch] == sorted(lengths)


def check_batches(result, given):
    seen = [
        (ids[real].tolist(), label)
        for batch, mask, labels in result
        for ids, real, label in zip(batch, mask, labels.tolist(), strict=True)
    ]
    labels = opened(given["labels"])
    texts = [list(row) for row in given["sequences"]]
    assert sorted(seen) == sorted(zip(texts, labels, strict=True))
    assert all(bool((ids[~mask] == given["pad_id"]).all()) for ids, mask, _ in result)


ENTRIES = [
    Entry(
        "text.tokenize",
        lambda: (tokenize, {"text": "It's good."}),
        {"text": text()},
        check_tokenize,
    ),
    Entry(
        "text.Vocabulary",
        lambda: (Vocabulary, {"tokens": TOKENS}),
        {"tokens": row(text())},
        check_vocabulary,
    ),
    Entry(
        "text.Vocabulary.token",
        lambda: (VOCABULARY.token, {"token_id": 3}),
        {"token_id": integer(0, 4)},
        lambda result, given: check_equal(result, TOKENS[given["token_id"]]),
    ),
    Entry(
        "text.Vocabulary.__getitem__",
        lambda: (lambda token: VOCABULARY[token], {"token": "pear"}),
        {"token": text()},
        lambda result, given: check_equal(result, 3 if given["token"] == "pear" else 0),
    ),
    Entry(
        "text.Vocabulary.__contains__",
        lambda: (lambda token: token in VOCABULARY, {"token": "pear"}),
        {"token": anything()},
        lambda result, given: check_equal(
            result, isinstance(given["token"], str) and given["token"] in TOKENS
        ),
    ),
    Entry(
        "text.build_vocabulary",
        lambda: (build_vocabulary, {"token_lists": TEXTS, "max_size": 4, "min_freq": 1}),
        {
            "token_lists": row(row(text())),
            "max_size": optional(integer(3, 2**63 - 1)),
            "min_freq": integer(1, 2**63 - 1),
        },
        check_built,
    ),
    Entry(
        "text.encode",
        lambda: (encode, {"tokens": ["fig", "kiwi", "plum"], "vocab": VOCABULARY}),
        {"tokens": row(text()), "vocab": instance(Vocabulary)},
        lambda result, given: check_equal(
            result, [given["vocab"][x] for x in opened(given["tokens"], ["fig", "kiwi", "plum"])]
        ),
    ),
    Entry(
        "text.decode",
        lambda: (decode, {"ids": [2, 0, 4], "vocab": VOCABULARY}),
        {"ids": row(integer(0, 4)), "vocab": instance(Vocabulary)},
        check_decode,
        extra={
            "ids": {
                "a tensor": lambda: torch.tensor([4, 3]),
                "on meta": lambda: torch.zeros(3, dtype=torch.int64, device="meta"),
            }
        },
    ),
    Entry(
        "text.truncate",
        lambda: (truncate, {"ids": [2, 3, 5, 7], "max_len": 3}),
        {"ids": IDS, "max_len": integer(1, 2**63 - 1)},
        lambda result, given: check_equal(result, list(given["ids"])[-given["max_len"] :]),
    ),
    Entry(
        "text.pad",
        lambda: (pad, {"sequences": ROWS, "pad_id": 1}),
        {"sequences": closed_row(IDS), "pad_id": integer(0, 2**63 - 1)},
        check_pad,
    ),
    Entry(
        "text.bucket_batches",
        lambda: (bucket_batches, {"lengths": [5, 2, 7, 3], "batch_size": 3, "generator": None}),
        {
            "lengths": closed_row(number(0)),
            "batch_size": integer(1, 2**63 - 1),
            "generator": GENERATOR,
        },
        check_buckets,
        extra={
            "lengths": {
                "one nan": lambda: [2.0, math.nan],
                "one inf": lambda: [2.0, math.inf],
                "a tensor": lambda: torch.tensor([3, 2]),
            }
        },
    ),
    Entry(
        "text.text_batches",
        lambda: (
            lambda **given: list(text_batches(**given)),
            {"sequences": ROWS, "labels": [1, 0, 1], "batch_size": 2, "pad_id": 1}
            | {"generator": seeded()},
        ),
        {
            "sequences": closed_row(IDS),
            "labels": closed_row(integer(-(2**63), 2**63 - 1)),
            "batch_size": integer(1, 2**63 - 1),
            "pad_id": integer(0, 2**63 - 1),
            "generator": GENERATOR,
        },
        check_batches,
        extra={
            "labels": {
                "a tensor": lambda: torch.tensor([1, 0, 2]),
                "a tensor of halves": lambda: torch.tensor([1, 0, 0.5]),
                "a tensor of flags": lambda: torch.tensor([True, False, True]),
                "on meta": lambda: torch.zeros(3, dtype=torch.int64, device="meta"),
            }
        },
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 30
