"""What each idea in the best classifier of reviews buys: one Transformer, one change at a time.

Scope: the recipe of ``ngrams`` and its changes, cross-validated on the
training part of the reviews alone, of which every second one is taken to save time. These 10,000
are cut into four contiguous blocks; three of them serve for validation in turn, the rest for
training, with the block's number as the seed. The last row is not a change of the recipe but of the
test: the same reviews shuffled before they are cut.

One thread each, two trainings side by side. Finding and weighing the runs is not in the seconds:
changes that share them share that work.
"""

import statistics
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from benchmarks.jobs import Job, run_jobs
from benchmarks.report import spread, table
from benchmarks.sentiment.ngrams import Recipe, prepare, train_prepared
from helpers.data import contiguous_folds, load_imdb, tokenize

BLOCKS, VALIDATED = 4, 3
EVERY, QUICK_EVERY = 2, 20  # one review of so many
QUICK = 3  # changes tried
BASE = "the recipe"
# What is changed, in the words of the table -> the recipe then.
CHANGES = {
    BASE: Recipe(),
    "truncation: last 128 words instead of 512": Recipe(last=128),
    "pooling: mean alone": Recipe(maximum=False),
    "word dropout: none instead of 0.5": Recipe(word_dropout=0.0),
    "width: 16 instead of 64": Recipe(width=16),
    "depth: two layers instead of one": Recipe(layers=2),
    "depth: no layer, so no attention": Recipe(layers=0),
    "position: sines added, times 0.3": Recipe(position_scale=0.3),
    "no vector that all words share": Recipe(everywhere=False),
    "runs: words and pairs, no triples": Recipe(longest=2),
    "runs: words alone": Recipe(longest=1),
    "ratios: none, every run weighs 1": Recipe(ratios="none"),
    "ratios: the review itself counted, too": Recipe(ratios="all"),
}
SHUFFLED = "split: shuffled instead of by position"


def validate(changes: dict[str, dict], block: int, shuffled: bool, every: int) -> dict:
    """Train by each recipe on three blocks, and test on the one that is left."""
    data = load_imdb()
    texts, labels = data.train_texts[::every], np.array(data.train_labels[::every])
    places = np.arange(len(texts))
    if shuffled:
        places = torch.randperm(len(texts), generator=torch.Generator().manual_seed(0)).numpy()
    blocks = [places[part] for part in contiguous_folds(labels[places].tolist(), BLOCKS)]
    held_out = blocks.pop(block)
    fitting = np.sort(np.concatenate(blocks))
    training, validation = ([tokenize(texts[i]) for i in part] for part in (fitting, held_out))
    own_labels = labels[fitting].tolist()

    found, before = {}, None
    for name, change in changes.items():
        recipe = Recipe(**change)
        if before != (wanted := (recipe.longest, recipe.min_texts, recipe.ratios)):
            prepared, before = prepare(training, own_labels, recipe), wanted
        start = perf_counter()
        fitted = train_prepared(prepared, own_labels, block, recipe)
        seconds = perf_counter() - start
        right = (fitted.score(validation) > 0) == labels[held_out]
        found[name] = {
            "accuracy": right.mean().item(),
            "seconds": seconds,
            "parameters": fitted.parameters,
        }
    return found


def measure(quick: bool) -> dict:
    """Validate every change on the same blocks, in parts of about equal length."""
    every, blocks = (QUICK_EVERY, 1) if quick else (EVERY, VALIDATED)
    changes = {name: asdict(recipe) for name, recipe in CHANGES.items()}
    names = list(changes)[:QUICK] if quick else list(changes)
    parts = [(names[: len(names) // 2], False), (names[len(names) // 2 :], False)]
    parts.append(([BASE], True))
    jobs = [
        Job(
            validate,
            {
                "changes": {name: changes[name] for name in part},
                "block": block,
                "shuffled": shuffled,
                "every": every,
            },
        )
        for part, shuffled in parts
        for block in range(blocks)
    ]
    done = iter(run_jobs(jobs, side_by_side=2))
    rows: dict[str, list[dict]] = {}
    for part, shuffled in parts:
        for found in (next(done) for _ in range(blocks)):
            for name in part:
                rows.setdefault(SHUFFLED if shuffled else name, []).append(found[name])
    return {"rows": rows}


def tell(results: dict, folder: Path) -> str:
    """Return the section of the page."""
    rows = results["rows"]
    base = rows[BASE]
    points = partial(spread, digits=2)
    lines = []
    for name, runs in rows.items():
        pairs = zip(runs, base, strict=True)
        changes = [100 * (run["accuracy"] - own["accuracy"]) for run, own in pairs]
        lines.append(
            [
                name,
                points([100 * run["accuracy"] for run in runs]),
                "" if name == BASE else points(changes),
                spread([run["seconds"] for run in runs], 0),
                f"{statistics.mean(run['parameters'] for run in runs):,.0f}",
            ]
        )
    header = ("", "accuracy (%)", "change (points)", "training (s)", "parameters")
    return f"""## Sentiment: what each idea buys

One Transformer on weighed runs, cross-validated inside the training part, of which one review in
{EVERY} is taken, in a quick run one in {QUICK_EVERY}.
Blocks validated on: {len(base)}, each with its own number as the seed, from 0. Means, ± the
standard deviation over the blocks; the change is taken block by block, so that what makes a block
hard does not count (shuffled blocks are others). The seconds leave out finding and weighing the
runs.

{table(header, lines)}
"""
