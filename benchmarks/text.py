"""From raw text to batches: the course's way beside the way of the notes that it grew out of.

The course's way is lesson 04's: tokenise every review once, number the 10,000 most frequent words,
encode, keep the last 400 ids, then batches of 64 reviews of similar length in every epoch.

The notes' way is their class ``IMDBDataset``, written afresh because it stopped with an error
(lesson 04 shows it): one pass over all texts for the vocabulary, then every access tokenises its
review again; a ``DataLoader`` shuffles and pads. Their batches hold 8 whole reviews. So that
neither the size of a batch nor the cut is what is compared, the same also runs with 64 reviews and
with the last 400 ids. In their favour, the vocabulary is the course's, in a plain dictionary.

Both start from the training part of the reviews in memory, in a process of one thread.
"""

import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset
from torchtext.data.utils import get_tokenizer

from benchmarks.jobs import Job, run_jobs
from benchmarks.report import spread, table
from helpers.data import (
    Vocabulary,
    build_vocabulary,
    encode,
    load_imdb,
    text_batches,
    tokenize,
    truncate,
)

VOCABULARY, KEPT, BATCH = 10_000, 400, 64  # lesson 04
MEASURED_EPOCHS = 2
WANTED_RATIO, MOST_PADDING = 10, 0.05

COURSE = f"course: {BATCH} reviews, last {KEPT} ids, buckets"
# Name -> reviews in a batch, and how many ids of each are kept.
NOTES = {
    "notes: 8 whole reviews": (8, None),
    f"notes: {BATCH} whole reviews": (BATCH, None),
    f"notes: {BATCH} reviews, last {KEPT} ids": (BATCH, KEPT),
}
PARTS = ("tokenise", "count", "encode")  # of the course's preparation
# Name -> how often the texts are prepared, and how many epochs of batches follow.
SPANS = {
    "a further epoch": (0, 1),
    "1 epoch": (1, 1),
    "3 epochs (lesson 04)": (1, 3),
    "5 epochs (notes)": (1, 5),
}

Batches = Iterable[tuple[Tensor, Tensor, Tensor]]  # ids (B, T), lengths or mask, labels (B,)


class NotesDataset(Dataset):
    """Reviews that are tokenised on every access."""

    def __init__(
        self, texts: list[str], labels: list[int], vocab: Vocabulary, kept: int | None = None
    ) -> None:
        self.texts, self.labels, self.kept = texts, labels, kept
        self.tokenizer = get_tokenizer("basic_english")
        self.ids = {token: index for index, token in enumerate(vocab.tokens)}

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        ids = [self.ids.get(t, Vocabulary.unk_id) for t in self.tokenizer(self.texts[index])]
        return torch.tensor(ids[-self.kept :] if self.kept else ids), self.labels[index]


def collate(batch: list[tuple[Tensor, int]], *, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pad reviews to the length of the longest; return ids, lengths and labels."""
    rows, labels = zip(*batch, strict=True)
    lengths = torch.tensor([len(row) for row in rows])
    ids = pad_sequence(rows, batch_first=True, padding_value=pad_id)  # (B, T)
    return ids, lengths, torch.tensor(labels)


def notes_batches(dataset: NotesDataset, batch_size: int, pad_id: int, seed: int) -> Batches:
    """Return a loader over the reviews in random order, as the notes make it."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=True,
        collate_fn=partial(collate, pad_id=pad_id),
        generator=torch.Generator().manual_seed(seed),
    )


def timed_epochs(make_batches: Callable[[], Batches]) -> dict[str, float]:
    """Go through the batches several times: seconds an epoch, and the share without a token."""
    seconds, slots, counted = 0.0, 0, []
    for _ in range(MEASURED_EPOCHS):
        start = time.perf_counter()
        for ids, lengths_or_mask, _ in make_batches():
            slots += ids.numel()
            counted.append(lengths_or_mask)
        seconds += time.perf_counter() - start
    tokens = sum(int(part.sum()) for part in counted)
    return {"epoch": seconds / MEASURED_EPOCHS, "padding": 1 - tokens / slots}


def sample(reviews: int) -> tuple[list[str], list[int]]:
    """Return the middle of the training part, where the negative reviews meet the positive."""
    data = load_imdb()
    start = (len(data.train_texts) - reviews) // 2
    chosen = slice(start, start + reviews)
    return data.train_texts[chosen], data.train_labels[chosen]


def course_ids(texts: list[str]) -> tuple[Vocabulary, list[np.ndarray], dict[str, float]]:
    """Prepare the texts as lesson 04 does; return vocabulary, ids, and the seconds of `PARTS`."""
    clock = [time.perf_counter()]
    tokens = [tokenize(text) for text in texts]
    clock.append(time.perf_counter())
    vocab = build_vocabulary(tokens, max_size=VOCABULARY)
    clock.append(time.perf_counter())
    ids = [np.array(truncate(encode(row, vocab), KEPT)) for row in tokens]
    clock.append(time.perf_counter())
    return vocab, ids, dict(zip(PARTS, (b - a for a, b in pairwise(clock)), strict=True))


def course_way(reviews: int, seed: int) -> dict:
    """Prepare and go through the reviews as lesson 04 does."""
    texts, labels = sample(reviews)
    vocab, ids, parts = course_ids(texts)
    generator = torch.Generator().manual_seed(seed)
    measured = timed_epochs(
        lambda: text_batches(ids, labels, BATCH, pad_id=vocab.pad_id, generator=generator)
    )
    return {"preparation": sum(parts.values()), "parts": parts, "ways": {COURSE: measured}}


