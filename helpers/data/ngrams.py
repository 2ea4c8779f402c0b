"""Runs of words, how much each speaks for a class, and batches of both.

Scope: from token lists to the input of ``helpers.transformer.NgramClassifier``: an id for every run
of one, two or three words (an n-gram) that ends at a word, and a weight that says how much more
often texts of class 1 have this run than texts of class 0.

Source of the weights, the log-count ratios of naive Bayes: S. Wang and C. D. Manning, "Baselines
and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012, section 2,
https://aclanthology.org/P12-2018/. Source of counting on the other folds: D. H. Wolpert, "Stacked
Generalization", Neural Networks 5, 1992, https://doi.org/10.1016/S0893-6080(05)80023-1.

Dimensions: ``B`` batch, ``T`` words of a text (in a batch: of the longest), ``K`` words of the
longest run, ``G`` ids.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int32, Integer
from torch import Tensor

from helpers.contracts import Positive, Share, Size, guard
from helpers.data.entries import Integers, Tokens, check_tokens, checked_integers, checked_labels
from helpers.data.text import bucket_batches, mask_of
from helpers.refusals import check_numbers, refusal

__all__ = ["Ngrams", "held_out_ratios", "log_count_ratios", "ngram_batches"]

Rows = Sequence[Integer[np.ndarray, "_ K"]]


class Ngrams:
    """A table of the runs of up to ``longest`` words that stand in several training texts.

    ``len`` gives the number of ids, ``G``. The id 0 stands for all runs that are not in the table,
    and for those that would begin before the text does.

    Args:
        token_lists: one list of tokens a text. Give it the training part only.
        longest: words in the longest run, ``K``.
        min_texts: a run must stand in so many different texts.
    """

    def __init__(
        self, token_lists: Sequence[Sequence[str]], *, longest: Size = 3, min_texts: Size = 2
    ) -> None:
        for position, tokens in enumerate(token_lists):
            check_tokens(f"token_lists[{position}]", tokens)
        self.longest = longest
        self._numbers: dict[str, int] = {}
        count = (
            self._numbers.setdefault(word, len(self._numbers))
            for word in chain.from_iterable(token_lists)
        )
        words = np.fromiter(count, np.int64)  # of all texts, one after the other
        starts = np.cumsum([0] + [len(tokens) for tokens in token_lists])[:-1]

        # A run of n words is known by the id of its first n - 1 words, and its last word.
        self._ids: dict[int, int] = {}
        ids = np.zeros_like(words)
        for n in range(self.longest):
            before = np.roll(ids, 1)
            before[starts[starts < len(words)]] = 0
            known = before > 0 if n else np.ones_like(words, dtype=bool)
            keys, index = np.unique(self._key(before, words)[known], return_inverse=True)
            place = np.full(len(words), len(keys))  # of each run among the keys; the last: none
            place[known] = index
            kept = _count(np.split(place, starts[1:]), len(keys) + 1)[:-1] >= min_texts
            fresh = len(self) + np.arange(kept.sum())
            new_ids = np.zeros(len(keys) + 1, dtype=np.int64)
            new_ids[:-1][kept] = fresh
            self._ids.update(zip(keys[kept].tolist(), fresh.tolist(), strict=True))
            ids = new_ids[place]

    def __len__(self) -> int:
        return 1 + len(self._ids)

    def __repr__(self) -> str:
        return f"Ngrams({len(self):,} ids, runs of 1 to {self.longest} words)"

    def encode(self, tokens: Tokens) -> Int32[np.ndarray, "T {self.longest}"]:
        """Return the ids of the runs that end at each word; column ``n``: of ``n + 1`` words."""
        unknown = len(self._numbers)
        words = np.array([self._numbers.get(word, unknown) for word in tokens], dtype=np.int64)
        ids = np.zeros((len(words), self.longest), dtype=np.int32)
        before = np.zeros_like(words)
        for n in range(self.longest):
            keys = self._key(before, words).tolist()
            found = np.array([self._ids.get(key, 0) for key in keys], dtype=np.int64)
            ids[:, n] = np.where((before > 0) | (n == 0), found, 0)
            before[1:] = ids[:-1, n]
        return ids

    def _key(self, before: np.ndarray, words: np.ndarray) -> np.ndarray:
        return before * (len(self._numbers) + 1) + words


def log_count_ratios(
    rows: Rows, labels: Integers, size: Size, *, smoothing: Positive = 1.0
) -> Float32[np.ndarray, " {size}"]:
    """Return for every id how much it speaks for class 1: positive for, negative against.

    With ``p`` the number of texts of class 1 that hold the id, ``q`` the number of those of class
    0, both plus ``smoothing``: ``log((p / sum of all p) / (q / sum of all q))``. The id 0 gets 0.

    Args:
        rows: ids for each text, as :meth:`Ngrams.encode` returns them.
        labels: 0 or 1 for each text.
        size: number of ids ``G``.
        smoothing: so that an id that one class never has is not taken for proof.
    """
    classes = _checked_classes(rows, labels, size)
    _check_both("labels", "hold both classes", classes)
    return _ratios(*_count_classes(rows, classes, size), smoothing)


def held_out_ratios(
    rows: Rows,
    labels: Integers,
    size: Size,
    folds: Sequence[Sequence[int]],
    *,
    smoothing: Positive = 1.0,
) -> list[Float32[np.ndarray, "_ K"]]:
    """Return the ratios of every text's own runs, counted on the texts of the other folds.

    In ratios that have counted the text itself, its own label can be read: a run that only it has
    speaks for whatever it was labelled.

    Args:
        rows, labels, size, smoothing: as in :func:`log_count_ratios`.
        folds: positions in ``rows``, every one in just one fold; ``contiguous_folds`` makes them.
            What a fold leaves to the others must have texts of both classes.
    """
    classes = _checked_classes(rows, labels, size)
    parts = [checked_integers(f"folds[{i}]", fold).numpy() for i, fold in enumerate(folds)]
    if sorted(chain.from_iterable(folds)) != list(range(len(rows))):
        raise refusal("folds", f"hold every position in 0..{len(rows) - 1} once", folds)
    for number, part in enumerate(parts):
        others = np.delete(classes, part)
        _check_both(f"folds[{number}]", "leave texts of both classes to the others", others)
    counts = np.array(
        [_count_classes([rows[i] for i in part], classes[part], size) for part in parts]
    )  # (folds, 2, G)
    weights: list[np.ndarray] = [np.empty(0)] * len(rows)
    for part, own in zip(parts, counts, strict=True):
        positive, negative = counts.sum(axis=0) - own
        ratios = _ratios(positive, negative, smoothing)
        for position in part:
            weights[position] = ratios[rows[position]]
    return weights


def ngram_batches(
    rows: Rows,
    weights: Sequence[Float[np.ndarray, "_ K"]],
    labels: Integers,
    batch_size: Size,
    *,
    word_dropout: Share = 0.0,
    generator: torch.Generator | None = None,
) -> Iterator[
    tuple[Int[Tensor, "B T K"], Float[Tensor, "B T K"], Bool[Tensor, "B T"], Int[Tensor, " B"]]
]:
    """Go once through the texts in padded batches of similar length.

    Args:
        rows: ids for each text.
        weights: one for each of them.
        labels: 0 or 1 for each text.
        batch_size, generator: as in :func:`bucket_batches`; give a generator when training.
        word_dropout: probability of leaving a word out, with the runs that end at it. The runs of
            the words that stay are those of the whole text.

    Returns:
        An iterator of ids, weights in torch's default dtype, mask, True at words, and labels.
        Padding has the id 0 and the weight 0.
    """
    classes = _checked_classes(rows, labels)
    for number, (row, own) in enumerate(zip_longest(rows, weights)):
        if np.shape(row) != np.shape(own):
            wanted = f"have shape {np.shape(row)} like its row"
            raise refusal(f"weights[{number}]", wanted, np.shape(own))
    batches = bucket_batches([len(row) for row in rows], batch_size, generator=generator)
    return (_batch(rows, weights, classes, batch, word_dropout, generator) for batch in batches)


def _batch(
    rows: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    classes: np.ndarray,
    batch: list[int],
    word_dropout: Share,
    generator: torch.Generator | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    chosen = []  # the ids and the weights of every text, its words thinned out
    for position in batch:
        stay = np.ones(len(rows[position]), dtype=bool)
        if word_dropout:
            stay = (torch.rand(len(stay), generator=generator) >= word_dropout).numpy()
        chosen.append((rows[position][stay], weights[position][stay]))
    flat, factors = zip(*chosen, strict=True)
    mask = mask_of(flat)  # (B, T)
    ids = torch.zeros(*mask.shape, flat[0].shape[1], dtype=torch.int64)  # (B, T, K)
    ids[mask] = torch.from_numpy(np.concatenate(flat, dtype=np.int64))
    padded = torch.zeros(ids.shape)
    padded[mask] = torch.from_numpy(np.concatenate(factors, dtype=np.float64)).to(padded.dtype)
    return ids, padded, mask, torch.from_numpy(classes[batch])


def _count(texts: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Return in how many of the texts each id stands, ``(size,)``."""
    if not texts:
        return np.zeros(size, dtype=np.int64)
    ids = np.concatenate([np.unique(ids) for ids in texts], dtype=np.int64)
    return np.bincount(ids, minlength=size)


