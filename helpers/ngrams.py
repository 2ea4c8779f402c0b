"""Runs of words, how much each speaks for a class, and batches of both.

Scope: from token lists to the input of ``helpers.classifiers.NgramClassifier``: an id for every run
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
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from helpers.checks import check_in_range, check_int, check_not_meta, check_tensor, shown
from helpers.text import bucket_batches

__all__ = ["Ngrams", "held_out_ratios", "log_count_ratios", "ngram_batches"]

_MOST_WORDS = 8  # in a run
_SMOOTHING = 1e-6, 1e6  # from, and below


class Ngrams:
    """A table of the runs of up to ``longest`` words that stand in several training texts.

    ``len`` gives the number of ids, ``G``. The id 0 stands for all runs that are not in the table,
    and for those that would begin before the text does.

    Args:
        token_lists: one list of tokens a text. Give it the training part only.
        longest: words in the longest run, ``K``, at most 8.
        min_texts: a run must stand in so many different texts.

    Raises:
        TypeError: a text was given where a list of tokens belongs, or a number is no integer.
        ValueError: there is no text, or a number is out of range.
    """

    def __init__(
        self, token_lists: Sequence[Sequence[str]], *, longest: int = 3, min_texts: int = 2
    ) -> None:
        self.longest = check_int("longest", longest)
        if self.longest > _MOST_WORDS:
            raise ValueError(f"longest must be at most {_MOST_WORDS}, got {self.longest}")
        min_texts = check_int("min_texts", min_texts)
        _check_list("token_lists", token_lists)
        for position, tokens in enumerate(token_lists):
            _check_tokens(f"token_lists[{position}]", tokens)
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

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Return the ids of the runs that end at each word, int32 ``(T, K)``.

        Column ``n`` holds the runs of ``n + 1`` words.

        Raises:
            TypeError: ``tokens`` is no list of strings.
        """
        _check_tokens("tokens", tokens)
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
    rows: Sequence[np.ndarray], labels: Sequence[int], size: int, *, smoothing: float = 1.0
) -> np.ndarray:
    """Return for every id how much it speaks for class 1: positive for, negative against.

    With ``p`` the number of texts of class 1 that hold the id, ``q`` the number of those of class
    0, both plus ``smoothing``: ``log((p / sum of all p) / (q / sum of all q))``.

    Args:
        rows: ``(T, K)`` ids a text, as :meth:`Ngrams.encode` returns them.
        labels: 0 or 1 for each text, a list or a tensor ``(N,)``.
        size: number of ids ``G``.
        smoothing: from 1e-6 up and below 1e6, so that an id that one class never has is not taken
            for proof.

    Returns:
        float32 ``(G,)``; the id 0 gets 0.

    Raises:
        TypeError: a row is no integer array, or a label no integer.
        ValueError: an id is not below ``size``, there are not as many labels as rows, not both
            classes, or a number is out of range.
    """
    size, smoothing = check_int("size", size), check_in_range("smoothing", smoothing, *_SMOOTHING)
    _check_rows(rows, size)
    classes = _checked_labels(labels, len(rows))
    _check_both_classes("labels must hold both classes", classes)
    positive, negative = _count_classes(rows, classes, size)
    return _ratios(positive, negative, smoothing)


