"""From raw text to padded batches of token ids.

Scope: splitting a text into tokens, a vocabulary, encoding and decoding, cutting and padding, and
batches of reviews of similar length. The only module that touches torchtext (0.6.0, the last
release in pure Python), for its ``basic_english`` tokeniser and its ``Vocab``.

Dimensions: ``B`` batch, ``T`` tokens of the longest text in the batch.
A mask is True where a real token stands, so True means "may attend".
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from numbers import Integral, Real
from sys import intern

import numpy as np
import torch
from torch import Tensor
from torchtext.data.utils import get_tokenizer
from torchtext.vocab import Vocab

from helpers.checks import check_generator, check_int, check_not_meta, check_tensor, shown

__all__ = [
    "PAD",
    "UNK",
    "Vocabulary",
    "bucket_batches",
    "build_vocabulary",
    "decode",
    "encode",
    "pad",
    "text_batches",
    "tokenize",
    "truncate",
]

UNK = "<unk>"
PAD = "<pad>"

_SPECIALS = (UNK, PAD)
_NOISE = 0.1  # how far, as a share of its length, a text may stray from its place among the lengths

_basic_english = get_tokenizer("basic_english")


def tokenize(text: str) -> list[str]:
    """Split an English text into lower-case tokens with torchtext's ``basic_english``.

    Punctuation marks become tokens of their own, double quotes disappear, and so do colons,
    semicolons and the mark-up ``<br />``. An apostrophe is a token too: "don't" gives three.

    Returns:
        The tokens in reading order; no token is empty, the list may be. Equal tokens of different
        texts are one object in memory, which makes 25,000 reviews fit in a sixth of the space.

    Raises:
        TypeError: ``text`` is no string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    return list(map(intern, _basic_english(text)))


class Vocabulary:
    """A table of tokens and their ids, both ways; :func:`build_vocabulary` makes one from texts.

    The ids 0 and 1 are ``<unk>``, which stands for every unknown token, and ``<pad>``, which fills
    up short texts.

    Args:
        tokens: the tokens in the order of their ids, the two specials first. A vocabulary is saved
            and restored through this list.

    Attributes:
        tokens: the same, as a tuple.
        unk_id: 0.
        pad_id: 1.

    Raises:
        TypeError: ``tokens`` are no strings, or in no order.
        ValueError: ``tokens`` does not begin with the specials, or holds a token twice.
    """

    unk_id = 0
    pad_id = 1

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens: tuple[str, ...] = tuple(_checked_tokens("tokens", tokens))
        if self.tokens[:2] != _SPECIALS:
            raise ValueError(f"tokens must begin with {_SPECIALS}, got {shown(self.tokens[:2])}")
        self._ids: dict[str, int] = {token: index for index, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            [(twice, _)] = Counter(self.tokens).most_common(1)
            raise ValueError(
                f"tokens must differ from one another, got {shown(twice)} more than once"
            )

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and token in self._ids

    def __getitem__(self, token: str) -> int:
        """Return the id of ``token``, or ``unk_id`` if the vocabulary does not hold it."""
        if not isinstance(token, str):
            raise TypeError(f"token must be a string, got {shown(token)}; for an id use .token(id)")
        return self._ids.get(token, self.unk_id)

    # Without this, Python would take the class for a sequence: 0, 1, 2, ... handed to [] above.
    __iter__ = None

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} tokens)"

    def token(self, token_id: int) -> str:
        """Return the token with the id ``token_id``.

        Raises:
            TypeError: ``token_id`` is no integer.
            ValueError: no token has this id.
        """
        return self._token("token_id", token_id)

    def _token(self, name: str, token_id: object) -> str:
        token_id = check_int(name, token_id, minimum=0)
        if token_id >= len(self):
            raise ValueError(f"{name} must lie in 0..{len(self) - 1}, got {token_id}")
        return self.tokens[token_id]


def build_vocabulary(
    token_lists: Iterable[Sequence[str]], *, max_size: int | None = None, min_freq: int = 1
) -> Vocabulary:
    """Count the tokens of the training texts and number them by frequency.

    Tokens that occur equally often stand in alphabetical order, so that the ids depend on nothing
    but the counts. Give it the training part only: a vocabulary that has read the test texts
    already knows something of them.

    Args:
        token_lists: one list of tokens a text.
        max_size: the most ids there may be, ``<unk>`` and ``<pad>`` included (torchtext's own
            ``max_size`` leaves the specials out); None for no bound.
        min_freq: rarer tokens are left out.

    Raises:
        TypeError: a text was given where a list of tokens belongs, or a size is no integer.
        ValueError: ``max_size`` below 3 or ``min_freq`` below 1.
    """
    if isinstance(token_lists, str):
        raise TypeError("token_lists must hold lists of tokens, got one str: tokenize it first")
    if max_size is not None:
        max_size = check_int("max_size", max_size, minimum=len(_SPECIALS) + 1) - len(_SPECIALS)
    min_freq = check_int("min_freq", min_freq)
    counter: Counter[str] = Counter()
    for position, tokens in enumerate(_entries("token_lists", token_lists)):
        counter.update(_checked_tokens(f"token_lists[{position}]", tokens))
    # Only the list is kept: a look-up of an unknown token in torchtext's own table adds it there.
    return Vocabulary(Vocab(counter, max_size, min_freq, specials=list(_SPECIALS)).itos)


