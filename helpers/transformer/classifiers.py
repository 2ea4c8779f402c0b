"""Encoders that judge a whole text: one reads its words, the other the runs of words in it.

Scope: from ids to the logits of classes, in the manner of BERT: a stack of encoder layers without a
causal mask, pooled over the real positions, and one linear layer.

Dimensions: ``B`` batch, ``T`` positions, ``D`` model width, ``H`` heads, ``V`` vocabulary,
``C`` classes; of runs of words: ``G`` ids, ``K`` that end at a word.
Every model is batch first, and in every mask True = may attend.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.contracts import NotNegative, Share, Size, guard
from helpers.refusals import check_numbers
from helpers.transformer.layers import Encoder, TokenEmbedding

__all__ = ["NgramClassifier", "TransformerClassifier"]


class TransformerClassifier(nn.Module):
    """An encoder over a whole text, pooled over its real tokens, and one linear layer.

    Args:
        vocab_size: number of tokens ``V``.
        num_classes: number of classes ``C``.
        d_model, num_heads, d_hidden, dropout: as in `EncoderLayer`; ``D`` is even.
        num_layers: number of layers.
        word_dropout: probability of hiding a whole token in training: it is then treated as
            padding.
        position_scale: factor on the positional encoding (1 in the paper); lesson 04 turns it down.
        max_len: the longest text allowed.

    The layers are pre-norm. Pooling takes the mean and the maximum of each dimension over the real
    tokens, ``2D`` numbers; a text without any real token is pooled to zeros.
    """

    def __init__(
        self,
        vocab_size: Size,
        num_classes: Size,
        *,
        d_model: Size,
        num_heads: Size,
        d_hidden: Size,
        num_layers: Size,
        dropout: Share = 0.1,
        word_dropout: Share = 0.0,
        position_scale: NotNegative = 1.0,
        max_len: Size = 512,
    ) -> None:
        super().__init__()
        self.word_dropout = word_dropout
        self.embedding = TokenEmbedding(
            vocab_size, d_model, dropout=dropout, max_len=max_len, position_scale=position_scale
        )
        self.encoder = Encoder(
            num_layers, d_model, num_heads, d_hidden, dropout=dropout, norm_first=True
        )
        self.output = nn.Linear(2 * d_model, num_classes)

    def forward(
        self, ids: Int[Tensor, "B T"], padding_mask: Bool[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B C"]:
        """Return logits for token ids.

        Args:
            padding_mask: True = a real token; by default all are.
        """
        x = self.embedding(ids)
        if padding_mask is None:
            padding_mask = torch.ones_like(ids, dtype=torch.bool)
        if self.training and self.word_dropout:
            hidden = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            padding_mask = padding_mask.masked_fill(hidden, False)
        x = self.encoder(x, padding_mask=padding_mask)
        return self.output(_pool(x, padding_mask))


class NgramClassifier(nn.Module):
    """An encoder over a text whose words bring the runs of words that end there, each weighed.

    A word's vector is the sum of its runs' learned vectors, each times the weight of the run, plus
    one learned vector that is the same everywhere. Without that one, the layer norm would blow up a
    word of which nothing is known to the size of all others. There are no positions: order is in
    the runs.

    Args:
        ngrams: number of ids ``G`` that a run can have (``helpers.data.Ngrams``).
        num_classes, d_model, num_heads, d_hidden, num_layers: as in `TransformerClassifier`, but
            ``d_model`` may be odd.
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
        ngrams: Size,
        num_classes: Size,
        *,
        d_model: Size,
        num_heads: Size,
        d_hidden: Size,
        num_layers: Size,
        dropout: Share = 0.0,
    ) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(ngrams, d_model, mode="sum", sparse=True)
        nn.init.normal_(self.vectors.weight, std=0.05)
        with torch.no_grad():
            self.vectors.weight += 0.3 * F.normalize(torch.randn(d_model), dim=0)
        self.everywhere = nn.Parameter(0.1 * torch.randn(d_model))
        self.encoder = Encoder(
            num_layers, d_model, num_heads, d_hidden, dropout=dropout, norm_first=True
        )
        self.output = nn.Linear(2 * d_model, num_classes)

    def forward(
        self,
        ids: Int[Tensor, "B T K"],
        weights: Float[Tensor, "B T K"],
        padding_mask: Bool[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B C"]:
        """Return logits.

        Args:
            ids: ids in ``0 .. G - 1`` of the runs that end at each word.
            weights: their weights.
            padding_mask: True = a real word; by default all are.
        """
        check_numbers("ids", ids, 0, self.vectors.num_embeddings - 1)
        if padding_mask is None:
            padding_mask = torch.ones_like(ids[:, :, 0], dtype=torch.bool)
        x = self.vectors(ids.flatten(0, 1), per_sample_weights=weights.flatten(0, 1))  # (BT, D)
        x = self.everywhere + x.view(*padding_mask.shape, -1)
        x = self.encoder(x, padding_mask=padding_mask)
        return self.output(_pool(x, padding_mask))


def _pool(x: Tensor, padding_mask: Tensor) -> Tensor:
    """Mean and maximum over the real tokens: ``(B, T, D)`` to ``(B, 2D)``."""
    hidden = ~padding_mask.unsqueeze(-1)  # (B, T, 1)
    count = padding_mask.sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
    mean = x.masked_fill(hidden, 0.0).sum(dim=1) / count  # (B, D)
    largest = x.masked_fill(hidden, -math.inf).amax(dim=1)  # (B, D)
    largest = largest.masked_fill(hidden.all(dim=1), 0.0)
    return torch.cat([mean, largest], dim=-1)


guard(globals())
