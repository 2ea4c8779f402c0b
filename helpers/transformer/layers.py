"""The parts of a Transformer: positions, embedding, feed-forward, encoder and decoder layers.

Scope: sections 3.1, 3.3, 3.4 and 3.5 of the paper; attention itself is in ``attention``, whole
models are in ``models`` and ``classifiers``.

Source: Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762

Dimensions: ``B`` batch, ``T`` positions, ``S`` positions of the source, ``D`` model width,
``H`` heads, ``V`` vocabulary. Everything is batch first, and in every mask True = may attend.

No layer looks for nan, which would cost a pass over the numbers each time; none swallows it either:
what a position computes from a nan is nan, and ``helpers.training`` stops there.
"""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.contracts import NotNegative, Share, Size, Such, guard
from helpers.refusals import check_numbers, refusal
from helpers.transformer.attention import MultiHeadAttention

__all__ = [
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "PositionalEncoding",
    "TokenEmbedding",
    "sinusoidal_encoding",
]

Even = Annotated[Size, Such("even (sines and cosines come in pairs)", lambda n: n % 2 == 0)]
Vectors = Float[Tensor, "B T {self.d_model}"]
Mask = Bool[Tensor, "T T"] | Bool[Tensor, "B T T"] | Bool[Tensor, "B H T T"]


def sinusoidal_encoding(max_len: Size, d_model: Even) -> Float[Tensor, "T D"]:
    """Compute the paper's table of sines and cosines, of the default dtype.

    Dimension ``2i`` of position ``p`` is ``sin(p / 10000^(2i / D))``, dimension ``2i + 1`` the
    cosine of the same angle. The angles are computed in float64 and rounded once.

    Args:
        max_len: number of positions ``T``.
        d_model: width ``D``.

    Source: section 3.5.
    """
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

    def __init__(self, d_model: Size, dropout: Share = 0.1, max_len: Size = 5000) -> None:
        super().__init__()
        self.d_model = d_model
        self.dropout = nn.Dropout(dropout)
        self.table: Tensor  # (max_len, D)
        self.register_buffer("table", sinusoidal_encoding(max_len, d_model), persistent=False)

    def forward(self, x: Vectors) -> Vectors:
        """Return ``x`` with the encoding of its positions, of which there are at most max_len."""
        length, max_len = x.shape[1], len(self.table)
        if length > max_len:
            raise refusal("x", f"have at most max_len={max_len} positions", length)
        return self.dropout(x + self.table[:length])


class TokenEmbedding(nn.Module):
    """Look up each token's vector, scale it by ``sqrt(D)`` and add its position.

    Args:
        vocab_size: number of tokens ``V``.
        d_model, dropout, max_len: as in `PositionalEncoding`.
        position_scale: factor on the positional encoding (1 in the paper).

    Source: section 3.4. The vectors start at a standard deviation of ``1/sqrt(D)``, so that after
    scaling they are of the size of the sines they are added to.
    """

    def __init__(
        self,
        vocab_size: Size,
        d_model: Size,
        *,
        dropout: Share = 0.1,
        max_len: Size = 5000,
        position_scale: NotNegative = 1.0,
    ) -> None:
        super().__init__()
        self.positions = PositionalEncoding(d_model, dropout, max_len)
        self.positions.table *= position_scale
        self.vectors = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.vectors.weight, std=d_model**-0.5)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """Return the vectors of token ids in ``0 .. V - 1``."""
        check_numbers("ids", ids, 0, self.vectors.num_embeddings - 1)
        if ids.shape[1] > self.max_len:
            raise refusal("ids", f"have at most max_len={self.max_len} positions", ids.shape[1])
        return self.positions(self.vectors(ids) * math.sqrt(self.vectors.embedding_dim))

    @property
    def max_len(self) -> float | int:
        """The longest sequence allowed; inf where an experiment has replaced the positions."""
        known = isinstance(self.positions, PositionalEncoding)
        return len(self.positions.table) if known else math.inf