def notes_way(reviews: int, seed: int) -> dict:
    """Build the vocabulary and go through the reviews as the notes do, in each of `NOTES`."""
    texts, labels = sample(reviews)
    start = time.perf_counter()
    vocab = build_vocabulary(map(get_tokenizer("basic_english"), texts), max_size=VOCABULARY)
    preparation = time.perf_counter() - start
    ways = {}
    for name, (batch_size, kept) in NOTES.items():
        dataset = NotesDataset(texts, labels, vocab, kept=kept)
        loader = notes_batches(dataset, batch_size, vocab.pad_id, seed)
        ways[name] = timed_epochs(partial(iter, loader))
    return {"preparation": preparation, "ways": ways}


def measure(quick: bool) -> dict:
    """Measure both ways, alternating, each in a process of its own."""
    reviews, repetitions = (2_000, 1) if quick else (20_000, 3)
    arguments = [{"reviews": reviews, "seed": seed} for seed in range(repetitions)]
    done = run_jobs([Job(way, each) for each in arguments for way in (course_way, notes_way)])
    return {"reviews": reviews, "course": done[::2], "notes": done[1::2]}


def tell(results: dict, folder: Path) -> str:
    """Describe what `measure` found."""
    reviews, course, notes = (results[name] for name in ("reviews", "course", "notes"))
    runs = {COURSE: course} | dict.fromkeys(NOTES, notes)
    times = [
        [way, *(spread(ratios(course, notes, way, span), 1) for span in SPANS)] for way in NOTES
    ]
    return "\n\n".join(
        [
            "## Text",
            f"{reviews:,} reviews from raw text to batches on one thread; repetitions: "
            f"{len(course)}, epochs in each: {MEASURED_EPOCHS}.",
            _costs(runs),
            "Reviews per second, computed from these times. A further epoch is one of batches "
            "alone; the others include the preparation.",
            _rates(runs, reviews),
            "Reviews per second of the course's way, divided by those of the notes':",
            table(["against", *SPANS], times),
            "\n".join(_reached(way, course, notes) for way in NOTES),
            _padding(course),
        ]
    )


def duration(run: dict, way: str, span: str) -> float:
    """Return how long a way takes for a span."""
    preparations, epochs = SPANS[span]
    return preparations * run["preparation"] + epochs * run["ways"][way]["epoch"]


def ratios(course: list[dict], notes: list[dict], way: str, span: str) -> list[float]:
    """Return how many times as fast the course's way is, for each repetition."""
    pairs = zip(notes, course, strict=True)
    return [duration(slow, way, span) / duration(fast, COURSE, span) for slow, fast in pairs]


def _costs(runs: dict[str, list[dict]]) -> str:
    rows = [
        [
            way,
            spread([run["preparation"] for run in own], 2),
            spread([run["ways"][way]["epoch"] for run in own], 2),
            spread([100 * run["ways"][way]["padding"] for run in own], 1),
            spread([run["memory"] for run in own], 2),
        ]
        for way, own in runs.items()
    ]
    header = ["way", "preparation (s)", "one epoch (s)", "padding (%)", "peak memory (GB)"]
    parts = {name: spread([run["parts"][name] for run in runs[COURSE]], 2) for name in PARTS}
    told = ", ".join(f"{name} {seconds} s" for name, seconds in parts.items())
    note = f"Of the course's preparation: {told}. The notes' ways share one process and its peak."
    return f"{table(header, rows)}\n\n{note}"


def _rates(runs: dict[str, list[dict]], reviews: int) -> str:
    def rate(run: dict, way: str, span: str) -> float:
        return SPANS[span][1] * reviews / duration(run, way, span)

    rows = [
        [way, *(spread([rate(run, way, span) for run in own], 0) for span in SPANS)]
        for way, own in runs.items()
    ]
    return table(["way", *SPANS], rows)


def epochs_to_reach(ratio: float, fast: dict, slow: dict, way: str) -> float:
    """Return after how many epochs, preparation included, the course is so many times as fast."""
    gained = slow["ways"][way]["epoch"] - ratio * fast["ways"][COURSE]["epoch"]
    missing = ratio * fast["preparation"] - slow["preparation"]
    return max(1, math.ceil(missing / gained)) if gained > 0 else math.inf


def _reached(way: str, course: list[dict], notes: list[dict]) -> str:
    """Say what the wanted ratio holds for, in the worst repetition."""
    least = min(ratios(course, notes, way, "a further epoch"))
    pairs = zip(course, notes, strict=True)
    epochs = max(epochs_to_reach(WANTED_RATIO, fast, slow, way) for fast, slow in pairs)
    when = "never" if math.isinf(epochs) else f"over {epochs} epochs or more"
    verdict = "reached" if least >= WANTED_RATIO else "missed"
    return (
        f"- {way}: {WANTED_RATIO} times as fast is {verdict} in a further epoch, "
        f"and with the preparation {when}."
    )


def _padding(course: list[dict]) -> str:
    most = max(run["ways"][COURSE]["padding"] for run in course)
    verdict = "at most" if most <= MOST_PADDING else "more than"
    return (
        f"The course's batches are padding to {most:.1%}, {verdict} the {MOST_PADDING:.0%} meant."
    )
