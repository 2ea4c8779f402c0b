"""A right call of everything public in ``helpers.transformer``; all sizes are distinct primes."""

import torch
from torch import Tensor

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

B, H, T, S, K, V, F = 2, 3, 5, 7, 11, 13, 23
D = 2 * H

SIZES = {"d_model": D, "num_heads": H, "d_hidden": F, "num_layers": 2}
OPTIONS = {"dropout": 0.1, "norm_first": True}


def floats(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def ids(*shape: int) -> Tensor:
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(0))


def true(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.bool)


def layer_inputs() -> dict[str, Tensor]:
    return {"x": floats(B, T, D), "mask": true(T, T), "padding_mask": true(B, T)}


def language_model() -> TransformerModel:
    return TransformerModel(V, D, H, F, 2)


def encoder_decoder() -> Transformer:
    return Transformer(V, V, **SIZES)


CALLS = {
    "causal_mask": lambda: (causal_mask, {"length": T}),
    "padding_mask": lambda: (padding_mask, {"lengths": torch.tensor([2, 0, 3]), "max_len": T}),
    "scaled_dot_product_attention": lambda: (
        scaled_dot_product_attention,
        {
            "query": floats(B, T, K),
            "key": floats(B, S, K),
            "value": floats(B, S, V),
            "mask": true(T, S),
            "dropout": 0.1,
        },
    ),
    "attention_weights": lambda: (attention_weights, {"model": MultiHeadAttention(D, H)}),
    "MultiHeadAttention": lambda: (
        MultiHeadAttention,
        {"d_model": D, "num_heads": H, "dropout": 0.1, "bias": False},
    ),
    "MultiHeadAttention.forward": lambda: (
        MultiHeadAttention(D, H).forward,
        {
            "query": floats(B, T, D),
            "key": floats(B, S, D),
            "value": floats(B, S, D),
            "mask": true(T, S),
            "padding_mask": true(B, S),
        },
    ),
    "sinusoidal_encoding": lambda: (sinusoidal_encoding, {"max_len": T, "d_model": D}),
    "PositionalEncoding": lambda: (
        PositionalEncoding,
        {"d_model": D, "dropout": 0.1, "max_len": T},
    ),
    "PositionalEncoding.forward": lambda: (PositionalEncoding(D).forward, {"x": floats(B, T, D)}),
    "TokenEmbedding": lambda: (
        TokenEmbedding,
        {"vocab_size": V, "d_model": D, "dropout": 0.1, "max_len": T, "position_scale": 0.5},
    ),
    "TokenEmbedding.forward": lambda: (TokenEmbedding(V, D).forward, {"ids": ids(B, T)}),
    "FeedForward": lambda: (FeedForward, {"d_model": D, "d_hidden": F, "dropout": 0.1}),
    "FeedForward.forward": lambda: (FeedForward(D, F).forward, {"x": floats(B, T, D)}),
    "EncoderLayer": lambda: (EncoderLayer, {"d_model": D, "num_heads": H, "d_hidden": F} | OPTIONS),
    "EncoderLayer.forward": lambda: (EncoderLayer(D, H, F).forward, layer_inputs()),
    "DecoderLayer": lambda: (DecoderLayer, {"d_model": D, "num_heads": H, "d_hidden": F} | OPTIONS),
    "DecoderLayer.forward": lambda: (
        DecoderLayer(D, H, F).forward,
        layer_inputs() | {"memory": floats(B, S, D), "memory_padding_mask": true(B, S)},
    ),
    "Encoder": lambda: (Encoder, SIZES | OPTIONS),
    "Encoder.forward": lambda: (Encoder(2, D, H, F).forward, layer_inputs()),
    "Transformer": lambda: (
        Transformer,
        {"src_vocab": V, "tgt_vocab": V, "max_len": T} | SIZES | OPTIONS,
    ),
    "Transformer.encode": lambda: (
        encoder_decoder().encode,
        {"src": ids(B, S), "src_padding_mask": true(B, S)},
    ),
    "Transformer.decode": lambda: (
        encoder_decoder().decode,
        {
            "tgt": ids(B, T),
            "memory": floats(B, S, D),
            "tgt_padding_mask": true(B, T),
            "src_padding_mask": true(B, S),
        },
    ),
    "Transformer.forward": lambda: (
        encoder_decoder().forward,
        {
            "src": ids(B, S),
            "tgt": ids(B, T),
            "src_padding_mask": true(B, S),
            "tgt_padding_mask": true(B, T),
        },
    ),
    "Transformer.generate": lambda: (
        encoder_decoder().generate,
        {"src": ids(B, S), "start_id": 1, "length": T, "src_padding_mask": true(B, S)},
    ),
    "TransformerModel": lambda: (
        TransformerModel,
        {"ntoken": V, "ninp": D, "nhead": H, "nhid": F, "nlayers": 1, "dropout": 0.1},
    ),
    "TransformerModel.forward": lambda: (language_model().forward, {"ids": ids(B, T)}),
    "TransformerClassifier": lambda: (
        TransformerClassifier,
        {
            "vocab_size": V,
            "num_classes": K,
            "dropout": 0.1,
            "word_dropout": 0.2,
            "position_scale": 0.5,
            "max_len": T,
        }
        | SIZES,
    ),
    "TransformerClassifier.forward": lambda: (
        TransformerClassifier(V, K, **SIZES).forward,
        {"ids": ids(B, T), "padding_mask": true(B, T)},
    ),
    "NgramClassifier": lambda: (
        NgramClassifier,
        {"ngrams": V, "num_classes": K, "dropout": 0.1} | SIZES,
    ),
    "NgramClassifier.forward": lambda: (
        NgramClassifier(V, K, **SIZES).forward,
        {"ids": ids(B, T, S), "weights": floats(B, T, S), "padding_mask": true(B, T)},
    ),
}
