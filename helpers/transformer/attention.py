"""Attention: masks, scaled dot-product attention and several heads side by side.

Scope: what sections 3.2.1 and 3.2.2 of the paper describe, and nothing about layers or models.

Source: Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762

Dimensions: ``B`` batch, ``H`` heads, ``T`` queries, ``S`` keys, ``D`` model width,
``K`` width of a query or key, ``V`` width of a value.

A mask is boolean and **True means "may attend"**, as in
``torch.nn.functional.scaled_dot_product_attention``; the masks of ``torch.nn.MultiheadAttention``
and of ``torch.nn.Transformer`` mean the opposite. A query that may attend to nothing gets weights
of zero and an output of zero (of ``V`` zeros, before the output projection), never nan.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.contracts import Count, Share, Size, guard
from helpers.refusals import check_numbers, has_values, refusal

__all__ = [
    "MultiHeadAttention",
    "attention_weights",
    "causal_mask",
    "padding_mask",
    "scaled_dot_product_attention",
]


def causal_mask(length: Size) -> Bool[Tensor, "T T"]:
    """Let each position see itself and what came before it: True on and below the diagonal.

    Source: section 3.2.3, third point.
    """
    return torch.ones(length, length, dtype=torch.bool).tril()


def padding_mask(lengths: Int[Tensor, " B"], max_len: Count | None = None) -> Bool[Tensor, "B S"]:
    """Mark the real tokens of sequences that were padded at the end.

    Args:
        lengths: the number of real tokens of each sequence, from 0 to ``max_len``.
        max_len: padded length ``S``; by default the longest of ``lengths``.
    """
    check_numbers("lengths", lengths, 0, max_len)
    longest = int(lengths.max()) if max_len is None else max_len
    return torch.arange(longest, device=lengths.device) < lengths.unsqueeze(1)  # (B, S)


def scaled_dot_product_attention(
    query: Float[Tensor, "... T K"],
    key: Float[Tensor, "... S K"],
    value: Float[Tensor, "... S V"],
    mask: Bool[Tensor, "... #T #S"] | Bool[Tensor, "#S"] | None = None,
    *,
    dropout: Share = 0.0,
) -> tuple[Float[Tensor, "... T V"], Float[Tensor, "... T S"]]:
    """Compute ``softmax(query key^T / sqrt(K)) value``; return it and the weights.

    A nan in the query or in a key that it may attend to makes its output nan; a nan in a value, all
    outputs.

    Args:
        mask: True = may attend.
        dropout: probability of dropping a weight, applied always: a caller in evaluation passes 0.

    The weights are those before dropout, so each row sums to one, or to zero where the query may
    attend to nothing. (``torch.nn.MultiheadAttention`` returns them after dropout, and nan for such
    a row.)

    Source: equation (1).
    """
    if query.shape[-1] == 0:
        raise refusal("query", "have a width of at least 1", tuple(query.shape))
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (..., T, S)
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        # The lowest finite number, not -inf: a row that is masked throughout then has no nan in it,
        # neither here nor in its gradient, and the second line makes its weights zero.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)
        if weights.shape != scores.shape:
            raise refusal("mask", f"broadcast to {tuple(scores.shape)}", tuple(mask.shape))
        weights = weights.masked_fill(~mask, 0.0)
    return F.dropout(weights, dropout) @ value, weights


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own projection of the input.

    The ``H`` heads each work at width ``D / H``; their outputs are concatenated to width ``D`` and
    mixed by ``output_proj`` (the paper's ``W^O``).

    Args:
        d_model: width ``D`` of queries, keys, values and of the output.
        num_heads: number of heads ``H``; must divide ``d_model``.
        dropout: probability of dropping an attention weight in training.
        bias: whether the four projections have a bias (the paper's formulas have none;
            ``torch.nn.MultiheadAttention`` has one by default, and so does this).

    Unless `attention_weights` asks for the weights, the same formula is computed by torch's fused
    kernel, which never stores a ``(T, S)`` matrix, and needs none to be told of a causal mask; the
    tests hold both ways equal.

    Source: section 3.2.2. Difference from ``torch.nn.MultiheadAttention``: batch first, four
    separate projections instead of one packed matrix, True = may attend, weights of every head
    instead of their mean.
    """

    def __init__(
        self, d_model: Size, num_heads: Size, *, dropout: Share = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        if d_model % num_heads:
            raise refusal("d_model", f"be divisible by num_heads={num_heads}", d_model)
        self.d_model, self.num_heads, self.dropout = d_model, num_heads, dropout
        self.kept: list[Tensor] | None = None  # see attention_weights
        self.query_proj = nn.Linear(d_model, d_model, bias=bias)
        self.key_proj = nn.Linear(d_model, d_model, bias=bias)
        self.value_proj = nn.Linear(d_model, d_model, bias=bias)
        self.output_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self,
        query: Float[Tensor, "B T {self.d_model}"],
        key: Float[Tensor, "B S {self.d_model}"],
        value: Float[Tensor, "B S {self.d_model}"],
        mask: Bool[Tensor, "T S"]
        | Bool[Tensor, "B T S"]
        | Bool[Tensor, "B {self.num_heads} T S"]
        | None = None,
        *,
        padding_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B T {self.d_model}"]:
        """Attend from ``query`` to ``key`` and ``value``; in both masks True = may be attended to.

        Args:
            padding_mask: False where a key is no real token.
        """
        queries = self._split_heads(self.query_proj(query))  # (B, H, T, K)
        keys = self._split_heads(self.key_proj(key))  # (B, H, S, K)
        values = self._split_heads(self.value_proj(value))  # (B, H, S, K)
        allowed = _join(mask, padding_mask)
        dropout = self.dropout if self.training else 0.0
        if self.kept is None:
            causal = _is_causal(allowed)
            heads = F.scaled_dot_product_attention(
                queries, keys, values, None if causal else allowed, dropout, is_causal=causal
            )
        else:
            heads, weights = scaled_dot_product_attention(
                queries, keys, values, allowed, dropout=dropout
            )
            self.kept.append(weights)
        return self.output_proj(heads.transpose(1, 2).flatten(2))  # (B, T, D)

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, H, T, K)


