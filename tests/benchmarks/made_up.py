"""What the tests of the benchmarks work with: made-up reviews, and the published figures."""

import json

import numpy as np

from benchmarks.__main__ import PUBLISHED

FILLERS = ("film", "plot", "scene", "actor", "music", "ending", "it", "was", "the")


def texts_for(labels: list[int], seed: int) -> list[list[str]]:
    """Make a text for each label: 5 to 29 fillers, with "good" or "bad" at three places."""
    draws, texts = np.random.default_rng(seed), []
    for label in labels:
        words = [str(word) for word in draws.choice(FILLERS, draws.integers(5, 30))]
        for place in draws.integers(0, len(words), 3):
            words.insert(place, "good" if label else "bad")
        texts.append(words)
    return texts


def published(subject: str) -> dict:
    """Return the results that the published page of a subject was written from."""
    return json.loads((PUBLISHED / f"{subject}.json").read_text("utf-8"))["results"]
