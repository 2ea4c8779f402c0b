"""helpers.running: seeds, threads and the mode of a model; the bars are tested with training."""

import random
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

from helpers.running import evaluation_mode, seed_everything, set_threads


@pytest.fixture(autouse=True)
def settings_restored():
    threads, torch_state = torch.get_num_threads(), torch.get_rng_state()
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(torch_state)
    random.setstate(python_state)
    np.random.set_state(numpy_state)  # noqa: NPY002


@pytest.mark.parametrize(("asked", "threads"), [({}, 1), ({"COURSE_THREADS": "003"}, 3)])
def test_one_thread_is_the_default_and_the_environment_may_ask_for_more(
    monkeypatch, asked, threads
):
    monkeypatch.delenv("COURSE_THREADS", raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    torch.set_num_threads(2)
    assert set_threads() == torch.get_num_threads() == threads


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5", "", "²", "1025"])
def test_a_thread_count_is_an_integer_up_to_1024(monkeypatch, asked):
    monkeypatch.setenv("COURSE_THREADS", asked)
    sentence = f"^COURSE_THREADS must be an integer from 1 to 1024, got '{asked}'$"
    with pytest.raises(ValueError, match=sentence):
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


def test_the_generator_is_independent_of_the_global_one():
    generator = seed_everything(7)
    after = torch.rand(11)  # what a model draws does not move the data
    expected = torch.rand(5, generator=torch.Generator().manual_seed(7))
    assert torch.equal(torch.rand(5, generator=generator), expected)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(11), after)  # and making the generator does not move the model


def test_the_largest_seed_is_that_of_numpy():
    assert seed_everything(2**32 - 1).initial_seed() == 2**32 - 1


@pytest.mark.parametrize("fail", [True, False])
def test_evaluation_is_left_as_it_was_entered_part_by_part(fail):
    model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    with suppress(KeyError), evaluation_mode(model):
        assert not any(part.training for part in model.modules())
        if fail:
            raise KeyError
    assert [part.training for part in model.modules()] == [True, True, False]
