"""The parts of a Transformer: positions, embedding, feed-forward, encoder and decoder layers.

Scope: sections 3.1, 3.3, 3.4 and 3.5 of the paper; attention itself is in ``helpers.attention``,
whole models are in ``helpers.transformer`` and ``helpers.classifiers``.

Source: Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762

Dimensions: ``B`` batch, ``T`` positions, ``S`` positions of the source, ``D`` model width,
``H`` heads, ``V`` vocabulary. Everything is batch first, and in every mask True = may attend.

No layer looks for nan, which would cost a pass over the numbers each time; none swallows it either:
what a position computes from a nan is nan, and ``helpers.training`` stops there.
"""

import math

import torch
from torch import Tensor, nn

from helpers.attention import MultiHeadAttention
from helpers.checks import (
    check_flag,
    check_floats,
    check_ids,
    check_in_range,
    check_int,
    check_mask,
)

__all__ = [
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "PositionalEncoding",
    "TokenEmbedding",
    "sinusoidal_encoding",
]


def sinusoidal_encoding(max_len: int, d_model: int) -> Tensor:
    """Compute the paper's table of sines and cosines.

    Dimension ``2i`` of position ``p`` is ``sin(p / 10000^(2i / D))``, dimension ``2i + 1`` the
    cosine of the same angle. The angles are computed in float64 and rounded once.

    Args:
        max_len: number of positions ``T``.
        d_model: width ``D``; must be even, since sines and cosines come in pairs.

    Returns:
        A ``(T, D)`` tensor of the default dtype.

    Raises:
        ValueError: ``d_model`` is odd.

    Source: section 3.5.
    """
    max_len = check_int("max_len", max_len)
    if check_int("d_model", d_model) % 2:
        raise ValueError(f"d_model must be even (sines and cosines come in pairs), got {d_model}")
    positions = torch.arange(max_len, dtype=torch.float64).unsqueeze(1)  # (T, 1)
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model  # (D/2,)
    angles = positions / 10000**exponents  # (T, D/2)
    table = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)  # (T, D)
    return table.to(torch.get_default_dtype())


class PositionalEncoding(nn.Module):
    """Add the sinusoidal encoding of its position to every token, then drop out.

    Args:
        d_model: width ``D``, even.
        dropout: probability of dropping an element of the sum in training.
        max_len: the longest sequence that the table can serve.

    Source: sections 3.5 and 5.4. The table is a constant: it moves with the module, is not trained
    and is not saved with the weights.
    """

    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 5000) -> None:
        super().__init__()
        self.dropout = nn.Dropout(check_in_range("dropout", dropout, 0, 1))
        self.register_buffer("table", sinusoidal_encoding(max_len, d_model), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, D)`` for ``x`` of shape ``(B, T, D)``.

        Raises:
            TypeError: ``x`` is of another dtype than the table.
            ValueError: the shape does not fit or ``T`` is larger than ``max_len``.
        """
        max_len, d_model = self.table.shape
        length = check_floats("x", x, ("B", "T", d_model), self.table, "the table").shape[1]
        if length > max_len:
            raise ValueError(f"x must have at most max_len={max_len} positions, got {length}")
        return self.dropout(x + self.table[:length])


class TokenEmbedding(nn.Module):
    """Look up each token's vector, scale it by ``sqrt(D)`` and add its position.

    Args:
        vocab_size: number of tokens ``V``.
        d_model: width ``D``, even.
        dropout: probability of dropping an element of the sum in training.
        max_len: the longest sequence allowed.
        position_scale: factor on the positional encoding (1 in the paper), below a million: there
            float32 has no digit left for the token.

    Source: section 3.4. The vectors start at a standard deviation of ``1/sqrt(D)``, so that after
    scaling they are of the size of the sines they are added to.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        *,
        dropout: float = 0.1,
        max_len: int = 5000,
        position_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.positions = PositionalEncoding(d_model, dropout, max_len)  # turns a bad width away
        self.positions.table *= check_in_range("position_scale", position_scale, 0, 1_000_000)
        self.vectors = nn.Embedding(check_int("vocab_size", vocab_size), d_model)
        nn.init.normal_(self.vectors.weight, std=d_model**-0.5)

    def forward(self, ids: Tensor) -> Tensor:
        """Return ``(B, T, D)`` for token ids of shape ``(B, T)``.

        Raises:
            TypeError: the ids are no integers.
            ValueError: an id lies outside the vocabulary, or the sequence is too long.
        """
        self.check_ids("ids", ids)
        return self.positions(self.vectors(ids) * math.sqrt(self.vectors.embedding_dim))

    @property
    def max_len(self) -> float:
        """The longest sequence allowed; inf where an experiment has replaced the positions."""
        known = isinstance(self.positions, PositionalEncoding)
        return len(self.positions.table) if known else math.inf

    def check_ids(self, name: str, ids: object) -> Tensor:
        """Return ``ids`` if it can be embedded; if not, raise as `forward` does, by this name."""
        ids = check_ids(name, ids, self.vectors.num_embeddings, self.vectors.weight)
        length = ids.shape[1]
        if length > self.max_len:
            raise ValueError(
                f"{name} must have at most max_len={self.max_len} positions, got {length}"
            )
        return ids


