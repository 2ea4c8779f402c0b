"""What a reader gets wrong with the Transformer: rows of ``test_wrong_calls``, written by hand."""

import torch

from tests.helpers.right_calls_transformer import SRC, B, D, H, S, T, V, draw, true

ATTEND, HEADS = "scaled_dot_product_attention", "MultiHeadAttention.forward"
WRITER, JUDGE = "TransformerModel.forward", "TransformerClassifier.forward"
READERS = "Transformer.encode Transformer.forward Transformer.generate"

MASKS = "mask must have shape (5, 7) or (2, 5, 7) or (2, 3, 5, 7)"
PAIRS = "must be even (sines and cosines come in pairs), got 21"
ONE = "must hold at least one number"
DIVISIBLE = "must be divisible by num_heads=4, got 6"
WIDTH = "must have a width of at least 1, got (2, 5, 0)"
DTYPE = "must be torch.float32 like the model, got torch.float64"

ids, runs = torch.ones(B, T, dtype=torch.long), torch.ones(B, T, S, dtype=torch.long)
ten, high, lengths = torch.ones(B, 10, dtype=torch.long), torch.full((B, S), V), torch.tensor([-1])
unmasked = {"src_padding_mask": None, "tgt_padding_mask": None, "padding_mask": None, "mask": None}
nothing = {"query": draw(B, T, 0), "key": draw(B, T, 0), "value": draw(B, T, V), **unmasked}

VALUES = [
    # Shapes
    ("EncoderLayer.forward", {"x": draw(T, D)}, "x must have shape (B, T, 6), got (5, 6)"),
    (JUDGE, {"padding_mask": true(1, T)}, "padding_mask must have shape (2, 5), got (1, 5)"),
    (ATTEND, {"mask": true(B, 1, T, S)}, "mask must broadcast to (2, 5, 7), got (2, 1, 5, 7)"),
    (HEADS, {"mask": true(S, T)}, f"{MASKS}, got (7, 5)"),
    (HEADS, {"mask": true(B * H, T, S)}, f"{MASKS}, got (6, 5, 7)"),
    # Sizes and options
    ("causal_mask", {"length": 0}, "length must be at least 1, got 0"),
    (f"{ATTEND} Encoder", {"dropout": 1}, "dropout must be at least 0 and below 1, got 1"),
    ("MultiHeadAttention Encoder Transformer", {"num_heads": 4}, f"d_model {DIVISIBLE}"),
    ("TransformerModel", {"nhead": 4}, "ninp must be divisible by nhead=4, got 6"),
    ("TransformerModel", {"ninp": 21}, f"ninp {PAIRS}"),
    ("sinusoidal_encoding TokenEmbedding", {"d_model": 21}, f"d_model {PAIRS}"),
    # Numbers in a tensor
    ("padding_mask", {"lengths": lengths[:0]}, f"lengths {ONE}, got (0,)"),
    ("padding_mask", {"lengths": lengths}, "lengths must lie in 0..5, got -1"),
    ("padding_mask", {"lengths": -7 * lengths}, "lengths must lie in 0..5, got 7"),
    ("padding_mask", {"lengths": lengths, "max_len": None}, "lengths must be at least 0, got -1"),
    (ATTEND, nothing, f"query {WIDTH}"),
    (f"{WRITER} {JUDGE}", {"ids": V * ids}, "ids must lie in 0..12, got 13"),
    (WRITER, {"ids": -ids}, "ids must lie in 0..12, got -1"),
    (WRITER, {"ids": ids[:, :0]}, f"ids {ONE}, got (2, 0)"),
    ("NgramClassifier.forward", {"ids": V * runs}, "ids must lie in 0..12, got 13"),
    (READERS, {"src": SRC * ids, **unmasked}, "src must lie in 0..16, got 17"),
    ("Transformer.decode", {"tgt": V * ids}, "tgt must lie in 0..12, got 13"),
    (
        "Transformer.forward",
        {"src": high, "tgt": high, **unmasked},
        "tgt must lie in 0..12, got 13",
    ),
    # Lengths
    (
        "PositionalEncoding.forward",
        {"x": draw(B, S, D)},
        "x must have at most max_len=5 positions, got 7",
    ),
    (JUDGE, {"ids": ten, **unmasked}, "ids must have at most max_len=5 positions, got 10"),
    (READERS, {"src": ten, **unmasked}, "src must have at most max_len=7 positions, got 10"),
    ("Transformer.generate", {"start_id": V}, "start_id must be below tgt_vocab=13, got 13"),
    ("Transformer.generate", {"length": 8}, "length must be at most max_len=7, got 8"),
]
KINDS = [
    (HEADS, {"mask": draw(T, S)}, "mask must be a boolean tensor, got torch.float32"),
    (WRITER, {"ids": draw(B, T)}, "ids must be an int64 or int32 tensor, got torch.float32"),
    ("EncoderLayer.forward", {"x": draw(B, T, D).double()}, f"x {DTYPE}"),
    ("TransformerModel", {"nhead": "3"}, "nhead must be an integer, got '3'"),
]
