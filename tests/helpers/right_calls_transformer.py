"""What everything public in ``helpers.transformer`` may be given; all sizes are distinct primes."""

import torch
from torch import Tensor

from helpers import transformer
from tests.torch_reference import draw, tokens

B, H, T, S, K, V, SRC, F = 2, 3, 5, 7, 11, 13, 17, 23
D = 2 * H

WIDTHS = {"d_model": D, "d_hidden": F, "dropout": 0.1}
LAYER = WIDTHS | {"num_heads": H}
PAPER = LAYER | {"norm_first": True}
JUDGE = LAYER | {"num_classes": K, "num_layers": 2}
WORDS = {"vocab_size": V, "position_scale": 0.5, "max_len": T}


def true(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.bool)


def attended(width: int, value: int) -> dict[str, Tensor]:
    return {"query": draw(B, T, width), "key": draw(B, S, width), "value": draw(B, S, value)}


def vectors() -> dict[str, Tensor]:
    return {"x": draw(B, T, D)}


def layer() -> dict[str, Tensor]:
    return vectors() | {"mask": true(T, T), "padding_mask": true(B, T)}


def memory() -> dict[str, Tensor]:
    return {"memory": draw(B, S, D)}


SOURCE = {"src": tokens(SRC, B, S), "src_padding_mask": true(B, S)}
TARGET = {"tgt": tokens(V, B, T), "tgt_padding_mask": true(B, T)}
IDS, REAL = {"ids": tokens(V, B, T)}, {"padding_mask": true(B, T)}

GIVEN = {
    "causal_mask": {"length": T},
    "padding_mask": {"lengths": torch.tensor([2, 0, 3]), "max_len": T},
    "scaled_dot_product_attention": lambda: attended(K, V) | {"mask": true(T, S), "dropout": 0.1},
    "attention_weights": {"model": transformer.MultiHeadAttention(D, H)},
    "MultiHeadAttention": {"d_model": D, "num_heads": H, "dropout": 0.1, "bias": False},
    "MultiHeadAttention.forward": lambda: (
        attended(D, D) | {"mask": true(T, S), "padding_mask": true(B, S)}
    ),
    "sinusoidal_encoding": {"max_len": T, "d_model": D},
    "PositionalEncoding": {"d_model": D, "dropout": 0.1, "max_len": T},
    "PositionalEncoding.forward": vectors,
    "TokenEmbedding": WORDS | {"d_model": D, "dropout": 0.1},
    "TokenEmbedding.forward": IDS,
    "FeedForward": WIDTHS,
    "FeedForward.forward": vectors,
    "EncoderLayer": PAPER,
    "EncoderLayer.forward": layer,
    "DecoderLayer": PAPER,
    "DecoderLayer.forward": lambda: layer() | memory() | {"memory_padding_mask": true(B, S)},
    "Encoder": PAPER | {"num_layers": 2},
    "Encoder.forward": layer,
    "Transformer": PAPER | {"src_vocab": SRC, "tgt_vocab": V, "max_len": S, "num_layers": 2},
    "Transformer.encode": SOURCE,
    "Transformer.decode": lambda: TARGET | memory() | {"src_padding_mask": true(B, S)},
    "Transformer.forward": SOURCE | TARGET,
    "Transformer.generate": SOURCE | {"start_id": 1, "length": T},
    "TransformerModel": {
        "ntoken": V,
        "ninp": D,
        "nhead": H,
        "nhid": F,
        "nlayers": 1,
        "dropout": 0.1,
    },
    "TransformerModel.forward": IDS,
    "TransformerClassifier": WORDS | JUDGE | {"word_dropout": 0.2},
    "TransformerClassifier.forward": IDS | REAL,
    "NgramClassifier": {"ngrams": V} | JUDGE,
    "NgramClassifier.forward": lambda: {"ids": tokens(V, B, T, S), "weights": draw(B, T, S)} | REAL,
}