@contextmanager
def attention_weights(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the weights ``(B, H, T, S)`` of all attention in ``model`` while the block runs.

    The list gets one entry for each attention that is computed, in that order: one a layer of an
    encoder, two a layer of a decoder (of the target, of the source), and again in each call. ::

        with attention_weights(model) as weights:
            model(ids)
    """
    parts = [part for part in model.modules() if isinstance(part, MultiHeadAttention)]
    if not parts:
        raise refusal("model", "contain a MultiHeadAttention", type(model).__name__)
    before = [part.kept for part in parts]
    kept: list[Tensor] = []
    for part in parts:
        part.kept = kept
    try:
        yield kept
    finally:
        for part, outer in zip(parts, before, strict=True):
            part.kept = outer


def _join(mask: Tensor | None, padding_mask: Tensor | None) -> Tensor | None:
    """Join both masks into one that broadcasts to ``(B, H, T, S)``."""
    if mask is not None and mask.dim() == 3:
        mask = mask.unsqueeze(1)  # (B, 1, T, S)
    if padding_mask is None:
        return mask
    padding = padding_mask[:, None, None, :]
    return padding if mask is None else mask & padding  # (B, 1 or H, 1 or T, S)


def _is_causal(mask: Tensor | None) -> bool:
    """Whether a mask is ``causal_mask``, which the fused kernel knows without being handed it."""
    if mask is None or mask.dim() != 2 or not has_values(mask):
        return False
    return torch.equal(mask, torch.ones_like(mask).tril())


guard(globals())
