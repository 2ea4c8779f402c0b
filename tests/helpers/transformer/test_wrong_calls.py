"""What a reader gets wrong with the Transformer, and the sentence that answers: written by hand.

What the contracts refuse stands here by example only: `test_held` feeds them wrong values of every
kind. What the bodies refuse stands here in full.
"""

import re

import pytest
import torch
from torch import nn

from helpers.transformer import (
    EncoderLayer,
    MultiHeadAttention,
    NgramClassifier,
    PositionalEncoding,
    TokenEmbedding,
    Transformer,
    TransformerClassifier,
    TransformerModel,
    attention_weights,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
    sinusoidal_encoding,
)

B, H, T, S, D, F, V = 2, 3, 5, 7, 18, 23, 13
SIZES = {"d_model": D, "num_heads": H, "d_hidden": F, "num_layers": 2}
MASKS = "mask must have shape (5, 7) or (2, 5, 7) or (2, 3, 5, 7)"
PAIRS = "must be even (sines and cosines come in pairs), got 21"

x, memory, nothing = torch.zeros(B, T, D), torch.zeros(B, S, D), torch.zeros(B, T, 0)
ids, ten = torch.ones(B, T, dtype=torch.long), torch.ones(B, 10, dtype=torch.long)
high = ids + 12
runs, weights = torch.ones(B, T, 4, dtype=torch.long), torch.ones(B, T, 4)
heads, layer, attend = MultiHeadAttention(D, H), EncoderLayer(D, H, F), scaled_dot_product_attention
whole = Transformer(V, V + 4, **SIZES, max_len=S)
write = whole.generate
fewer = Transformer(V + 4, V, **SIZES)
writer, judge = TransformerModel(V, D, H, F, 2), TransformerClassifier(V, 3, **SIZES, max_len=S)
ngrams = NgramClassifier(V, 3, **SIZES)


def masked(*shape):
    return heads(x, memory, memory, torch.ones(shape, dtype=torch.bool))


def real(*lengths, max_len=None):
    return padding_mask(torch.tensor(lengths, dtype=torch.long), max_len)


def collect(model):
    with attention_weights(model):
        pass


VALUES = [
    # Shapes
    (lambda: layer(x[0]), "x must have shape (B, T, 18), got (5, 18)"),
    (lambda: heads(x, memory, x), "value must have shape (2, 7, 18), got (2, 5, 18)"),
    (lambda: attend(x[0, 0], x, x), "query must have shape (..., T, K), got (18,)"),
    (lambda: attend(x, x, x, x[0] > 0), "mask must have shape (..., 5, 5) or (5,), got (5, 18)"),
    (
        lambda: attend(x, x, x, x[:, None, :, :T] == 0),
        "mask must broadcast to (2, 5, 5), got (2, 1, 5, 5)",
    ),
    (lambda: fewer(high, high), "tgt must lie in 0..12, got 13"),
    (lambda: masked(S, T), f"{MASKS}, got (7, 5)"),
    (lambda: masked(B * H, T, S), f"{MASKS}, got (6, 5, 7)"),
    (lambda: whole(ids, ids[:1]), "tgt must have shape (2, 5), got (1, 5)"),
    (lambda: writer(ids[0]), "ids must have shape (B, T), got (5,)"),
    (lambda: judge(ids, ids[:1] > 0), "padding_mask must have shape (2, 5), got (1, 5)"),
    (lambda: ngrams(runs, weights[..., 1:]), "weights must have shape (2, 5, 4), got (2, 5, 3)"),
    # Sizes and options
    (lambda: causal_mask(0), "length must be at least 1, got 0"),
    (lambda: attend(x, x, x, dropout=1.0), "dropout must be at least 0 and below 1, got 1.0"),
    (lambda: TokenEmbedding(V, D, position_scale=-1), "position_scale must be at least 0, got -1"),
    (lambda: MultiHeadAttention(D, 4), "d_model must be divisible by num_heads=4, got 18"),
    (lambda: TransformerModel(V, D, 4, F, 2), "ninp must be divisible by nhead=4, got 18"),
    (lambda: TransformerModel(V, 21, H, F, 2), f"ninp {PAIRS}"),
    (lambda: sinusoidal_encoding(T, 21), f"d_model {PAIRS}"),
    (lambda: collect(nn.ReLU()), "model must contain a MultiHeadAttention, got 'ReLU'"),
    # Numbers in a tensor
    (lambda: real(), "lengths must hold at least one number, got (0,)"),
    (lambda: real(2, -1), "lengths must be at least 0, got -1"),
    (lambda: real(2, -1, max_len=3), "lengths must lie in 0..3, got -1"),
    (lambda: real(2, 5, max_len=3), "lengths must lie in 0..3, got 5"),
    (lambda: attend(nothing, nothing, x), "query must have a width of at least 1, got (2, 5, 0)"),
    (lambda: writer(ids + 12), "ids must lie in 0..12, got 13"),
    (lambda: writer(ids - 2), "ids must lie in 0..12, got -1"),
    (lambda: writer(ids[:, :0]), "ids must hold at least one number, got (2, 0)"),
    (lambda: ngrams(runs + 12, weights), "ids must lie in 0..12, got 13"),
    (lambda: whole(ids + 12, ids), "src must lie in 0..12, got 13"),
    (lambda: whole.decode(ids + 16, x), "tgt must lie in 0..16, got 17"),
    (lambda: write(ids + 12, start_id=0, length=1), "src must lie in 0..12, got 13"),
    # Lengths
    (lambda: PositionalEncoding(D, max_len=4)(x), "x must have at most max_len=4 positions, got 5"),
    (lambda: judge(ten), "ids must have at most max_len=7 positions, got 10"),
    (lambda: whole(ten, ids), "src must have at most max_len=7 positions, got 10"),
    (lambda: write(ids, start_id=17, length=1), "start_id must be below tgt_vocab=17, got 17"),
    (lambda: write(ids, start_id=0, length=8), "length must be at most max_len=7, got 8"),
    # Devices
    (lambda: layer(x.to("meta")), "x must lie on cpu like the model, got meta"),
]
KINDS = [
    (lambda: heads(x, x, x, x), "mask must be a boolean tensor, got torch.float32"),
    (lambda: heads(x, x, x, [[True]]), "mask must be a tensor, got [[True]]"),
    (lambda: writer(x), "ids must be an int64 or int32 tensor, got torch.float32"),
    (lambda: layer(x.double()), "x must be torch.float32 like the model, got torch.float64"),
    (lambda: attend(x, x.double(), x), "key must be torch.float32 like query, got torch.float64"),
    (lambda: MultiHeadAttention(18.0, H), "d_model must be an integer, got 18.0"),
    (lambda: TransformerModel(V, D, "3", F, 2), "nhead must be an integer, got '3'"),
    (lambda: MultiHeadAttention(D, H, bias=1), "bias must be True or False, got 1"),
    (lambda: collect("model"), "model must be a torch.nn.Module, got 'model'"),
]


@pytest.mark.parametrize(
    ("error", "call", "sentence"),
    [(ValueError, *row) for row in VALUES] + [(TypeError, *row) for row in KINDS],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, call, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()
