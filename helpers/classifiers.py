"""Encoders that judge a whole text: one reads its words, the other the runs of words in it.

Scope: from ids to the logits of classes, in the manner of BERT: a stack of encoder layers without a
causal mask, pooled over the real positions, and one linear layer.

Dimensions: ``B`` batch, ``T`` positions, ``D`` model width, ``H`` heads, ``V`` vocabulary,
``C`` classes; of runs of words: ``G`` ids, ``K`` that end at a word.
Every model is batch first, and in every mask True = may attend.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import (
    check_floats,
    check_ids,
    check_in_range,
    check_mask,
    check_sizes,
    check_tensor,
)
from helpers.layers import Encoder, TokenEmbedding

__all__ = ["NgramClassifier", "TransformerClassifier"]


class TransformerClassifier(nn.Module):
    """An encoder over a whole text, pooled over its real tokens, and one linear layer.

    Args:
        ntoken: number of tokens ``V``.
        nclass: number of classes ``C``.
        ninp: model width ``D``, even.
        nhead: number of heads.
        nhid: hidden width of the feed-forward networks.
        nlayers: number of layers.
        dropout: probability used everywhere.
        word_dropout: probability of hiding a whole token in training: it is then treated as
            padding.
        position_scale: factor on the positional encoding (1 in the paper); lesson 04 turns it down.
        max_len: the longest text allowed.

    The layers are pre-norm. Pooling takes the mean and the maximum of each dimension over the real
    tokens, ``2D`` numbers; a text without any real token is pooled to zeros.
    """

    def __init__(
        self,
        ntoken: int,
        nclass: int,
        ninp: int,
        nhead: int,
        nhid: int,
        nlayers: int,
        *,
        dropout: float = 0.1,
        word_dropout: float = 0.0,
        position_scale: float = 1.0,
        max_len: int = 512,
    ) -> None:
        super().__init__()
        check_sizes(ninp, nhead, ntoken=ntoken, nclass=nclass, nhid=nhid, nlayers=nlayers)
        self.word_dropout = check_in_range("word_dropout", word_dropout, 0, 1)
        self.embedding = TokenEmbedding(
            ntoken,
            ninp,
            dropout=dropout,
            max_len=max_len,
            position_scale=position_scale,
        )
        self.encoder = Encoder(nlayers, ninp, nhead, nhid, dropout=dropout, norm_first=True)
        self.output = nn.Linear(2 * ninp, nclass)

    def forward(
        self, ids: Tensor, padding_mask: Tensor | None = None, *, need_weights: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Return logits ``(B, C)``.

        Args:
            ids: token ids ``(B, T)``.
            padding_mask: boolean ``(B, T)``; True = a real token; by default all are.
            need_weights: also return each layer's attention weights, ``(B, H, T, T)``.
        """
        x = self.embedding(ids)
        if padding_mask is None:
            padding_mask = torch.ones_like(ids, dtype=torch.bool)
        check_mask("padding_mask", padding_mask, tuple(ids.shape), ids, "the tokens")
        if self.training and self.word_dropout:
            hidden = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            padding_mask = padding_mask.masked_fill(hidden, False)
        x = self.encoder(x, padding_mask=padding_mask, need_weights=need_weights)
        x, weights = x if need_weights else (x, None)
        logits = self.output(_pool(x, padding_mask))
        return (logits, weights) if need_weights else logits


class NgramClassifier(nn.Module):
    """An encoder over a text whose words bring the runs of words that end there, each weighed.

    A word's vector is the sum of its runs' learned vectors, each times the weight of the run, plus
    one learned vector that is the same everywhere. Without that one, the layer norm would blow up a
    word of which nothing is known to the size of all others. There are no positions: order is in
    the runs.

    Args:
        ngrams: number of ids ``G`` that a run can have (``helpers.ngrams.Ngrams``).
        nclass, ninp, nhead, nhid, nlayers: as in `TransformerClassifier`; ``ninp`` may be odd.
        dropout: probability used inside the encoder.

    The layers are pre-norm, the pooling is that of `TransformerClassifier`. The gradient of the
    runs' vectors is sparse, so an optimiser for sparse gradients must train them
    (``vectors.parameters()``).

    Source: the weighed sum follows the naive Bayes features of Wang and Manning, "Baselines and
    Bigrams", 2012, https://aclanthology.org/P12-2018/. The vectors start nearly parallel, so that
    the sum shows from the first step on how much all runs together speak for a class.
    """

    def __init__(
        self,
        ngrams: int,
        nclass: int,
        ninp: int,
        nhead: int,
        nhid: int,
        nlayers: int,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(
            ninp, nhead, even=False, ngrams=ngrams, nclass=nclass, nhid=nhid, nlayers=nlayers
        )
        self.vectors = nn.EmbeddingBag(ngrams, ninp, mode="sum", sparse=True)
        nn.init.normal_(self.vectors.weight, std=0.05)
        with torch.no_grad():
            self.vectors.weight += 0.3 * F.normalize(torch.randn(ninp), dim=0)
        self.everywhere = nn.Parameter(0.1 * torch.randn(ninp))
        self.encoder = Encoder(nlayers, ninp, nhead, nhid, dropout=dropout, norm_first=True)
        self.output = nn.Linear(2 * ninp, nclass)

    def forward(
        self,
        ids: Tensor,
        weights: Tensor,
        padding_mask: Tensor | None = None,
        *,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Return logits ``(B, C)``.

        Args:
            ids: ids of the runs that end at each word, ``(B, T, K)``, int64 or int32.
            weights: their weights, ``(B, T, K)``, of the model's dtype.
            padding_mask: boolean ``(B, T)``; True = a real word; by default all are.
            need_weights: also return each layer's attention weights, ``(B, H, T, T)``.

        Raises:
            TypeError: a tensor is of another dtype, or none.
            ValueError: the shapes do not fit one another, there is no run, an id is not below
                ``G``, or a tensor lies on another device than the model.
        """
        check_tensor("ids", ids, ("B", "T", "K"))
        if ids.numel() == 0:
            raise ValueError(f"ids must hold at least one run, got shape {tuple(ids.shape)}")
        vectors = self.vectors.weight
        check_ids("ids", ids.flatten(1), len(vectors), vectors)
        check_floats("weights", weights, tuple(ids.shape), vectors, "the model")
        batch, length, _ = ids.shape
        if padding_mask is None:
            padding_mask = torch.ones(batch, length, dtype=torch.bool, device=ids.device)
        check_mask("padding_mask", padding_mask, (batch, length), ids, "the tokens")
        x = self.vectors(ids.flatten(0, 1), per_sample_weights=weights.flatten(0, 1))  # (BT, D)
        x = self.everywhere + x.view(batch, length, -1)
        x = self.encoder(x, padding_mask=padding_mask, need_weights=need_weights)
        x, attention = x if need_weights else (x, None)
        logits = self.output(_pool(x, padding_mask))
        return (logits, attention) if need_weights else logits


def _pool(x: Tensor, padding_mask: Tensor) -> Tensor:
    """Mean and maximum over the real tokens: ``(B, T, D)`` to ``(B, 2D)``."""
    hidden = ~padding_mask.unsqueeze(-1)  # (B, T, 1)
    count = padding_mask.sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
    mean = x.masked_fill(hidden, 0.0).sum(dim=1) / count  # (B, D)
    largest = x.masked_fill(hidden, -math.inf).amax(dim=1)  # (B, D)
    largest = largest.masked_fill(hidden.all(dim=1), 0.0)
    return torch.cat([mean, largest], dim=-1)
