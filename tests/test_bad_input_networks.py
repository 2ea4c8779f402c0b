"""Bad input for Transformers and their parts, and where a nan goes; see ``bad_input``."""

import math

import pytest
import torch
from torch.testing import assert_close

from bad_input import (
    BOOLEANS,
    INTEGERS,
    Entry,
    Law,
    flag,
    integer,
    number,
    optional,
    size,
    tensor,
)
from helpers.attention import (
    MultiHeadAttention,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
)
from helpers.classifiers import NgramClassifier, TransformerClassifier
from helpers.layers import (
    DecoderLayer,
    Encoder,
    EncoderLayer,
    FeedForward,
    PositionalEncoding,
    TokenEmbedding,
    sinusoidal_encoding,
)
from helpers.transformer import Transformer, TransformerModel
from right_answers import (
    FLOAT,
    B,
    D,
    H,
    S,
    T,
    V,
    allowed,
    built,
    equals,
    ids,
    made,
    method,
    numbers,
    propagates,
    small,
    tolerance,
)

MODULES = ["attention", "layers", "transformer", "classifiers"]


def check_attention(result, given):
    output, weights = result
    query, key, value = (given[name].detach() for name in ("query", "key", "value"))
    scores = query.double() @ key.double().transpose(-2, -1) / math.sqrt(query.shape[-1])
    mask = given["mask"]
    mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
    expected = scores.masked_fill(~mask, -math.inf).softmax(dim=-1).masked_fill(~mask, 0.0)
    assert output.shape == (expected @ value.double()).shape
    assert weights.shape == expected.shape
    propagates(output, given)
    if small(given):
        close = tolerance(given)
        assert_close(weights.double(), expected, **close)
        if given["dropout"] == 0:
            expected = expected @ value.double()
            assert_close(output.double(), expected, **close)


SIZES = {"d_model": D, "num_heads": H, "d_hidden": 5}
OPTIONS = {"dropout": 0.1, "norm_first": True}
WIDTHS = {"d_model": size(), "num_heads": size(), "d_hidden": size()}
CHOICES = {"dropout": number(0, 1), "norm_first": flag()}
X = tensor("B", "T", D, dtype=FLOAT)
PADDING = optional(tensor("B", "T", dtype=BOOLEANS))
MASK = optional(tensor("...", dtype=BOOLEANS))
IDS = tensor("B", "T", dtype=INTEGERS)
K = 2  # runs that end at a word


def fits(make):
    """What a layer of the given width computes from numbers of that width."""

    def check(module, given):
        x = numbers(B, T, int(given["d_model"]))
        built(*make(x))(module, given)

    return check


def attention():
    return made(MultiHeadAttention, D, H)


def encoder_layer():
    return made(EncoderLayer, **SIZES)


def decoder_layer():
    return made(DecoderLayer, **SIZES)


def encoder():
    return made(Encoder, num_layers=2, **SIZES, norm_first=True)


def embedding():
    return made(TokenEmbedding, V, D, max_len=S)


def transformer():
    return made(Transformer, V, V, **SIZES, num_layers=1, max_len=S)


def language_model():
    return made(TransformerModel, V, D, H, 5, 1)


def classifier():
    return made(TransformerClassifier, V, 2, D, H, 5, 1, max_len=S)


def ngram_classifier():
    return made(NgramClassifier, V, 2, D, H, 5, 1)


