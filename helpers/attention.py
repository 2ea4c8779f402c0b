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
from itertools import zip_longest

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import (
    check_flag,
    check_floats,
    check_in_range,
    check_int,
    check_mask,
    check_not_meta,
    check_tensor,
    shown,
)

__all__ = ["MultiHeadAttention", "causal_mask", "padding_mask", "scaled_dot_product_attention"]


def causal_mask(length: int) -> Tensor:
    """Let each position see itself and what came before it.

    Args:
        length: number of positions ``T``.

    Returns:
        A boolean ``(T, T)`` tensor, True on and below the diagonal.

    Raises:
        TypeError, ValueError: ``length`` is no positive integer.

    Source: section 3.2.3, third point.
    """
    length = check_int("length", length)
    return torch.ones(length, length, dtype=torch.bool).tril()


def padding_mask(lengths: Tensor, max_len: int | None = None) -> Tensor:
    """Mark the real tokens of sequences that were padded at the end.

    Args:
        lengths: integer ``(B,)`` tensor, the number of real tokens of each sequence; 0 is allowed.
        max_len: padded length ``S``; by default the longest of ``lengths``.

    Returns:
        A boolean ``(B, S)`` tensor, True where a token is real.

    Raises:
        TypeError: ``lengths`` does not hold integers.
        ValueError: a length is negative or larger than ``max_len``.
    """
    lengths = check_tensor("lengths", lengths, ("B",))
    if lengths.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"lengths must hold int64 or int32 numbers, got {lengths.dtype}")
    if lengths.numel() == 0:
        raise ValueError("lengths must hold at least one length, got none")
    check_not_meta("lengths", lengths)
    shortest, longest = int(lengths.min()), int(lengths.max())
    max_len = max(longest, 0) if max_len is None else check_int("max_len", max_len, minimum=0)
    if shortest < 0 or longest > max_len:
        raise ValueError(f"lengths must lie in 0..{max_len}, got {shown(lengths.tolist())}")
    return torch.arange(max_len, device=lengths.device) < lengths.unsqueeze(1)  # (B, S)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Compute ``softmax(query key^T / sqrt(K)) value``.

    A nan in the query or in a key that it may attend to makes its output nan; a nan in a value, all
    outputs.

    Args:
        query: ``(..., T, K)``.
        key: ``(..., S, K)``.
        value: ``(..., S, V)``.
        mask: boolean, broadcastable to ``(..., T, S)``; True = may attend.
        dropout: probability of dropping a weight, applied always: a caller in evaluation passes 0.

    Returns:
        The output ``(..., T, V)`` and the weights ``(..., T, S)``. The weights are those before
        dropout, so each row sums to one, or to zero where the query may attend to nothing.
        (``torch.nn.MultiheadAttention`` returns them after dropout, and nan for such a row.)

    Raises:
        TypeError: the mask is not boolean, or query, key and value are not of one floating dtype.
        ValueError: the shapes or devices do not fit together, ``K`` is 0, or ``dropout`` is not in
            ``[0, 1)``.

    Source: equation (1).
    """
    dropout = check_in_range("dropout", dropout, 0, 1)
    check_floats("query", query, ("...",))
    check_floats("key", key, ("...",), query, "query")
    check_floats("value", value, ("...",), query, "query")
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise ValueError(
            "query, key and value must have shapes (..., T, K), (..., S, K) and (..., S, V), got "
            f"{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}"
        )
    if query.shape[-1] == 0:
        raise ValueError(f"query must have a width of at least 1, got shape {tuple(query.shape)}")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"query and key must have the same width, got {query.shape[-1]} and {key.shape[-1]}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"key and value must have the same length, got {key.shape[-2]} and {value.shape[-2]}"
        )
    leading = [tuple(x.shape[:-2]) for x in (query, key, value)]
    for sizes in zip_longest(*map(reversed, leading), fillvalue=1):
        if len(set(sizes) - {1}) > 1:
            raise ValueError(
                "query, key and value must have leading sizes that broadcast, got "
                f"{leading[0]}, {leading[1]} and {leading[2]}"
            )

    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (..., T, S)
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        hidden = ~_check_broadcastable(mask, scores)
        # The lowest finite number, not -inf: a row that is masked throughout then has no nan in it,
        # neither here nor in its gradient, and the second line makes its weights zero.
        weights = scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(dim=-1)
        weights = weights.masked_fill(hidden, 0.0)
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

    Raises:
        ValueError: ``num_heads`` does not divide ``d_model``, or ``dropout`` is not in ``[0, 1)``.

    Without the weights, the same formula is computed by torch's fused kernel, which never stores a
    ``(T, S)`` matrix, and needs none to be told of a causal mask; the tests hold both ways equal.

    Source: section 3.2.2. Difference from ``torch.nn.MultiheadAttention``: batch first, four
    separate projections instead of one packed matrix, True = may attend, weights of every head
    instead of their mean.
    """

    def __init__(
        self, d_model: int, num_heads: int, *, dropout: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.d_model = check_int("d_model", d_model)
        self.num_heads = check_int("num_heads", num_heads)
        self.dropout = check_in_range("dropout", dropout, 0, 1)
        check_flag("bias", bias)
        if d_model % num_heads:
            raise ValueError(
                f"d_model must be divisible by num_heads, got d_model={d_model} "
                f"and num_heads={num_heads}"
            )
        self.query_proj = nn.Linear(d_model, d_model, bias=bias)
        self.key_proj = nn.Linear(d_model, d_model, bias=bias)
        self.value_proj = nn.Linear(d_model, d_model, bias=bias)
        self.output_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        padding_mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend from ``query`` to ``key`` and ``value``.

        Args:
            query: ``(B, T, D)``.
            key: ``(B, S, D)``.
            value: ``(B, S, D)``.
            mask: boolean ``(T, S)``, ``(B, T, S)`` or ``(B, H, T, S)``; True = may attend.
            padding_mask: boolean ``(B, S)``; True = a real token, which may be attended to.
            need_weights: also return the attention weights.

        Returns:
            The output ``(B, T, D)``, or the output and the weights ``(B, H, T, S)``.

        Raises:
            TypeError: a mask is not boolean, or another dtype than the weights'.
            ValueError: a shape does not fit, or a device.
        """
        weight = self.output_proj.weight
        batch = check_floats("query", query, ("B", "T", self.d_model), weight).shape[0]
        length = check_floats("key", key, (batch, "S", self.d_model), weight).shape[1]
        check_floats("value", value, (batch, length, self.d_model), weight)
        check_flag("need_weights", need_weights)

        queries = self._split_heads(self.query_proj(query))  # (B, H, T, K)
        keys = self._split_heads(self.key_proj(key))  # (B, H, S, K)
        values = self._split_heads(self.value_proj(value))  # (B, H, S, K)
        allowed = self._allowed(mask, padding_mask, (batch, query.shape[1], length))
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            heads, weights = scaled_dot_product_attention(
                queries, keys, values, allowed, dropout=dropout
            )
        else:
            causal = _is_causal(allowed)
            heads = F.scaled_dot_product_attention(
                queries,
                keys,
                values,
                attn_mask=None if causal else allowed,
                dropout_p=dropout,
                is_causal=causal,
            )
        output = self.output_proj(heads.transpose(1, 2).flatten(2))  # (B, T, D)
        return (output, weights) if need_weights else output

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, H, T, K)

    def _allowed(
        self, mask: Tensor | None, padding_mask: Tensor | None, sizes: tuple[int, int, int]
    ) -> Tensor | None:
        """Join both masks into one that broadcasts to ``(B, H, T, S)``."""
        batch, queries, keys = sizes
        weight = self.output_proj.weight
        if mask is not None:
            full = (batch, self.num_heads, queries, keys)
            fitting = {2: full[2:], 3: (batch, queries, keys)}
            rank = mask.dim() if isinstance(mask, Tensor) else 4
            check_mask("mask", mask, fitting.get(rank, full), weight)
            if rank == 3:
                mask = mask.unsqueeze(1)  # (B, 1, T, S)
        if padding_mask is None:
            return mask
        check_mask("padding_mask", padding_mask, (batch, keys), weight)
        padding = padding_mask[:, None, None, :]
        return padding if mask is None else mask & padding  # (B, 1 or H, 1 or T, S)


def _is_causal(mask: Tensor | None) -> bool:
    """Whether a mask is ``causal_mask``, which the fused kernel knows without being handed it."""
    if mask is None or mask.dim() != 2:
        return False
    return torch.equal(mask, torch.ones_like(mask).tril())


def _check_broadcastable(mask: Tensor, scores: Tensor) -> Tensor:
    check_mask("mask", mask, ("...",), scores, "query")
    sizes = zip(reversed(mask.shape), reversed(scores.shape), strict=False)
    if mask.dim() > scores.dim() or any(got not in (1, want) for got, want in sizes):
        raise ValueError(f"mask must broadcast to {tuple(scores.shape)}, got {tuple(mask.shape)}")
    return mask