def _count_classes(
    rows: Sequence[np.ndarray], classes: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return in how many texts of class 1, and in how many of class 0, each id stands."""
    pairs = list(zip(rows, classes, strict=True))
    positive, negative = ([row for row, label in pairs if label == c] for c in (1, 0))
    return _count(positive, size), _count(negative, size)


def _ratios(positive: np.ndarray, negative: np.ndarray, smoothing: Positive) -> np.ndarray:
    p, q = positive[1:] + smoothing, negative[1:] + smoothing
    ratios = np.log(p / p.sum()) - np.log(q / q.sum())
    return np.concatenate([[0.0], ratios]).astype(np.float32)


def _checked_classes(rows: Rows, labels: Integers, size: int = 2**31) -> np.ndarray:
    """Return the labels of the rows, 0 or 1 each, once the ids are seen to be below ``size``."""
    for number, row in enumerate(rows):
        if not isinstance(row, np.ndarray) or row.dtype.kind not in "iu" or row.ndim != 2:
            raise refusal(f"rows[{number}]", "be an array (T, K) of integers", row, TypeError)
        outside = row[(row < 0) | (row >= size)]
        if outside.size:
            raise refusal(f"rows[{number}]", f"hold ids in 0..{size - 1}", outside[0])
    classes = checked_labels(labels, len(rows))
    check_numbers("labels", classes, 0, 1)
    return classes.numpy()


def _check_both(name: str, wanted: str, classes: np.ndarray) -> None:
    found = np.unique(classes).tolist()
    if found != [0, 1]:
        raise refusal(name, wanted, found)


guard(globals())
