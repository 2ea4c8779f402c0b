"""A right call of everything public in ``helpers.transformer``; all sizes are distinct primes."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from helpers import transformer
from tests.torch_reference import draw, tokens

B, H, T, S, K, V, F = 2, 3, 5, 7, 11, 13, 23
D = 2 * H

LAYER = {"d_model": D, "num_heads": H, "d_hidden": F, "dropout": 0.1}
PAPER = LAYER | {"norm_first": True}
JUDGE = LAYER | {"num_classes": K, "num_layers": 2}


def true(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.bool)


def attended(width: int, value: int) -> dict[str, Tensor]:
    return {"query": draw(B, T, width), "key": draw(B, S, width), "value": draw(B, S, value)}


def layer() -> dict[str, Tensor]:
    return {"x": draw(B, T, D), "mask": true(T, T), "padding_mask": true(B, T)}


def source() -> dict[str, Tensor]:
    return {"src": tokens(V, B, S), "src_padding_mask": true(B, S)}


def target() -> dict[str, Tensor]:
    return {"tgt": tokens(V, B, T), "tgt_padding_mask": true(B, T)}


ARGUMENTS = {
    "causal_mask": lambda: {"length": T},
    "padding_mask": lambda: {"lengths": torch.tensor([2, 0, 3]), "max_len": T},
    "scaled_dot_product_attention": lambda: attended(K, V) | {"mask": true(T, S), "dropout": 0.1},
    "attention_weights": lambda: {"model": transformer.MultiHeadAttention(D, H)},
    "MultiHeadAttention": lambda: {"d_model": D, "num_heads": H, "dropout": 0.1, "bias": False},
    "MultiHeadAttention.forward": lambda: (
        attended(D, D) | {"mask": true(T, S), "padding_mask": true(B, S)}
    ),
    "sinusoidal_encoding": lambda: {"max_len": T, "d_model": D},
    "PositionalEncoding": lambda: {"d_model": D, "dropout": 0.1, "max_len": T},
    "PositionalEncoding.forward": lambda: {"x": draw(B, T, D)},
    "TokenEmbedding": lambda: (
        {"vocab_size": V, "d_model": D, "dropout": 0.1, "max_len": T, "position_scale": 0.5}
    ),
    "TokenEmbedding.forward": lambda: {"ids": tokens(V, B, T)},
    "FeedForward": lambda: {"d_model": D, "d_hidden": F, "dropout": 0.1},
    "FeedForward.forward": lambda: {"x": draw(B, T, D)},
    "EncoderLayer": lambda: PAPER,
    "EncoderLayer.forward": layer,
    "DecoderLayer": lambda: PAPER,
    "DecoderLayer.forward": lambda: (
        layer() | {"memory": draw(B, S, D), "memory_padding_mask": true(B, S)}
    ),
    "Encoder": lambda: PAPER | {"num_layers": 2},
    "Encoder.forward": layer,
    "Transformer": lambda: {"src_vocab": V, "tgt_vocab": V, "max_len": S, "num_layers": 2} | PAPER,
    "Transformer.encode": source,
    "Transformer.decode": lambda: (
        target() | {"memory": draw(B, S, D), "src_padding_mask": true(B, S)}
    ),
    "Transformer.forward": lambda: source() | target(),
    "Transformer.generate": lambda: source() | {"start_id": 1, "length": T},
    "TransformerModel": lambda: (
        {"ntoken": V, "ninp": D, "nhead": H, "nhid": F, "nlayers": 1, "dropout": 0.1}
    ),
    "TransformerModel.forward": lambda: {"ids": tokens(V, B, T)},
    "TransformerClassifier": lambda: (
        {"vocab_size": V, "word_dropout": 0.2, "position_scale": 0.5, "max_len": T} | JUDGE
    ),
    "TransformerClassifier.forward": lambda: {"ids": tokens(V, B, T), "padding_mask": true(B, T)},
    "NgramClassifier": lambda: {"ngrams": V} | JUDGE,
    "NgramClassifier.forward": lambda: (
        {"ids": tokens(V, B, T, S), "weights": draw(B, T, S), "padding_mask": true(B, T)}
    ),
}


def right_call(name: str) -> tuple[Callable, dict[str, object]]:
    """A function or class, or a method of a module that its own right call has made."""
    owner, *method = name.split(".")
    function = getattr(transformer, owner)
    if method:
        function = getattr(function(**ARGUMENTS[owner]()), *method)
    return function, ARGUMENTS[name]()


CALLS = {name: partial(right_call, name) for name in ARGUMENTS}