class FeedForward(nn.Sequential):
    """Two linear maps with a ReLU between, applied to each position by itself.

    Args:
        d_model: width ``D`` of input and output.
        d_hidden: width between the two (the paper's ``d_ff``).
        dropout: probability of dropping a hidden element in training (0 in the paper).

    Source: section 3.3, equation (2).
    """

    def __init__(self, d_model: int, d_hidden: int, *, dropout: float = 0.0) -> None:
        d_model, d_hidden = check_int("d_model", d_model), check_int("d_hidden", d_hidden)
        super().__init__(
            nn.Linear(d_model, d_hidden),
            nn.ReLU(),
            nn.Dropout(check_in_range("dropout", dropout, 0, 1)),
            nn.Linear(d_hidden, d_model),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(..., D)`` for ``x`` of shape ``(..., D)``."""
        check_floats("x", x, ("...",), self[0].weight)
        if x.shape[-1:] != (self[0].in_features,):
            raise ValueError(
                f"x must have shape (..., {self[0].in_features}), got {tuple(x.shape)}"
            )
        return super().forward(x)


class _Layer(nn.Module):
    """What both kinds of layer share: self-attention, feed-forward, and how each is wrapped."""

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_hidden: int,
        *,
        dropout: float = 0.1,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.norm_first = check_flag("norm_first", norm_first)
        dropout = check_in_range("dropout", dropout, 0, 1)
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.self_attention_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_hidden, dropout=dropout)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def _check(self, x: Tensor) -> tuple[int, int]:
        """Turn a bad ``x`` away, and return its batch and width."""
        weight = self.self_attention_norm.weight
        batch, _, width = check_floats("x", x, ("B", "T", len(weight)), weight).shape
        return batch, width

    def _enter(self, norm: nn.LayerNorm, x: Tensor) -> Tensor:
        """What a sub-layer sees of ``x``."""
        return norm(x) if self.norm_first else x

    def _leave(self, norm: nn.LayerNorm, x: Tensor, output: Tensor) -> Tensor:
        """Add a sub-layer's output to what went in."""
        x = x + self.dropout(output)
        return x if self.norm_first else norm(x)

    def _attend(
        self,
        attention: MultiHeadAttention,
        norm: nn.LayerNorm,
        x: Tensor,
        memory: Tensor | None,
        mask: Tensor | None,
        padding_mask: Tensor | None,
        need_weights: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from ``x`` to ``memory``, or to itself where that is None."""
        query = self._enter(norm, x)
        key = query if memory is None else memory
        result = attention(
            query, key, key, mask, padding_mask=padding_mask, need_weights=need_weights
        )
        output, weights = result if need_weights else (result, None)
        return self._leave(norm, x, output), weights

    def _feed_forward(self, x: Tensor) -> Tensor:
        output = self.feed_forward(self._enter(self.feed_forward_norm, x))
        return self._leave(self.feed_forward_norm, x, output)


class EncoderLayer(_Layer):
    """Self-attention, then feed-forward, each with a residual connection and layer normalisation.

    Args:
        d_model: width ``D``.
        num_heads: number of heads ``H``; must divide ``d_model``.
        d_hidden: hidden width of the feed-forward network.
        dropout: probability of dropping an attention weight, a hidden element, or an element of a
            sub-layer's output in training (``torch.nn`` does all three, the paper only the last).
        norm_first: False normalises after the sum, as in the paper (post-norm); True normalises
            the input of each sub-layer instead (pre-norm).

    Source: sections 3.1 and 5.4; for pre-norm, Xiong et al. 2020,
    https://arxiv.org/abs/2002.04745
    """

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        padding_mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return ``(B, T, D)``, or that and the attention weights ``(B, H, T, T)``.

        Args:
            x: ``(B, T, D)``.
            mask: boolean ``(T, T)``, ``(B, T, T)`` or ``(B, H, T, T)``; True = may attend.
            padding_mask: boolean ``(B, T)``; True = a real token.
            need_weights: also return the attention weights.
        """
        self._check(x)
        x, weights = self._attend(
            self.self_attention, self.self_attention_norm, x, None, mask, padding_mask, need_weights
        )
        x = self._feed_forward(x)
        return (x, weights) if need_weights else x


class DecoderLayer(_Layer):
    """Masked self-attention, attention over the encoder's output, then feed-forward.

    Three sub-layers, each with a residual connection and layer normalisation. The arguments are
    those of ``EncoderLayer``.

    Source: section 3.1, "Decoder".
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_hidden: int,
        *,
        dropout: float = 0.1,
        norm_first: bool = False,
    ) -> None:
        super().__init__(d_model, num_heads, d_hidden, dropout=dropout, norm_first=norm_first)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.cross_attention_norm = nn.LayerNorm(d_model)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        *,
        padding_mask: Tensor | None = None,
        memory_padding_mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return ``(B, T, D)``, or that and the weights of both attentions.

        Args:
            x: ``(B, T, D)``, the target so far.
            memory: ``(B, S, D)``, the encoder's output.
            mask: boolean ``(T, T)``, ``(B, T, T)`` or ``(B, H, T, T)`` for the self-attention;
                True = may attend. The layer adds no causal mask of its own.
            padding_mask: boolean ``(B, T)``; True = a real token of the target.
            memory_padding_mask: boolean ``(B, S)``; True = a real token of the source.
            need_weights: also return the weights: ``(B, H, T, T)`` of the self-attention and
                ``(B, H, T, S)`` of the attention over ``memory``.
        """
        batch, width = self._check(x)
        check_floats("memory", memory, (batch, "S", width), x, "x")
        if memory_padding_mask is not None:
            sizes = tuple(memory.shape[:2])
            check_mask("memory_padding_mask", memory_padding_mask, sizes, x, "x")
        x, self_weights = self._attend(
            self.self_attention, self.self_attention_norm, x, None, mask, padding_mask, need_weights
        )
        x, cross_weights = self._attend(
            self.cross_attention,
            self.cross_attention_norm,
            x,
            memory,
            None,
            memory_padding_mask,
            need_weights,
        )
        x = self._feed_forward(x)
        return (x, (self_weights, cross_weights)) if need_weights else x


class Encoder(nn.Module):
    """A stack of encoder layers; with pre-norm, one more normalisation at its end.

    Args:
        num_layers: number of layers ``N``; the others are those of ``EncoderLayer``.

    Difference from ``torch.nn.Transformer``: that one normalises at the end of the stack in
    post-norm too, where the paper does not.
    """

    def __init__(
        self,
        num_layers: int,
        d_model: int,
        num_heads: int,
        d_hidden: int,
        *,
        dropout: float = 0.1,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(d_model, num_heads, d_hidden, dropout=dropout, norm_first=norm_first)
            for _ in range(check_int("num_layers", num_layers))
        )
        self.norm = nn.LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        padding_mask: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Return ``(B, T, D)``, or that and each layer's weights ``(B, H, T, T)``."""
        collected = []
        for layer in self.layers:
            x = layer(x, mask, padding_mask=padding_mask, need_weights=need_weights)
            if need_weights:
                x, weights = x
                collected.append(weights)
        x = self.norm(x)
        return (x, collected) if need_weights else x