def held_out_ratios(
    rows: Sequence[np.ndarray],
    labels: Sequence[int],
    size: int,
    folds: Sequence[Sequence[int]],
    *,
    smoothing: float = 1.0,
) -> list[np.ndarray]:
    """Return the ratios of every text's own runs, counted on the texts of the other folds.

    In ratios that have counted the text itself, its own label can be read: a run that only it has
    speaks for whatever it was labelled.

    Args:
        rows, labels, size, smoothing: as in :func:`log_count_ratios`.
        folds: positions in ``rows``, every one in just one fold;
            ``helpers.datasets.contiguous_folds`` makes them.

    Returns:
        float32 ``(T, K)`` a text.

    Raises:
        TypeError: as in :func:`log_count_ratios`; a fold is no list of integers.
        ValueError: as in :func:`log_count_ratios`; the folds do not divide the texts, or one of
            them leaves only one class to the others.
    """
    size, smoothing = check_int("size", size), check_in_range("smoothing", smoothing, *_SMOOTHING)
    _check_rows(rows, size)
    classes = _checked_labels(labels, len(rows))
    parts = _checked_folds(folds, classes)
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
    rows: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    labels: Sequence[int],
    batch_size: int,
    *,
    word_dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Go once through the texts in padded batches of similar length.

    Args:
        rows: ``(T, K)`` ids a text.
        weights: the same shapes, floats.
        labels: 0 or 1 for each text, a list or a tensor ``(N,)``.
        batch_size, generator: as in ``helpers.text.bucket_batches``; give a generator when
            training.
        word_dropout: probability of leaving a word out, with the runs that end at it. The runs of
            the words that stay are those of the whole text.

    Returns:
        An iterator of ids ``(B, T, K)``, weights ``(B, T, K)`` of torch's default dtype, mask
        ``(B, T)``, True at words, and labels ``(B,)``. Padding has the id 0 and the weight 0.

    Raises:
        TypeError: rows, weights or labels are of the wrong kind.
        ValueError: they do not fit one another, or a number is out of range.
    """
    _check_rows(rows)
    classes = _checked_labels(labels, len(rows))
    _check_weights(weights, rows)
    word_dropout = check_in_range("word_dropout", word_dropout, 0, 1)
    batches = bucket_batches([len(row) for row in rows], batch_size, generator=generator)
    return (_batch(rows, weights, classes, batch, word_dropout, generator) for batch in batches)


def _batch(
    rows: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    classes: np.ndarray,
    batch: list[int],
    word_dropout: float,
    generator: torch.Generator | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    chosen = []  # the ids and the weights of every text, its words thinned out
    for position in batch:
        stay = np.ones(len(rows[position]), dtype=bool)
        if word_dropout:
            stay = (torch.rand(len(stay), generator=generator) >= word_dropout).numpy()
        chosen.append((rows[position][stay], weights[position][stay]))
    lengths = torch.tensor([len(row) for row, _ in chosen])  # (B,)
    mask = torch.arange(max(1, int(lengths.max()))) < lengths[:, None]  # (B, T)
    flat, factors = zip(*chosen, strict=True)
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


def _ratios(positive: np.ndarray, negative: np.ndarray, smoothing: float) -> np.ndarray:
    p, q = positive[1:] + smoothing, negative[1:] + smoothing
    ratios = np.log(p / p.sum()) - np.log(q / q.sum())
    return np.concatenate([[0.0], ratios]).astype(np.float32)


def _check_list(name: str, value: object, entry: str = "text") -> None:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
        raise TypeError(f"{name} must be a list, got {shown(value)}")
    if len(value) == 0:
        raise ValueError(f"{name} must hold at least one {entry}, got none")


def _check_tokens(name: str, tokens: object) -> None:
    """Refuse a text that was not tokenised: it would be taken for a list of letters."""
    if not isinstance(tokens, list | tuple) or not all(isinstance(word, str) for word in tokens):
        raise TypeError(f"{name} must be a list of tokens, got {shown(tokens)}")


def _check_array(name: str, value: object, kinds: str, wanted: str) -> None:
    """Refuse what is no matrix of numbers of these NumPy kinds."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
        raise TypeError(f"{name} must be a NumPy array of {wanted}, got {shown(value)}")
    if value.ndim != 2:
        raise ValueError(f"{name} must have shape (T, K), got {value.shape}")


def _check_rows(rows: object, size: int = 2**63) -> None:
    _check_list("rows", rows)
    for position, row in enumerate(rows):
        name = f"rows[{position}]"
        _check_array(name, row, "iu", "integers")
        if row.shape[1] != rows[0].shape[1]:
            raise ValueError(
                f"{name} must have {rows[0].shape[1]} columns like rows[0], got {row.shape[1]}"
            )
        low, high = (int(row.min()), int(row.max())) if row.size else (0, 0)
        if low < 0 or high >= size:
            culprit = low if low < 0 else high
            raise ValueError(f"{name} must hold ids in 0..{size - 1}, got {culprit}")


def _checked_labels(labels: object, count: int) -> np.ndarray:
    """Return the labels of so many rows as int64 ``(N,)``."""
    if isinstance(labels, Tensor):
        labels = check_not_meta("labels", check_tensor("labels", labels, ("N",))).tolist()
    _check_list("labels", labels, "label")
    if len(labels) != count:
        raise ValueError(f"labels must have one entry a row, got {len(labels)} for {count}")
    classes = [check_int(f"labels[{i}]", label, minimum=0) for i, label in enumerate(labels)]
    if max(classes) > 1:
        raise ValueError(f"labels must be 0 or 1, got {max(classes)}")
    return np.array(classes, dtype=np.int64)


def _check_both_classes(rule: str, classes: np.ndarray) -> None:
    found = sorted(set(classes.tolist()))
    if found != [0, 1]:
        raise ValueError(f"{rule}, got {found}")


def _check_weights(weights: object, rows: Sequence[np.ndarray]) -> None:
    _check_list("weights", weights)
    if len(weights) != len(rows):
        raise ValueError(f"weights must have one entry a row, got {len(weights)} for {len(rows)}")
    for position, (weight, row) in enumerate(zip(weights, rows, strict=True)):
        name = f"weights[{position}]"
        _check_array(name, weight, "f", "floats")
        if weight.shape != row.shape:
            raise ValueError(f"{name} must have shape {row.shape} like its row, got {weight.shape}")


def _checked_folds(folds: object, classes: np.ndarray) -> list[np.ndarray]:
    """Return the folds of the texts with these classes as arrays of positions."""
    _check_list("folds", folds, "fold")
    parts = []
    for number, fold in enumerate(folds):
        name = f"folds[{number}]"
        _check_list(name, fold, "position")
        own = [check_int(f"{name}[{i}]", position, minimum=0) for i, position in enumerate(fold)]
        parts.append(np.array(own))
    if sorted(np.concatenate(parts)) != list(range(len(classes))):
        raise ValueError(
            f"folds must hold every position in 0..{len(classes) - 1} once, got {shown(folds)}"
        )
    for number, part in enumerate(parts):
        _check_both_classes(
            f"folds[{number}] must leave texts of both classes to the others",
            np.delete(classes, part),
        )
    return parts
