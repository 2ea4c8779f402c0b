"""The best classifier of reviews here: Transformers over runs of words, and what can be changed.

Scope: ``train`` makes one such Transformer by a ``Recipe``. The recipe's defaults were chosen by
cross-validation over four contiguous blocks of the 20,000 training reviews; the changes that
``ablation`` measures are its other values.

Every word brings the runs of one to three words that end at it, each weighed by its naive Bayes
log-count ratio (``helpers.data``), and one vector that all words share. There are no pretrained
weights and no other data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer, SparseAdam
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.sentiment.rules import Fitted
from helpers.data import (
    Ngrams,
    bucket_batches,
    contiguous_folds,
    held_out_ratios,
    log_count_ratios,
    ngram_batches,
)
from helpers.running import seed_everything
from helpers.training import predict
from helpers.transformer import NgramClassifier, sinusoidal_encoding

HEADS = 2
FOLDS = 5  # over which the ratios of the training texts are counted
EPOCHS, BATCH = 2, 64
SCORED = 50  # reviews at a time
RATE, DECAY, RISE = 0.002, 0.01, 0.2  # peak of the one-cycle schedule, weight decay, rising part


@dataclass(frozen=True)
class Recipe:
    """The choices of which an ablation changes one at a time.

    Attributes:
        longest: words in the longest run.
        min_texts: in how many training reviews a run must stand.
        last: how many words of a review are read, from its end.
        maximum: whether the maximum over the words is pooled beside the mean.
        word_dropout: share of the words that are left out in training.
        width: of the model.
        layers: of the encoder; 0 leaves a layer norm alone.
        position_scale: factor on the sines that are added to the words; 0 for none.
        ratios: of the training reviews; "held out": counted on the other folds, "all": on all
            training reviews, "none": every run weighs 1, in training and in use.
        everywhere: whether every word brings the shared vector.
    """

    longest: int = 3
    min_texts: int = 3
    last: int = 512
    maximum: bool = True
    word_dropout: float = 0.5
    width: int = 64
    layers: int = 1
    position_scale: float = 0.0
    ratios: str = "held out"
    everywhere: bool = True


class _Norm(nn.LayerNorm):
    """What remains of a pre-norm encoder without its layers."""

    def forward(self, x: Tensor, *, padding_mask: Tensor) -> Tensor:
        return super().forward(x)


class _Positioned(nn.Module):
    """An encoder that adds sines to what it is given."""

    def __init__(self, encoder: nn.Module, table: Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("table", table)

    def forward(self, x: Tensor, **options: object) -> Tensor:
        return self.encoder(x + self.table[: x.shape[1]], **options)


class _MeanOnly(nn.Linear):
    """A linear layer that sees the mean over the words and not the maximum."""

    def forward(self, pooled: Tensor) -> Tensor:
        return super().forward(pooled[:, : self.in_features])


def build(ids: int, recipe: Recipe) -> NgramClassifier:
    """Return an untrained classifier for so many ids of runs."""
    width = recipe.width
    model = NgramClassifier(
        ids,
        num_classes=2,
        d_model=width,
        num_heads=HEADS,
        d_hidden=2 * width,
        num_layers=max(1, recipe.layers),
    )
    if recipe.layers == 0:
        model.encoder = _Norm(width)
    if recipe.position_scale:
        table = recipe.position_scale * sinusoidal_encoding(recipe.last, width)
        model.encoder = _Positioned(model.encoder, table)
    if not recipe.maximum:
        model.output = _MeanOnly(width, 2)
    if not recipe.everywhere:
        nn.init.zeros_(model.everywhere.requires_grad_(False))
    return model


@dataclass(frozen=True)
class Prepared:
    """Training texts as runs: their ids and weights, a text an array, and all that new ones need.

    Attributes:
        ngrams: the table of the runs.
        rows, weights: ``(T, K)`` a text.
        table: the weight of every id in a new text, ``(G,)``.
    """

    ngrams: Ngrams
    rows: list[np.ndarray]
    weights: list[np.ndarray]
    table: np.ndarray


def prepare(token_lists: Sequence[list[str]], labels: Sequence[int], recipe: Recipe) -> Prepared:
    """Find the runs of the training texts and weigh them."""
    ngrams = Ngrams(token_lists, longest=recipe.longest, min_texts=recipe.min_texts)
    rows = [ngrams.encode(tokens) for tokens in token_lists]
    if recipe.ratios == "none":
        table = np.ones(len(ngrams), dtype=np.float32)
        table[0] = 0
    else:
        table = log_count_ratios(rows, labels, len(ngrams))
    if recipe.ratios == "held out":
        weights = held_out_ratios(rows, labels, len(ngrams), contiguous_folds(labels, FOLDS))
    else:
        weights = [table[row] for row in rows]
    return Prepared(ngrams, rows, weights, table)


def optimizers(model: NgramClassifier) -> list[Optimizer]:
    """Return one optimiser for the vectors of the runs, and one for all other weights."""
    vectors = {id(p) for p in model.vectors.parameters()}
    others = [p for p in model.parameters() if id(p) not in vectors and p.requires_grad]
    return [
        SparseAdam(model.vectors.parameters(), lr=RATE),
        AdamW(others, lr=RATE, weight_decay=DECAY),
    ]


def train(
    token_lists: Sequence[list[str]],
    labels: Sequence[int],
    seed: int,
    recipe: Recipe = Recipe(),
) -> Fitted:
    """Train one Transformer by the recipe."""
    return train_prepared(prepare(token_lists, labels, recipe), labels, seed, recipe)


def train_prepared(prepared: Prepared, labels: Sequence[int], seed: int, recipe: Recipe) -> Fitted:
    """Train on texts that were prepared by the same recipe."""
    ngrams, table = prepared.ngrams, prepared.table
    rows, weights = (
        [x[-recipe.last :] for x in part] for part in (prepared.rows, prepared.weights)
    )

    draws = seed_everything(seed)
    model = build(len(ngrams), recipe)
    both = optimizers(model)
    steps = EPOCHS * math.ceil(len(rows) / BATCH)
    schedules = [OneCycleLR(o, max_lr=RATE, total_steps=steps, pct_start=RISE) for o in both]

    for _ in range(EPOCHS):
        for *inputs, targets in ngram_batches(
            rows, weights, labels, BATCH, word_dropout=recipe.word_dropout, generator=draws
        ):
            F.cross_entropy(model(*inputs), targets).backward()
            for part in (*both, *schedules):
                part.step()
            model.zero_grad()

    def score(token_lists: Sequence[list[str]]) -> np.ndarray:
        rows = [ngrams.encode(tokens)[-recipe.last :] for tokens in token_lists]
        scores = np.empty(len(rows))
        for batch in bucket_batches([len(row) for row in rows], SCORED):
            own = [rows[i] for i in batch]  # from short to long, as `ngram_batches` sorts them
            unknown = [0] * len(own)
            batches = ngram_batches(own, [table[row] for row in own], unknown, len(own))
            ((*inputs, _),) = batches
            logits = predict(model, *inputs)
            scores[batch] = (logits[:, 1] - logits[:, 0]).numpy()
        return scores

    return Fitted(score, sum(p.numel() for p in model.parameters() if p.requires_grad))
