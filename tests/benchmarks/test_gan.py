"""The benchmark of GANs: contestants with the same rules, a page that says what was found."""

import itertools
import json

import numpy as np
import pytest
import torch

from benchmarks.gan import duel
from benchmarks.gan.players import CONTESTANTS
from helpers.running import seed_everything
from helpers.vision import DigitClassifier
from helpers.weights import save_weights

COUNT = 131  # a prime that no batch size divides


def weights(module):
    return [p.detach().clone() for p in module.parameters() if p.dim() > 1]


@pytest.mark.parametrize("name", CONTESTANTS)
def test_one_step_changes_both_players(name):
    draws = seed_everything(3)
    players = CONTESTANTS[name](draws)
    both = players.generator, players.discriminator
    before = [weights(player) for player in both]
    players.step(torch.rand(7, 1, 28, 28, generator=draws))
    for old, player in zip(before, both, strict=True):
        assert all((a != b).any() for a, b in zip(old, weights(player), strict=True))


@pytest.mark.parametrize("name", CONTESTANTS)
def test_pictures_are_digits_in_size_and_range(name):
    made = CONTESTANTS[name](seed_everything(3)).pictures(COUNT)
    assert made.shape == (COUNT, 1, 28, 28)
    assert not made.requires_grad
    assert 0 <= made.min() < 0.5 < made.max() <= 1


def test_play_stops_at_its_time_and_returns_plain_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(duel, "MADE", COUNT)
    # Read before and after a step, so that each takes half a second.
    clock = itertools.count(step=0.5)
    monkeypatch.setattr(duel.time, "process_time", clock.__next__)
    save_weights(DigitClassifier(), tmp_path / "judge")
    run = duel.play("perceptron", 3, 3.7, 2, str(tmp_path / "judge"))
    assert (run["seconds"], run["steps"]) == (4.0, 8)
    assert len(run["curve"]) == 2
    assert run["curve"][-1] == run["distance"]
    assert sum(run["shares"]) == pytest.approx(1)
    assert json.loads(json.dumps(run)) == run


def test_packed_pictures_come_back():
    pictures = torch.arange(2 * 28 * 28).reshape(2, 1, 28, 28) % 256 / 255
    expected = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256
    assert (duel.unpack(duel.pack(pictures)) == expected).all()
