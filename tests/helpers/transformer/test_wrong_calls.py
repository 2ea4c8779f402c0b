"""What a reader gets wrong with the Transformer, and the sentence that answers: written by hand."""

import re

import pytest
import torch
from torch import nn

from helpers.transformer import (
    DecoderLayer,
    Encoder,
    EncoderLayer,
    FeedForward,
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

x, memory = torch.zeros(B, T, D), torch.zeros(B, S, D)
ids, long_ids = torch.ones(B, T, dtype=torch.long), torch.ones(B, S, dtype=torch.long)
real = torch.ones(B, T, dtype=torch.bool)
heads = MultiHeadAttention(D, H)
encoder_layer, decoder_layer = EncoderLayer(D, H, F), DecoderLayer(D, H, F)
encoder = Encoder(2, D, H, F, norm_first=True)
model = Transformer(V, V + 4, **SIZES, max_len=S)
language_model = TransformerModel(V, D, H, F, 2)
classifier = TransformerClassifier(V, 3, **SIZES, max_len=S)
ngrams = NgramClassifier(V, 3, **SIZES)
runs, weights = torch.ones(B, T, 4, dtype=torch.long), torch.ones(B, T, 4)


def numbers(*values):
    return torch.tensor(values)


SHAPES = {
    "x must have shape (B, T, 18), got (5, 18)": [
        lambda: encoder_layer(x[0]),
        lambda: decoder_layer(x[0], memory),
        lambda: encoder(x[0]),
        lambda: PositionalEncoding(D)(x[0]),
    ],
    "x must have shape (2, 5, 18), got (2, 5, 19)": [
        lambda: encoder_layer(torch.zeros(B, T, D + 1)),
        lambda: encoder(torch.zeros(B, T, D + 1)),
    ],
    "x must have shape (..., 18), got (2, 5, 19)": [
        lambda: FeedForward(D, F)(torch.zeros(B, T, D + 1)),
    ],
    "query must have shape (B, T, 18), got (5, 18)": [lambda: heads(x[0], x, x)],
    "key must have shape (2, 7, 18), got (3, 7, 18)": [
        lambda: heads(x, torch.zeros(3, S, D), memory),
    ],
    "value must have shape (2, 7, 18), got (2, 5, 18)": [lambda: heads(x, memory, x)],
    "query must have shape (..., T, K), got (18,)": [
        lambda: scaled_dot_product_attention(x[0, 0], x, x),
    ],
    "key must have shape (..., 7, 18), got (2, 7, 17)": [
        lambda: scaled_dot_product_attention(x, memory[..., 1:], memory),
    ],
    "value must have shape (..., 7, 18), got (2, 5, 18)": [
        lambda: scaled_dot_product_attention(x, memory, x),
    ],
    "mask must have shape (..., 5, 7) or (7,), got (7, 5)": [
        lambda: scaled_dot_product_attention(x, memory, memory, causal_mask(S)[:, :T]),
    ],
    "mask must have shape (5, 7) or (2, 5, 7) or (2, 3, 5, 7), got (7, 5)": [
        lambda: heads(x, memory, memory, causal_mask(S)[:, :T]),
    ],
    "mask must have shape (5, 7) or (2, 5, 7) or (2, 3, 5, 7), got (6, 5, 7)": [
        lambda: heads(x, memory, memory, causal_mask(S)[:T].expand(B * H, T, S)),
    ],
    "padding_mask must have shape (2, 7), got (2, 5)": [
        lambda: heads(x, memory, memory, padding_mask=real),
    ],
    "memory must have shape (2, 7, 18), got (3, 7, 18)": [
        lambda: decoder_layer(x, torch.zeros(3, S, D)),
        lambda: model.decode(ids, torch.zeros(3, S, D)),
    ],
    "memory_padding_mask must have shape (2, 7), got (2, 5)": [
        lambda: decoder_layer(x, memory, memory_padding_mask=real),
    ],
    "ids must have shape (B, T), got (5,)": [
        lambda: language_model(ids[0]),
        lambda: classifier(ids[0]),
        lambda: TokenEmbedding(V, D)(ids[0]),
    ],
    "src_padding_mask must have shape (2, 7), got (7, 2)": [
        lambda: model(long_ids, ids, src_padding_mask=torch.ones(S, B, dtype=torch.bool)),
    ],
    "tgt_padding_mask must have shape (2, 5), got (2, 7)": [
        lambda: model(long_ids, ids, tgt_padding_mask=torch.ones(B, S, dtype=torch.bool)),
    ],
    "tgt must have shape (2, 5), got (1, 5)": [lambda: model(long_ids, ids[:1])],
    "padding_mask must have shape (2, 5), got (1, 5)": [
        lambda: classifier(ids, real[:1]),
        lambda: ngrams(runs, weights, real[:1]),
    ],
    "weights must have shape (2, 5, 4), got (2, 5, 3)": [lambda: ngrams(runs, weights[..., 1:])],
    "lengths must have shape (B,), got (2, 5)": [lambda: padding_mask(ids)],
}
KINDS = {
    "mask must be a boolean tensor, got torch.float32": [
        lambda: scaled_dot_product_attention(x, x, x, torch.zeros(T, T)),
        lambda: heads(x, x, x, torch.zeros(T, T)),
        lambda: encoder_layer(x, torch.zeros(T, T)),
        lambda: encoder(x, torch.zeros(T, T)),
    ],
    "mask must be a tensor, got [[True]]": [lambda: heads(x, x, x, [[True]])],
    "padding_mask must be a boolean tensor, got torch.int64": [
        lambda: classifier(ids, ids),
        lambda: ngrams(runs, weights, ids),
    ],
    "ids must be a tensor, got [[1, 2]]": [
        lambda: language_model([[1, 2]]),
        lambda: classifier([[1, 2]]),
    ],
    "ids must be an int64 or int32 tensor, got torch.float32": [lambda: language_model(x[..., 0])],
    "query must be torch.float32 like the weights, got torch.float64": [
        lambda: heads(x.double(), x, x),
    ],
    "key must be torch.float32 like query, got torch.float64": [
        lambda: scaled_dot_product_attention(x, x.double(), x),
    ],
    "query must be a float tensor, got torch.int64": [
        lambda: scaled_dot_product_attention(ids, x, x),
    ],
    "x must be torch.float32 like the weights, got torch.float64": [
        lambda: encoder_layer(x.double()),
        lambda: PositionalEncoding(D)(x.double()),
    ],
    "weights must be torch.float32 like the weights, got torch.float64": [
        lambda: ngrams(runs, weights.double()),
    ],
    "d_model must be an integer, got 18.0": [
        lambda: MultiHeadAttention(18.0, H),
        lambda: Transformer(V, V, **{**SIZES, "d_model": 18.0}),
        lambda: sinusoidal_encoding(T, 18.0),
    ],
    "num_heads must be an integer, got True": [lambda: MultiHeadAttention(D, True)],
    "nhead must be an integer, got '3'": [lambda: TransformerModel(V, D, "3", F, 2)],
    "bias must be True or False, got 1": [lambda: MultiHeadAttention(D, H, bias=1)],
    "norm_first must be True or False, got 'no'": [lambda: EncoderLayer(D, H, F, norm_first="no")],
    "dropout must be a number, got None": [lambda: Encoder(1, D, H, F, dropout=None)],
    "max_len must be an integer, got 2.5": [lambda: padding_mask(ids[0], 2.5)],
    "model must be of type Module, got 'model'": [lambda: attention_weights("model").__enter__()],
}
RANGES = {
    "length must be at least 1, got 0": [
        lambda: causal_mask(0),
        lambda: model.generate(ids, start_id=0, length=0),
    ],
    "max_len must be at least 0, got -1": [lambda: padding_mask(ids[0], -1)],
    "lengths must hold at least one number, got (0,)": [lambda: padding_mask(ids[0, :0])],
    "lengths must be at least 0, got -1": [lambda: padding_mask(numbers(2, -1))],
    "lengths must lie in 0..3, got -1": [lambda: padding_mask(numbers(2, -1), 3)],
    "lengths must lie in 0..3, got 5": [lambda: padding_mask(numbers(2, 5), 3)],
    "query must have a width of at least 1, got (2, 5, 0)": [
        lambda: scaled_dot_product_attention(x[..., :0], memory[..., :0], memory),
    ],
    "dropout must be at least 0 and below 1, got 1.0": [
        lambda: scaled_dot_product_attention(x, x, x, dropout=1.0),
        lambda: TransformerModel(V, D, H, F, 2, 1.0),
        lambda: NgramClassifier(V, 3, **SIZES, dropout=1.0),
    ],
    "dropout must be at least 0 and below 1, got nan": [
        lambda: MultiHeadAttention(D, H, dropout=float("nan")),
    ],
    "word_dropout must be at least 0 and below 1, got -0.1": [
        lambda: TransformerClassifier(V, 3, **SIZES, word_dropout=-0.1),
    ],
    "position_scale must be at least 0, got -1": [
        lambda: TokenEmbedding(V, D, position_scale=-1),
        lambda: TransformerClassifier(V, 3, **SIZES, position_scale=-1),
    ],
    "position_scale must be finite, got inf": [
        lambda: TransformerClassifier(V, 3, **SIZES, position_scale=float("inf")),
    ],
    "d_model must be divisible by num_heads=4, got 18": [
        lambda: MultiHeadAttention(D, 4),
        lambda: Transformer(V, V, **{**SIZES, "num_heads": 4}),
        lambda: NgramClassifier(V, 3, **{**SIZES, "num_heads": 4}),
    ],
    "d_model must be even (sines and cosines come in pairs), got 21": [
        lambda: sinusoidal_encoding(T, 21),
        lambda: TransformerClassifier(V, 3, **{**SIZES, "d_model": 21}),
    ],
    "ninp must be even (sines and cosines come in pairs), got 21": [
        lambda: TransformerModel(V, 21, H, F, 2),
    ],
    "ninp must be divisible by nhead=4, got 18": [lambda: TransformerModel(V, D, 4, F, 2)],
    "num_layers must be at least 1, got 0": [lambda: Encoder(0, D, H, F)],
    "ids must lie in 0..12, got 13": [
        lambda: language_model(ids + 12),
        lambda: classifier(ids + 12),
        lambda: TokenEmbedding(V, D)(ids + 12),
        lambda: ngrams(runs + 12, weights),
    ],
    "ids must lie in 0..12, got -1": [lambda: language_model(ids - 2)],
    "ids must hold at least one number, got (2, 0)": [lambda: language_model(ids[:, :0])],
    "ids must hold at least one number, got (2, 0, 4)": [
        lambda: ngrams(runs[:, :0], weights[:, :0]),
    ],
    "src must lie in 0..12, got 13": [
        lambda: model(ids + 12, ids),
        lambda: model.encode(ids + 12),
        lambda: model.generate(ids + 12, start_id=0, length=1),
    ],
    "tgt must lie in 0..16, got 17": [
        lambda: model(ids, ids + 16),
        lambda: model.decode(ids + 16, x),
    ],
    "ids must have at most max_len=7 positions, got 10": [
        lambda: classifier(torch.cat([ids, ids], dim=1)),
    ],
    "src must have at most max_len=7 positions, got 10": [
        lambda: model(torch.cat([ids, ids], dim=1), ids),
    ],
    "x must have at most max_len=4 positions, got 5": [
        lambda: PositionalEncoding(D, max_len=4)(x),
    ],
    "start_id must be below tgt_vocab=17, got 17": [
        lambda: model.generate(ids, start_id=17, length=1),
    ],
    "length must be at most max_len=7, got 8": [
        lambda: model.generate(ids, start_id=0, length=8),
    ],
    "model must contain a MultiHeadAttention, got 'Linear'": [
        lambda: attention_weights(nn.Linear(2, 2)).__enter__(),
    ],
}
DEVICES = {
    "x must lie on cpu like the weights, got meta": [lambda: encoder_layer(x.to("meta"))],
    "ids must lie on cpu like the weights, got meta": [lambda: language_model(ids.to("meta"))],
    "mask must lie on cpu like query, got meta": [
        lambda: scaled_dot_product_attention(x, x, x, causal_mask(T).to("meta")),
    ],
    "src_padding_mask must lie on cpu like the weights, got meta": [
        lambda: model.encode(ids, src_padding_mask=real.to("meta")),
    ],
}


@pytest.mark.parametrize(
    ("error", "sentence", "call"),
    [
        pytest.param(error, sentence, call, id=sentence)
        for error, table in (
            (ValueError, SHAPES),
            (TypeError, KINDS),
            (ValueError, RANGES),
            (ValueError, DEVICES),
        )
        for sentence, calls in table.items()
        for call in calls
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, sentence, call):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()
