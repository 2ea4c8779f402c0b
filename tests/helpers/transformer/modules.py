"""Every module of ``helpers.transformer``: how it is made, called, and what is known of it by hand.

``test_modules`` holds them all to the same laws, ``unhooked`` to what torch does with a module. All
sizes are distinct primes, so that a swapped axis cannot hide, or even where sines and cosines come
in pairs.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from helpers.transformer import (
    DecoderLayer,
    Encoder,
    EncoderLayer,
    FeedForward,
    MultiHeadAttention,
    NgramClassifier,
    TokenEmbedding,
    Transformer,
    TransformerClassifier,
    TransformerModel,
    causal_mask,
)
from tests.torch_reference import draw, random_mask, tokens

B, H, T, S, C, V, SRC, F, G, K = 2, 3, 5, 7, 11, 13, 17, 23, 31, 19
D = H * 14
N = 2
SIZES = {"d_model": D, "num_heads": H, "d_hidden": F, "num_layers": N}

# Inputs
x, memory, ids = draw(B, T, D), draw(B, S, D, seed=1), tokens(V, B, T)
mask, real, real_memory = random_mask(B, T, T), random_mask(B, T), random_mask(B, S, seed=1)
cross = random_mask(B, T, S, seed=2)
read = {"x": x, "mask": mask, "padding_mask": real}
write = read | {"memory": memory, "memory_padding_mask": real_memory}
asked = {"query": x, "key": memory, "value": memory}
translate = {"src": tokens(SRC, B, S), "src_padding_mask": real_memory}
translate |= {"tgt": ids, "tgt_padding_mask": real}

# What each query of each head may attend to: shapes that are broadcast to (B, H, T, S)
own = mask[:, None] & real[:, None, None]
source, text, past = real_memory[:, None, None], real[:, None, None], causal_mask(T)

# Parameters
ATTENTION = 4 * (D * D + D)  # four maps from D to D, with biases
FEED_FORWARD = (D * F + F) + (F * D + D)  # to F and back, with biases
NORM = 2 * D  # a factor and a shift for each dimension
READER = ATTENTION + FEED_FORWARD + 2 * NORM
WRITER = 2 * ATTENTION + FEED_FORWARD + 3 * NORM
POOLED = NORM + 2 * D * C + C  # a norm; then a mean and a maximum give a logit a class


class Case(NamedTuple):
    make: Callable[..., nn.Module]
    inputs: dict[str, Tensor]
    attended: list[Tensor]  # of each attention in turn: the keys that a query has weights for
    parameters: int
    dropout: float = 0.1  # these three: what it does unless told otherwise
    norm_first: bool = False
    longest: int = 512  # number of positions, of those that have any

    def called_with(self) -> dict[str, Tensor]:
        """The inputs, copied, of the default dtype where they are floats."""
        floats = torch.get_default_dtype()
        return {
            name: value.to(floats if value.is_floating_point() else value.dtype, copy=True)
            for name, value in self.inputs.items()
        }


def with_norms(first: bool) -> dict[str, Case]:
    layer = {"d_model": D, "num_heads": H, "d_hidden": F} | ({"norm_first": True} if first else {})
    stack = layer | {"num_layers": N}
    last = NORM if first else 0  # where the norms come first, each stack ends in one more
    seen = [source] * N + [past & text, source] * N
    whole = SRC * D + V * D + N * (READER + WRITER) + 2 * last + D * V + V
    cases = {
        "encoder layer": Case(partial(EncoderLayer, **layer), read, [own], READER),
        "decoder layer": Case(partial(DecoderLayer, **layer), write, [own, source], WRITER),
        "encoder": Case(partial(Encoder, **stack), read, [own] * N, N * READER + last),
        "encoder-decoder": Case(partial(Transformer, SRC, V, **stack), translate, seen, whole),
    }
    return {name: case._replace(norm_first=first) for name, case in cases.items()}


CASES = {
    "attention": Case(
        partial(MultiHeadAttention, D, H),
        asked | {"mask": cross, "padding_mask": real_memory},
        [cross[:, None] & source],
        ATTENTION,
        dropout=0.0,
    ),
    "attention without biases": Case(
        partial(MultiHeadAttention, D, H, bias=False), asked, [torch.tensor(True)], 4 * D * D, 0.0
    ),
    "embedding": Case(partial(TokenEmbedding, V, D), {"ids": ids}, [], V * D, longest=5000),
    "feed-forward": Case(partial(FeedForward, D, F), {"x": x}, [], FEED_FORWARD, dropout=0.0),
    **with_norms(first=False),
    **{f"{name}, pre-norm": case for name, case in with_norms(first=True).items()},
    "language model": Case(
        partial(TransformerModel, V, D, H, F, N),
        {"ids": ids},
        [past] * N,
        V * D + N * READER + D * V + V,
        dropout=0.5,
        longest=5000,
    ),
    "classifier": Case(
        partial(TransformerClassifier, V, C, **SIZES),
        {"ids": ids, "padding_mask": real},
        [text] * N,
        V * D + N * READER + POOLED,
        norm_first=True,
    ),
    "classifier of runs": Case(
        partial(NgramClassifier, G, C, **SIZES),
        {"ids": tokens(G, B, T, K), "weights": draw(B, T, K), "padding_mask": real},
        [text] * N,
        G * D + D + N * READER + POOLED,  # D: the vector that is the same everywhere
        dropout=0.0,
        norm_first=True,
    ),
}