def encode(tokens: Sequence[str], vocab: Vocabulary) -> list[int]:
    """Return the id of every token; an unknown token becomes ``vocab.unk_id``.

    Raises:
        TypeError: ``tokens`` is no list of strings, or ``vocab`` is no Vocabulary.
    """
    ids, unk_id = _checked_vocabulary(vocab)._ids, vocab.unk_id
    return [ids.get(token, unk_id) for token in _checked_tokens("tokens", tokens)]


def decode(ids: Iterable[int] | Tensor, vocab: Vocabulary) -> list[str]:
    """Return the token of every id: the reverse of :func:`encode` for tokens the vocabulary holds.

    Args:
        ids: a list of ids or a tensor ``(T,)`` of them.

    Raises:
        TypeError: an id is no integer, or ``vocab`` is no Vocabulary.
        ValueError: an id lies outside the vocabulary.
    """
    vocab = _checked_vocabulary(vocab)
    if isinstance(ids, Tensor):
        ids = check_not_meta("ids", check_tensor("ids", ids, ("T",))).tolist()
    return [vocab._token(f"ids[{i}] as a token_id", x) for i, x in enumerate(_entries("ids", ids))]


def truncate(ids: Sequence[int], max_len: int) -> list[int]:
    """Return the last ``max_len`` ids, or all of them if there are fewer.

    The end is kept because that is where most reviews come to their verdict.

    Raises:
        TypeError: ``ids`` is no list of integers.
        ValueError: ``max_len`` is below 1.
    """
    _check_row("ids", ids, Integral, "be a list of integers")
    return list(ids[-check_int("max_len", max_len) :])