ENTRIES = [
    Entry(
        "attention.causal_mask",
        lambda: (causal_mask, {"length": 3}),
        {"length": size()},
        equals(lambda length: [[s <= t for s in range(length)] for t in range(length)]),
    ),
    Entry(
        "attention.padding_mask",
        lambda: (padding_mask, {"lengths": torch.tensor([2, 0, 3]), "max_len": 5}),
        {"lengths": tensor("B", dtype=INTEGERS), "max_len": optional(size(0))},
        equals(
            lambda lengths, max_len: torch.tensor(
                [
                    [s < n for s in range(max(lengths.tolist()) if max_len is None else max_len)]
                    for n in lengths.tolist()
                ],
                dtype=torch.bool,
            )
        ),
    ),
    Entry(
        "attention.scaled_dot_product_attention",
        lambda: (
            scaled_dot_product_attention,
            {
                "query": numbers(B, T, D),
                "key": numbers(B, S, D),
                "value": numbers(B, S, 3),
                "mask": allowed(T, S),
                "dropout": 0.0,
            },
        ),
        {
            "query": tensor("..."),
            "key": tensor("..."),
            "value": tensor("..."),
            "mask": MASK,
            "dropout": number(0, 1),
        },
        check_attention,
    ),
    Entry(
        "attention.MultiHeadAttention",
        lambda: (
            MultiHeadAttention,
            {"d_model": D, "num_heads": H, "dropout": 0.1, "bias": True},
        ),
        {"d_model": size(), "num_heads": size(), "dropout": number(0, 1), "bias": flag()},
        fits(lambda x: (x, x, x)),
    ),
    method(
        "attention.MultiHeadAttention",
        attention,
        lambda: {
            "query": numbers(B, T, D),
            "key": numbers(B, S, D),
            "value": numbers(B, S, D),
            "mask": allowed(T, S),
            "padding_mask": allowed(B, S),
            "need_weights": False,
        },
        {
            "query": X,
            "key": X,
            "value": X,
            "mask": MASK,
            "padding_mask": PADDING,
            "need_weights": flag(),
        },
        ("query", "key", "value", "mask", "padding_mask"),
    ),
    Entry(
        "layers.sinusoidal_encoding",
        lambda: (sinusoidal_encoding, {"max_len": 5, "d_model": 6}),
        {"max_len": size(), "d_model": size(2)},
        equals(
            lambda max_len, d_model: [
                [
                    (math.cos if i % 2 else math.sin)(p / 10000 ** (i // 2 * 2 / d_model))
                    for i in range(d_model)
                ]
                for p in range(max_len)
            ]
        ),
    ),
    Entry(
        "layers.PositionalEncoding",
        lambda: (PositionalEncoding, {"d_model": D, "dropout": 0.1, "max_len": S}),
        {"d_model": size(2), "dropout": number(0, 1), "max_len": size()},
        lambda module, given: built(numbers(B, 1, int(given["d_model"])))(module, given),
    ),
    method(
        "layers.PositionalEncoding",
        lambda: made(PositionalEncoding, D, max_len=S),
        lambda: {"x": numbers(B, T, D)},
        {"x": X},
        ("x",),
    ),
    Entry(
        "layers.TokenEmbedding",
        lambda: (
            TokenEmbedding,
            {"vocab_size": V, "d_model": D, "dropout": 0.1, "max_len": S, "position_scale": 1.0},
        ),
        {
            "vocab_size": size(),
            "d_model": size(2),
            "dropout": number(0, 1),
            "max_len": size(),
            "position_scale": number(0),
        },
        built(torch.zeros(1, 1, dtype=torch.int64)),
    ),
    method("layers.TokenEmbedding", embedding, lambda: {"ids": ids(B, T)}, {"ids": IDS}, ("ids",)),
    method(
        "layers.TokenEmbedding",
        embedding,
        lambda: {"name": "ids", "ids": ids(B, T)},
        {"ids": IDS},
        ("ids",),
        "check_ids",
    ),
    Entry(
        "layers.FeedForward",
        lambda: (FeedForward, {"d_model": D, "d_hidden": 5, "dropout": 0.1}),
        {"d_model": size(), "d_hidden": size(), "dropout": number(0, 1)},
        fits(lambda x: (x,)),
    ),
    method(
        "layers.FeedForward",
        lambda: made(FeedForward, D, 5),
        lambda: {"x": numbers(B, T, D)},
        {"x": tensor("...", dtype=FLOAT)},
        ("x",),
    ),
    Entry(
        "layers.EncoderLayer",
        lambda: (EncoderLayer, SIZES | OPTIONS),
        WIDTHS | CHOICES,
        fits(lambda x: (x,)),
    ),
    Entry(
        "layers.DecoderLayer",
        lambda: (DecoderLayer, SIZES | OPTIONS),
        WIDTHS | CHOICES,
        fits(lambda x: (x, x)),
    ),
    Entry(
        "layers.Encoder",
        lambda: (Encoder, {"num_layers": 2} | SIZES | OPTIONS),
        {"num_layers": size()} | WIDTHS | CHOICES,
        fits(lambda x: (x,)),
    ),
    *(
        method(
            name,
            make,
            lambda: {
                "x": numbers(B, T, D),
                "mask": allowed(T, T),
                "padding_mask": allowed(B, T),
                "need_weights": False,
            },
            {"x": X, "mask": MASK, "padding_mask": PADDING, "need_weights": flag()},
            ("x", "mask", "padding_mask"),
        )
        for name, make in (("layers.EncoderLayer", encoder_layer), ("layers.Encoder", encoder))
    ),
    method(
        "layers.DecoderLayer",
        decoder_layer,
        lambda: {
            "x": numbers(B, T, D),
            "memory": numbers(B, S, D),
            "mask": allowed(T, T),
            "padding_mask": allowed(B, T),
            "memory_padding_mask": allowed(B, S),
            "need_weights": False,
        },
        {
            "x": X,
            "memory": X,
            "mask": MASK,
            "padding_mask": PADDING,
            "memory_padding_mask": PADDING,
            "need_weights": flag(),
        },
        ("x", "memory", "mask", "padding_mask", "memory_padding_mask"),
    ),
    Entry(
        "transformer.Transformer",
        lambda: (
            Transformer,
            {"src_vocab": V, "tgt_vocab": V, "num_layers": 1, "max_len": S} | SIZES | OPTIONS,
        ),
        {"src_vocab": size(), "tgt_vocab": size(), "num_layers": size(), "max_len": size()}
        | WIDTHS
        | CHOICES,
        built(torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1, dtype=torch.int64)),
    ),
    method(
        "transformer.Transformer",
        transformer,
        lambda: {
            "src": ids(B, S),
            "tgt": ids(B, T),
            "src_padding_mask": allowed(B, S),
            "tgt_padding_mask": allowed(B, T),
            "need_weights": False,
        },
        {
            "src": IDS,
            "tgt": IDS,
            "src_padding_mask": PADDING,
            "tgt_padding_mask": PADDING,
            "need_weights": flag(),
        },
        ("src", "tgt", "src_padding_mask", "tgt_padding_mask"),
    ),
    method(
        "transformer.Transformer",
        transformer,
        lambda: {"src": ids(B, S), "src_padding_mask": allowed(B, S)},
        {"src": IDS, "src_padding_mask": PADDING},
        ("src", "src_padding_mask"),
        "encode",
    ),
    method(
        "transformer.Transformer",
        transformer,
        lambda: {
            "tgt": ids(B, T),
            "memory": numbers(B, S, D),
            "tgt_padding_mask": allowed(B, T),
            "src_padding_mask": allowed(B, S),
            "need_weights": False,
        },
        {
            "tgt": IDS,
            "memory": X,
            "tgt_padding_mask": PADDING,
            "src_padding_mask": PADDING,
            "need_weights": flag(),
        },
        ("tgt", "memory", "tgt_padding_mask", "src_padding_mask"),
        "decode",
    ),
    method(
        "transformer.Transformer",
        transformer,
        lambda: {
            "src": ids(B, S),
            "start_id": 3,
            "length": 2,
            "src_padding_mask": allowed(B, S),
        },
        {
            "src": IDS,
            "start_id": integer(0, V - 1),
            "length": integer(1, S),
            "src_padding_mask": PADDING,
        },
        ("src", "src_padding_mask"),
        "generate",
        extra={"length": {"more than max_len": lambda: S + 1}},
    ),
    Entry(
        "transformer.TransformerModel",
        lambda: (
            TransformerModel,
            {"ntoken": V, "ninp": D, "nhead": H, "nhid": 5, "nlayers": 1, "dropout": 0.5},
        ),
        dict.fromkeys(("ntoken", "ninp", "nhead", "nhid", "nlayers"), size())
        | {"dropout": number(0, 1)},
        built(torch.zeros(1, 1, dtype=torch.int64)),
    ),
    method(
        "transformer.TransformerModel",
        language_model,
        lambda: {"ids": ids(B, T), "need_weights": False},
        {"ids": IDS, "need_weights": flag()},
        ("ids",),
    ),
    Entry(
        "classifiers.TransformerClassifier",
        lambda: (
            TransformerClassifier,
            {"ntoken": V, "nclass": 2, "ninp": D, "nhead": H, "nhid": 5, "nlayers": 1}
            | {"dropout": 0.1, "word_dropout": 0.1, "position_scale": 0.5, "max_len": S},
        ),
        dict.fromkeys(("ntoken", "nclass", "ninp", "nhead", "nhid", "nlayers", "max_len"), size())
        | {"dropout": number(0, 1), "word_dropout": number(0, 1), "position_scale": number(0)},
        built(torch.zeros(1, 1, dtype=torch.int64)),
    ),
    method(
        "classifiers.TransformerClassifier",
        classifier,
        lambda: {"ids": ids(B, T), "padding_mask": allowed(B, T), "need_weights": False},
        {"ids": IDS, "padding_mask": PADDING, "need_weights": flag()},
        ("ids", "padding_mask"),
    ),
    Entry(
        "classifiers.NgramClassifier",
        lambda: (
            NgramClassifier,
            {"ngrams": V, "nclass": 2, "ninp": D, "nhead": H, "nhid": 5, "nlayers": 1}
            | {"dropout": 0.1},
        ),
        dict.fromkeys(("ngrams", "nclass", "ninp", "nhead", "nhid", "nlayers"), size())
        | {"dropout": number(0, 1)},
        built(torch.zeros(1, 1, K, dtype=torch.int64), numbers(1, 1, K)),
    ),
    method(
        "classifiers.NgramClassifier",
        ngram_classifier,
        lambda: {
            "ids": ids(B, T, K),
            "weights": numbers(B, T, K),
            "padding_mask": allowed(B, T),
            "need_weights": False,
        },
        {
            "ids": tensor("B", "T", "K", dtype=INTEGERS),
            "weights": tensor(B, T, K, dtype=FLOAT),
            "padding_mask": PADDING,
            "need_weights": flag(),
        },
        ("ids", "weights", "padding_mask"),
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 60


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("argument", ["query", "key", "value"])
def test_where_a_nan_goes_in_attention(argument, masked):
    given = {"query": numbers(B, T, D), "key": numbers(B, S, D), "value": numbers(B, S, 3)}
    given[argument][1, 2, 0] = math.nan
    mask = torch.ones(T, S, dtype=torch.bool)
    mask[3, 2] = not masked
    output, _ = scaled_dot_product_attention(**given, mask=mask)
    hit = output.isnan().any(dim=-1)
    assert not hit[0].any()
    expected = {"query": [2], "key": [t for t in range(T) if mask[t, 2]], "value": [*range(T)]}
    assert hit[1].nonzero().flatten().tolist() == expected[argument]


def test_a_nan_in_a_padded_place_spoils_its_own_example_only():
    x = numbers(B, T, D)
    x[1, 2] = math.nan
    padding = torch.ones(B, T, dtype=torch.bool)
    padding[1, 2] = False
    weighed, _ = attention()(x, x, x, padding_mask=padding, need_weights=True)
    assert weighed[0].isfinite().all()
    assert weighed[1].isnan().all()


def test_attention_without_a_width_is_refused():
    """Its scores would be zero by zero."""
    query, key, value = numbers(B, T, 0), numbers(B, S, 0), numbers(B, S, 3)
    with pytest.raises(ValueError, match="query must have a width of at least 1, got shape"):
        scaled_dot_product_attention(query, key, value)
