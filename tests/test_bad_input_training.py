"""Bad input for the base, for training and for weights on disk; see ``bad_input``."""

import io
import math
import os
import re
import tempfile
from numbers import Real
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from bad_input import (
    BOOLEANS,
    FLOATS,
    INTEGERS,
    Entry,
    Kind,
    Law,
    anything,
    flag,
    function,
    instance,
    integer,
    number,
    optional,
    size,
    tensor,
    text,
)
from helpers import checks
from helpers.layers import (
    PositionalEncoding,
)
from helpers.modes import evaluation_mode
from helpers.progress import progress_bar
from helpers.seeding import seed_everything, set_threads
from helpers.training import evaluate, fit, paper_schedule, predict, train
from helpers.weights import load_weights, save_weights
from right_answers import (
    FLOAT,
    B,
    D,
    T,
    V,
    allowed,
    equals,
    ids,
    made,
    numbers,
)

MODULES = ["checks", "seeding", "modes", "progress", "weights", "training"]

ANY_DTYPE = (*FLOATS, *INTEGERS, *BOOLEANS, torch.uint8, torch.complex64)
PATH = instance(str, os.PathLike)


@pytest.fixture(autouse=True, scope="module")
def _elsewhere(tmp_path_factory):
    """A text that is taken for a path must not become a file of the project."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("bad_input"))
    yield
    os.chdir(before)


def is_given(name):
    def check(result, given):
        assert result is given[name] or result == given[name]

    return check


def checked(name, check, value, kind, *args, right=None):
    """A check of ``helpers.checks``: only the value comes from a reader."""
    return Entry(
        f"checks.{name}",
        lambda: (lambda value: check("value", value, *args), {"value": value()}),
        {"value": kind},
        right or is_given("value"),
    )


def is_itself(result, given):
    assert result is given["value"]


def is_as_float(result, given):
    value = given["value"]
    if isinstance(value, bool) or not isinstance(value, Real):
        assert math.isnan(result)
    elif isinstance(value, int) and abs(value) > 10**308:
        assert result == (math.inf if value > 0 else -math.inf)
    else:
        assert_close(result, float(value), equal_nan=True)


def is_close(result, given):
    assert_close(result, float(given["value"]))


def sizes_fit(result, given):
    assert given["ninp"] % 2 == given["ninp"] % given["nhead"] == 0


def is_that_path(result, given):
    assert result == Path(given["value"])


def is_finite(result, given):
    assert result is given["value"]
    assert result.isfinite().all()


def are_ids(result, given):
    assert result is given["value"]
    assert 0 <= result.min() <= result.max() < V


def entered(model):
    """Return the mode of a model inside and after evaluation_mode."""
    with evaluation_mode(model):
        inside = model.training
    return inside, model.training


def closed_bar(description):
    """Count to three behind a bar."""
    with progress_bar(description, total=3, file=io.StringIO()) as bar:
        bar.update(3)
    return 3


THREADS = Kind(
    "digits of a number from 1 to 1024",
    lambda value: re.fullmatch("0*[0-9]{1,4}", str(value)) and 1 <= int(str(value)) <= 1024,
)


def threads(COURSE_THREADS):
    """Call set_threads with this text in the environment, and put everything back."""
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {"COURSE_THREADS": str(COURSE_THREADS)})
        try:
            return set_threads()
        finally:
            torch.set_num_threads(before)


LIKE = torch.zeros(3)
BASE = [
    checked("check_int", checks.check_int, lambda: 3, integer(1, 2**63 - 1)),
    checked(
        "check_in_range", checks.check_in_range, lambda: 3.0, number(0, 7), 0, 7, right=is_close
    ),
    Entry(
        "checks.as_float",
        lambda: (checks.as_float, {"value": 3}),
        {"value": anything()},
        is_as_float,
    ),
    checked("check_flag", checks.check_flag, lambda: True, flag()),
    checked(
        "check_generator",
        checks.check_generator,
        torch.Generator,
        optional(instance(torch.Generator)),
    ),
    checked("check_module", checks.check_module, nn.Identity, instance(nn.Module)),
    checked("check_path", checks.check_path, lambda: Path("a"), PATH, right=is_that_path),
    checked(
        "check_tensor",
        checks.check_tensor,
        lambda: numbers(2, 3),
        tensor("A", 3, dtype=ANY_DTYPE),
        ("A", 3),
        right=is_itself,
    ),
    checked(
        "check_floats",
        checks.check_floats,
        lambda: numbers(2, 3),
        tensor("A", 3, dtype=FLOAT),
        ("A", 3),
        LIKE,
        right=is_itself,
    ),
    checked(
        "check_device",
        lambda name, value: checks.check_device(
            name, checks.check_tensor(name, value, ("...",)), LIKE, "the weights"
        ),
        lambda: numbers(2, 3),
        tensor("...", dtype=ANY_DTYPE),
        right=is_itself,
    ),
    checked(
        "check_not_meta",
        lambda name, value: checks.check_not_meta(name, checks.check_tensor(name, value, ("...",))),
        lambda: numbers(2, 3),
        tensor("...", dtype=ANY_DTYPE),
        right=is_itself,
    ),
    checked(
        "check_finite",
        lambda name, value: checks.check_finite(name, checks.check_tensor(name, value, ("...",))),
        lambda: numbers(2, 3),
        tensor("...", dtype=ANY_DTYPE),
        right=is_finite,
    ),
    checked(
        "check_ids",
        checks.check_ids,
        lambda: ids(2, 3),
        tensor("B", "T", dtype=INTEGERS),
        V,
        LIKE,
        right=are_ids,
    ),
    checked(
        "check_mask",
        checks.check_mask,
        lambda: allowed(2, 3),
        tensor(2, 3, dtype=BOOLEANS),
        (2, 3),
        LIKE,
        right=is_itself,
    ),
    Entry(
        "checks.check_sizes",
        lambda: (
            lambda ninp, nhead, nlayers: checks.check_sizes(ninp, nhead, nlayers=nlayers),
            {"ninp": 6, "nhead": 3, "nlayers": 2},
        ),
        dict.fromkeys(("ninp", "nhead", "nlayers"), integer(1, 2**63 - 1)),
        sizes_fit,
    ),
    Entry(
        "checks.shown",
        lambda: (checks.shown, {"value": 3}),
        {"value": anything()},
        lambda result, given: None if len(result) <= 60 and "\n" not in result else 1 / 0,
    ),
    Entry(
        "seeding.seed_everything",
        lambda: (seed_everything, {"seed": 3}),
        {"seed": integer(0, 2**32 - 1)},
        lambda result, given: assert_close(result.initial_seed(), int(given["seed"])),
    ),
    Entry(
        "seeding.set_threads",
        lambda: (threads, {"COURSE_THREADS": "1"}),
        {"COURSE_THREADS": THREADS},
        lambda result, given: assert_close(result, int(given["COURSE_THREADS"])),
        extra={
            "COURSE_THREADS": {
                "zeros": lambda: "000",
                "leading zeros": lambda: "0003",
                "too many": lambda: "1025",
                "10,000 digits": lambda: "9" * 10_000,
                "a power": lambda: "²",
            }
        },
    ),
    Entry(
        "modes.evaluation_mode",
        lambda: (entered, {"model": nn.Dropout()}),
        {"model": instance(nn.Module)},
        lambda result, given: None if result == (False, True) else 1 / 0,
    ),
    Entry(
        "progress.progress_bar",
        lambda: (closed_bar, {"description": "training"}),
        {"description": text()},
        lambda result, given: None if result == 3 else 1 / 0,
    ),
]


def stored(given):
    model = nn.Linear(3, 2)
    load_weights(model, given["path"])
    assert torch.equal(model.weight, made(nn.Linear, 3, 2).weight)


def saved():
    folder = Path(tempfile.mkdtemp(dir="."))
    save_weights(made(nn.Linear, 3, 2), folder / "weights")
    return {"model": nn.Linear(3, 2), "path": str(folder / "weights")}


def learning(**more):
    """The arguments of one pass of a small model."""
    model = made(nn.Linear, 3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return {
        "model": model,
        "optimizer": optimizer,
        "loss_fn": F.cross_entropy,
        "scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
        "max_norm": 0.5,
    } | more


def batches():
    return [(numbers(5, 3), torch.tensor([0, 1, 1, 0, 1])), (numbers(2, 3), torch.tensor([1, 0]))]


def learned(result, given):
    losses = result.train_loss if hasattr(result, "train_loss") else [result]
    assert all(0 < loss < 10 for loss in losses)
    assert all(values.isfinite().all() for values in given["model"].parameters())


LEARNING = {
    "model": instance(nn.Module),
    "optimizer": instance(torch.optim.Optimizer),
    "loss_fn": optional(function()),
    "scheduler": optional(instance(torch.optim.lr_scheduler.LRScheduler)),
    "max_norm": optional(
        Kind(
            "a number above 0",
            lambda value: number(0, math.inf).takes(value) and value > 0,
        )
    ),
}
TRAINING = [
    Entry(
        "weights.save_weights",
        lambda: (save_weights, saved() | {"model": made(nn.Linear, 3, 2)}),
        {"model": instance(nn.Module), "path": PATH},
        lambda result, given: stored(given) if isinstance(given["model"], nn.Linear) else None,
        raises=(OSError,),
    ),
    Entry(
        "weights.load_weights",
        lambda: (load_weights, saved()),
        {"model": instance(nn.Module), "path": PATH},
        lambda result, given: assert_close(given["model"].weight, made(nn.Linear, 3, 2).weight),
        raises=(OSError,),
    ),
    Entry(
        "training.train",
        lambda: (train, learning(batches=batches())),
        LEARNING | {"batches": anything()},
        learned,
        names=("batch", "targets", "logits"),
    ),
    Entry(
        "training.fit",
        lambda: (
            fit,
            learning(
                make_batches=lambda epoch: batches(), epochs=2, validation=batches, patience=3
            ),
        ),
        LEARNING
        | {
            "make_batches": function(),
            "epochs": size(),
            "validation": optional(function()),
            "patience": optional(integer(1, 2**63 - 1)),
        },
        learned,
        names=("batches",),
    ),
    Entry(
        "training.evaluate",
        lambda: (
            evaluate,
            {"model": made(nn.Linear, 3, 2), "batches": batches(), "loss_fn": F.cross_entropy},
        ),
        {
            "model": instance(nn.Module),
            "batches": anything(),
            "loss_fn": optional(function()),
        },
        lambda result, given: None if 0 < result.loss < 10 and result.accuracy <= 1 else 1 / 0,
        names=("batch", "targets", "logits"),
    ),
    Entry(
        "training.predict",
        lambda: (
            lambda model, x: predict(model, x),
            {"model": made(PositionalEncoding, D), "x": numbers(B, T, D)},
        ),
        {"model": instance(nn.Module), "x": anything()},
        lambda result, given: (
            None
            if result is None
            else assert_close(result, made(PositionalEncoding, D)(given["x"]), equal_nan=True)
        ),
    ),
    Entry(
        "training.paper_schedule",
        lambda: (paper_schedule, {"step": 3, "d_model": 7, "warmup": 5}),
        dict.fromkeys(("step", "d_model", "warmup"), integer(1, 2**63 - 1)),
        equals(
            lambda step, d_model, warmup: math.exp(
                -0.5 * math.log(d_model)
                + min(-0.5 * math.log(step), math.log(step) - 1.5 * math.log(warmup))
            )
        ),
    ),
]

ENTRIES = [*BASE, *TRAINING]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 60
