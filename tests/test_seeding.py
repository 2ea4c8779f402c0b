"""Seeds and threads."""

import random

import numpy as np
import pytest
import torch

from helpers.seeding import seed_everything, set_threads


@pytest.fixture(autouse=True)
def settings_restored():
    threads, torch_state = torch.get_num_threads(), torch.get_rng_state()
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(torch_state)
    random.setstate(python_state)
    np.random.set_state(numpy_state)  # noqa: NPY002


def test_one_thread_is_the_default(monkeypatch):
    monkeypatch.delenv("COURSE_THREADS", raising=False)
    torch.set_num_threads(2)
    assert set_threads() == 1
    assert torch.get_num_threads() == 1


def test_the_environment_may_ask_for_more(monkeypatch):
    monkeypatch.setenv("COURSE_THREADS", "3")
    assert set_threads() == 3
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5", "", "²"])
def test_a_thread_count_must_be_a_positive_integer(monkeypatch, asked):
    monkeypatch.setenv("COURSE_THREADS", asked)
    with pytest.raises(ValueError, match="COURSE_THREADS must be a positive integer, got "):
        set_threads()


def draw():
    return random.random(), np.random.random(), torch.rand(()).item()  # noqa: NPY002


def test_the_same_seed_repeats_all_three_libraries():
    seed_everything(7)
    first = draw()
    seed_everything(7)
    assert draw() == first
    seed_everything(8)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_the_generator_is_seeded_and_independent_of_the_global_one():
    generator = seed_everything(7)
    expected = torch.rand(5, generator=torch.Generator().manual_seed(7))
    torch.rand(11)  # what a model draws does not move the data
    assert torch.equal(torch.rand(5, generator=generator), expected)
    torch.manual_seed(7)
    after = torch.rand(())
    seed_everything(7)
    assert torch.rand(()) == after  # and making the generator does not move the model


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_outside_the_range_of_numpy_is_turned_away(seed):
    with pytest.raises(ValueError, match=rf"seed must be (at least 0|below 2\*\*32), got {seed}"):
        seed_everything(seed)


def test_a_seed_is_an_integer():
    assert seed_everything(2**32 - 1).initial_seed() == 2**32 - 1
    with pytest.raises(TypeError, match=r"seed must be an integer, got 7\.0"):
        seed_everything(7.0)
