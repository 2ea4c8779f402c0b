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


def found(distance, rarest):
    return {"distance": distance, "confident": 0.5, "shares": [rarest] + [(1 - rarest) / 9] * 9}


def results(distances, rarest):
    """Results of two seeds a contestant, with their distances and rarest classes."""
    runs, stroke = [], torch.zeros(duel.SHOWN, 1, 28, 28)
    stroke[:, :, 4:24, 13:15] = 1.0
    for seed in range(2):
        for name in CONTESTANTS:
            run = {"contestant": name, "seed": seed, "seconds": 10.25, "steps": 1000 + 500 * seed}
            run |= found(distances[name][seed], rarest[name][seed])
            run["curve"] = [200.0, distances[name][seed]]
            runs.append(run | {"pictures": duel.pack(stroke)})
    references = {"real digits": found(2.0, 0.1), "noise": found(990.0, 0.0)}
    return {"seconds": 10, "references": references, "runs": runs}


def test_the_page_says_what_was_found(tmp_path):
    distances = {
        "lesson 05": [30.0, 50.0],
        "plain DCGAN": [10.0, 30.0],
        "perceptron": [99.0, 101.0],
    }
    rarest = {"lesson 05": [0.04, 0.04], "plain DCGAN": [0.039, 0.041], "perceptron": [0.05, 0.05]}
    page = duel.tell(results(distances, rarest), tmp_path)
    assert page.startswith("## GAN\n")
    assert "up to 0.2 s later" in page
    assert "Each was trained with the seeds 0 and 1: means" in page
    assert "| lesson 05 | 40.0 ± 14.1 | 0.50 ± 0.00 | 0.040 ± 0.000 | 2 of 2 | 1,250 |" in page
    assert "| plain DCGAN | 20.0 ± 14.1 | 0.50 ± 0.00 | 0.040 ± 0.001 | 1 of 2 | 1,250 |" in page
    assert "| noise | 990.0 | 0.50 | 0.000 | 0 of 1 |  |" in page
    assert "Lowest distance: plain DCGAN, 20.0; lesson 05 2.0 times that, perceptron 5.0" in page
    assert "All ten classes in every run: lesson 05, perceptron." in page
    assert "lesson 05 -80%, plain DCGAN -90%, perceptron -50%." in page
    assert "Smallest spread of the distance over seeds: perceptron." in page
    for picture in tmp_path.iterdir():
        assert f"({picture.name})" in page
        assert picture.stat().st_size < 100_000
    assert len(list(tmp_path.iterdir())) == 2