class FeedForward(nn.Sequential):
    """Two linear maps with a ReLU between, applied to each position by itself.

    Args:
        d_model: width ``D`` of input and output.
        d_hidden: width between the two (the paper's ``d_ff``).
        dropout: probability of dropping a hidden element in training (0 in the paper).

    Source: section 3.3, equation (2).
    """

    def __init__(self, d_model: Size, d_hidden: Size, *, dropout: Share = 0.0) -> None:
        super().__init__(
            nn.Linear(d_model, d_hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(d_hidden, d_model),
        )
        self.d_model = d_model

    def forward(
        self, x: Float[Tensor, "... {self.d_model}"]
    ) -> Float[Tensor, "... {self.d_model}"]:
        """Return an output for each position."""
        return super().forward(x)


class _Layer(nn.Module):
    """What both kinds of layer share: self-attention, feed-forward, and how each is wrapped."""

    def __init__(
        self,
        d_model: Size,
        num_heads: Size,
        d_hidden: Size,
        *,
        dropout: Share = 0.1,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.d_model, self.norm_first = d_model, norm_first
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.self_attention_norm = nn.LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_hidden, dropout=dropout)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def _around(
        self, sublayer: Callable[[Tensor], Tensor], norm: nn.LayerNorm, x: Tensor
    ) -> Tensor:
        """Put the residual connection and the normalisation around a sub-layer."""
        if self.norm_first:
            return x + self.dropout(sublayer(norm(x)))
        return norm(x + self.dropout(sublayer(x)))

    def _attend_to_itself(self, x: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor:
        return self._around(
            lambda x: self.self_attention(x, x, x, mask, padding_mask=padding),
            self.self_attention_norm,
            x,
        )


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
        x: Vectors,
        mask: Mask | None = None,
        *,
        padding_mask: Bool[Tensor, "B T"] | None = None,
    ) -> Vectors:
        """Return what the layer makes of ``x``; in both masks True = may be attended to."""
        x = self._attend_to_itself(x, mask, padding_mask)
        return self._around(self.feed_forward, self.feed_forward_norm, x)


class DecoderLayer(_Layer):
    """Masked self-attention, attention over the encoder's output, then feed-forward.

    Three sub-layers, each with a residual connection and layer normalisation. The arguments are
    those of ``EncoderLayer``.

    Source: section 3.1, "Decoder".
    """

    def __init__(
        self,
        d_model: Size,
        num_heads: Size,
        d_hidden: Size,
        *,
        dropout: Share = 0.1,
        norm_first: bool = False,
    ) -> None:
        super().__init__(d_model, num_heads, d_hidden, dropout=dropout, norm_first=norm_first)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.cross_attention_norm = nn.LayerNorm(d_model)

    def forward(
        self,
        x: Vectors,
        memory: Float[Tensor, "B S {self.d_model}"],
        mask: Mask | None = None,
        *,
        padding_mask: Bool[Tensor, "B T"] | None = None,
        memory_padding_mask: Bool[Tensor, "B S"] | None = None,
    ) -> Vectors:
        """Return what the layer makes of ``x``; in all masks True = may be attended to.

        Args:
            x: the target so far.
            memory: the encoder's output.
            mask: for the self-attention. The layer adds no causal mask of its own.
            padding_mask, memory_padding_mask: False where the target, the memory is padding.
        """
        x = self._attend_to_itself(x, mask, padding_mask)
        x = self._around(
            lambda x: self.cross_attention(x, memory, memory, padding_mask=memory_padding_mask),
            self.cross_attention_norm,
            x,
        )
        return self._around(self.feed_forward, self.feed_forward_norm, x)


class Encoder(nn.Module):
    """A stack of encoder layers; with pre-norm, one more normalisation at its end.

    Args:
        num_layers: number of layers ``N``; the others are those of ``EncoderLayer``.

    Difference from ``torch.nn.Transformer``: that one normalises at the end of the stack in
    post-norm too, where the paper does not.
    """

    def __init__(
        self,
        num_layers: Size,
        d_model: Size,
        num_heads: Size,
        d_hidden: Size,
        *,
        dropout: Share = 0.1,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.layers = nn.ModuleList(
            EncoderLayer(d_model, num_heads, d_hidden, dropout=dropout, norm_first=norm_first)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(
        self,
        x: Vectors,
        mask: Mask | None = None,
        *,
        padding_mask: Bool[Tensor, "B T"] | None = None,
    ) -> Vectors:
        """Return what the stack makes of ``x``."""
        for layer in self.layers:
            x = layer(x, mask, padding_mask=padding_mask)
        return self.norm(x)


guard(globals())