def pad(sequences: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Fill sequences up to the length of the longest and say where the real tokens are.

    Args:
        sequences: ``B`` lists of ids, or NumPy arrays of them, which are several times as fast. An
            empty list gives a row that is padding throughout.
        pad_id: the id to fill up with, at the end.

    Returns:
        The ids ``(B, T)`` as int64 and the mask ``(B, T)``, True at real tokens. ``T`` is the
        length of the longest sequence, but at least 1.

    Raises:
        TypeError: an id is no integer.
        ValueError: there is no sequence at all, or ``pad_id`` is negative.
    """
    _check_sequences(sequences)
    if len(sequences) == 0:
        raise ValueError("sequences must hold at least one sequence, got none")
    pad_id = check_int("pad_id", pad_id, minimum=0)
    return _padded(sequences, pad_id)


def bucket_batches(
    lengths: Sequence[int], batch_size: int, *, generator: torch.Generator | None = None
) -> list[list[int]]:
    """Group texts of similar length into batches, so that little is padding.

    Args:
        lengths: how many tokens each text has.
        batch_size: texts in a batch; the last batch of the sorted texts holds what is left over.
        generator: without one, texts go from the shortest to the longest and the result is always
            the same. With one, lengths are sorted after a random stretch of up to a tenth, so that
            a text meets other neighbours each time, and the batches come in random order.

    Returns:
        The batches, each a list of positions in ``lengths``; every position occurs once.

    Raises:
        TypeError: ``lengths`` are no numbers.
        ValueError: ``batch_size`` below 1, or ``lengths`` is no row of numbers from 0 up.
    """
    batch_size = check_int("batch_size", batch_size)
    check_generator("generator", generator)
    keys = 1 + _checked_lengths(lengths)  # from 1 up, for the stretching
    if generator is not None:
        keys = keys * (1 + _NOISE * torch.rand(len(keys), generator=generator, dtype=keys.dtype))
    order = torch.argsort(keys, stable=True).tolist()
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if generator is not None:
        batches = [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
    return batches


def text_batches(
    sequences: Sequence[Sequence[int]],
    labels: Sequence[int],
    batch_size: int,
    *,
    pad_id: int,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Go once through encoded texts and their labels in padded batches of similar length.

    Args:
        sequences: one list or NumPy array of ids a text, as in :func:`pad`.
        labels: one class id a text.
        batch_size, generator: as in :func:`bucket_batches`; give a generator when training.
        pad_id: the id to fill up with.

    Returns:
        An iterator of ids ``(B, T)``, mask ``(B, T)`` and labels ``(B,)``.

    Raises:
        TypeError: an id or a label is no integer.
        ValueError: there are not as many labels as sequences.
    """
    _check_sequences(sequences)
    _check_labels(labels)
    if len(sequences) != len(labels):
        raise ValueError(
            f"labels must have one entry a sequence, got {len(labels)} for {len(sequences)}"
        )
    pad_id = check_int("pad_id", pad_id, minimum=0)
    batches = bucket_batches([len(s) for s in sequences], batch_size, generator=generator)
    return (
        (*_padded([sequences[i] for i in batch], pad_id), torch.tensor([labels[i] for i in batch]))
        for batch in batches
    )


def _entries(name: str, values: object) -> Iterator:
    """Walk through a list, or through anything else whose entries have an order."""
    if not isinstance(values, str | bytes | bytearray | Set | Mapping):
        try:
            return iter(values)
        except TypeError:
            pass
    raise TypeError(f"{name} must be a list, got {shown(values)}")


def _checked_tokens(name: str, tokens: Iterable[str]) -> list[str]:
    """Refuse a text that was not tokenised: it would be taken for a list of letters."""
    if isinstance(tokens, str):
        raise TypeError(f"{name} must be a list of tokens, got a str: tokenize it first")
    checked = []
    for token in _entries(name, tokens):
        if not isinstance(token, str):
            raise TypeError(f"{name} must be a list of tokens, got one that holds {shown(token)}")
        checked.append(token)
    return checked


def _checked_vocabulary(vocab: object) -> Vocabulary:
    if not isinstance(vocab, Vocabulary):
        raise TypeError(f"vocab must be a Vocabulary, got {type(vocab).__name__}")
    return vocab


def _check_row(name: str, row: object, kind: type, wanted: str) -> None:
    """Refuse what is no list or array of numbers of this kind."""
    kinds = {object}
    if isinstance(row, Sequence) and not isinstance(row, str | bytes | bytearray):
        kinds = set(map(type, row))
    elif isinstance(row, np.ndarray) and row.ndim == 1:
        kinds = {row.dtype.type}
    if bool in kinds or not all(issubclass(found, kind) for found in kinds):
        raise TypeError(f"{name} must {wanted}, got {shown(row)}")


def _check_sequences(sequences: object) -> None:
    if not isinstance(sequences, Sequence) or isinstance(sequences, str | bytes | bytearray):
        raise TypeError(f"sequences must hold lists of integer ids, got {shown(sequences)}")
    for row in sequences:
        _check_row("sequences", row, Real, "hold lists of integer ids")


def _padded(sequences: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Do the work of `pad` for sequences whose rows are checked."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])  # (B,)
    if all(isinstance(row, np.ndarray) for row in sequences):
        flat = np.concatenate(sequences)
    else:
        flat = np.array([pad_id, *chain.from_iterable(sequences)])[1:]
    if flat.size and not np.can_cast(flat.dtype, np.int64):
        others = (x for x in chain.from_iterable(sequences) if not _is_int64(x))
        raise TypeError(f"sequences must hold int64 ids, got {shown(next(others, flat))}")
    mask = torch.arange(max(1, int(lengths.max()))) < lengths[:, None]  # (B, T)
    ids = torch.full(mask.shape, pad_id)  # (B, T)
    return ids.masked_scatter_(mask, torch.from_numpy(flat.astype(np.int64))), mask


def _is_int64(number: Real) -> bool:
    return isinstance(number, Integral) and -(2**63) <= number < 2**63


def _check_labels(labels: object) -> None:
    if not isinstance(labels, Tensor):
        _check_row("labels", labels, Integral, "be a list of integers")
        if len(labels) and not -(2**63) <= min(labels) <= max(labels) < 2**63:
            raise ValueError(f"labels must fit into int64, got {shown(labels)}")
        return
    check_not_meta("labels", check_tensor("labels", labels, ("N",)))
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must be integers, got {labels.dtype}")


def _checked_lengths(lengths: object) -> Tensor:
    """Return lengths as float64 ``(N,)``."""
    if isinstance(lengths, Tensor):
        lengths = check_not_meta("lengths", check_tensor("lengths", lengths, ("...",))).tolist()
    try:
        numbers = np.array(lengths)
    except (TypeError, ValueError, RuntimeError):  # such as rows of different lengths
        numbers = np.array(None)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"lengths must be one row of numbers, got {shown(lengths)}")
    if numbers.ndim != 1 or not ((numbers >= 0) & (numbers < np.inf)).all():
        raise ValueError("lengths must be one row of numbers from 0 up")
    return torch.from_numpy(numbers.astype(np.float64))
