"""What a reader gets wrong outside the topics' folders, and the sentence that answers."""

import math
import re
from datetime import date
from decimal import Decimal

import pytest
import torch
from torch import nn

from helpers.loan import (
    exact_balance,
    exact_months,
    exact_payment,
    payment_date,
    payment_for_term,
    schedule,
    to_cents,
)
from helpers.running import evaluation_mode, progress_bar, seed_everything
from helpers.training import evaluate, fit, paper_schedule, predict, train
from helpers.weights import load_weights, save_weights

B, D, C = 11, 5, 3
x, y = torch.zeros(B, D), torch.ones(B, dtype=torch.int64)
model, other = nn.Linear(D, C), nn.Linear(D, C)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def learn(**changes):
    given = {"make_batches": lambda epoch: [(x, y)], "optimizer": optimizer, "epochs": 1}
    return fit(model, **(given | changes))


def each_with(*batches, model=model):
    """Calls that go through these batches: made by a generator, which beartype does not look at."""
    return [
        lambda: train(model, iter(batches), optimizer),
        lambda: evaluate(model, iter(batches)),
        lambda: fit(model, lambda epoch: iter(batches), optimizer, epochs=1),
    ]


class Two(nn.Linear):
    def forward(self, x):
        return x, x


two = Two(D, C)
two.weight = model.weight

BATCHES = {
    "batches must hold at least one batch (a generator can be walked only once), got 0": [
        *each_with(),
        lambda: learn(validation=list),
    ],
    "logits of batch 1 must have the shape of the targets (7,) and one axis of classes, "
    "got (11, 3)": each_with((x, y[:7])),
    "logits of batch 1 must have the shape of the targets (11, 1) and one axis of classes, "
    "got (11, 3)": each_with((x, y.unsqueeze(1))),
    "targets of batch 2 must lie in 0..2, got 3": each_with((x, y), (x, y * 3)),
    "targets of batch 1 must lie in 0..2, got -1": each_with((x, -y)),
    "targets of batch 1 must hold at least one number, got (0,)": [
        *each_with((x, y * -100)),
        *each_with((x[:0], y[:0])),
    ],
}
BATCH_KINDS = {
    "batch 1 must be a tuple (*inputs, targets), got tensor([[0., 0., 0., 0., 0.], [0., 0., 0., "
    "0., 0.], [0., ...": each_with(x),
    "batch 2 must be a tuple (*inputs, targets), got (tensor([1]),)": each_with((x, y), (y[:1],)),
    "targets of batch 1 must be an int64 tensor, got torch.float32": each_with((x, y.float())),
    "targets of batch 1 must be an int64 tensor, got [1]": each_with((x, [1])),
    "model must return logits as a tensor, got 'tuple'": each_with((x, y), model=two),
    "batches must be of type Iterable, got 7": [
        lambda: train(model, 7, optimizer),
        lambda: evaluate(model, 7),
    ],
}
KINDS = {
    "seed must be an integer, got 7.0": [lambda: seed_everything(7.0)],
    "description must be a text, got 7": [lambda: progress_bar(7)],
    "model must be of type Module, got 'model'": [
        lambda: evaluation_mode("model").__enter__(),
        lambda: train("model", [(x, y)], optimizer),
        lambda: evaluate("model", [(x, y)]),
        lambda: predict("model", x),
        lambda: save_weights("model", "path"),
        lambda: load_weights("model", "path"),
    ],
    "path must be a text or of type PathLike, got 3": [
        lambda: save_weights(model, 3),
        lambda: load_weights(model, 3),
    ],
    "optimizer must be of type Optimizer, got 0.1": [
        lambda: learn(optimizer=0.1),
        lambda: train(model, [(x, y)], 0.1),
    ],
    "make_batches must be of type Callable, got []": [lambda: learn(make_batches=[])],
    "validation must be of type Callable, got []": [lambda: learn(validation=[])],
    "scheduler must be of type LRScheduler, got 0.1": [lambda: learn(scheduler=0.1)],
    "loss_fn must be of type Callable, got 'mse'": [
        lambda: learn(loss_fn="mse"),
        lambda: evaluate(model, [(x, y)], loss_fn="mse"),
    ],
    "loss_fn must return a tensor with one number, shape (), got (11,)": [
        lambda: learn(loss_fn=nn.CrossEntropyLoss(reduction="none")),
        lambda: evaluate(model, [(x, y)], loss_fn=nn.CrossEntropyLoss(reduction="none")),
    ],
    "loss_fn must return a tensor with one number, shape (), got 0.5": [
        lambda: learn(loss_fn=lambda logits, targets: 0.5),
    ],
    "epochs must be an integer, got 1.5": [lambda: learn(epochs=1.5)],
    "max_norm must be a number, got '1'": [lambda: learn(max_norm="1")],
}
RANGES = {
    "seed must be at least 0, got -1": [lambda: seed_everything(-1)],
    "seed must be below 2**32, got 4294967296": [lambda: seed_everything(2**32)],
    "optimizer must hold at least one parameter of model, got 0": [
        lambda: learn(optimizer=torch.optim.SGD(other.parameters(), lr=0.1)),
        lambda: train(other, [(x, y)], optimizer),
    ],
    "epochs must be at least 1, got 0": [lambda: learn(epochs=0)],
    "max_norm must be above 0 and finite, got 0": [
        lambda: learn(max_norm=0),
        lambda: train(model, [(x, y)], optimizer, max_norm=0),
    ],
    "max_norm must be above 0 and finite, got nan": [lambda: learn(max_norm=math.nan)],
    "patience must be at least 1, got 0": [lambda: learn(patience=0, validation=list)],
    "patience must come with validation, whose loss it watches, got 2": [
        lambda: learn(patience=2),
    ],
    "step must be at least 1, got 0": [lambda: paper_schedule(0, d_model=1, warmup=1)],
    "warmup must be at least 1, got 0": [lambda: paper_schedule(1, d_model=1, warmup=0)],
}
LOANS = {
    "principal must be from 0.000001 to 1000000000000, got 0": [
        lambda: exact_payment(0, 0.05, 120),
        lambda: exact_months(0, 0.05, 1000),
        lambda: exact_balance(0, 0.05, 1000, 7),
        lambda: payment_for_term(0, 0.05, 120),
    ],
    "principal must be from 0.01 to 1000000000000, got -7": [lambda: schedule(-7, 0.05, 1)],
    "principal must be from 0.01 to 1000000000000, got 1E+13": [
        lambda: schedule(Decimal("1E+13"), 0.05, 1),
    ],
    "principal must be finite, got nan": [lambda: exact_payment(math.nan, 0.05, 120)],
    "principal must be from 0.000001 to 1000000000000, got NaN": [
        lambda: exact_payment(Decimal("nan"), 0.05, 120),
    ],
    "principal must be from 0.000001 to 1000000000000, got sNaN": [
        lambda: exact_payment(Decimal("snan"), 0.05, 120),
    ],
    "principal must be in whole cents (see to_cents), got 1.005": [
        lambda: schedule(1.005, 0.05, 1000),
        lambda: payment_for_term(1.005, 0.05, 12),
    ],
    "amount must be from 0 to 1000000000000, got -0.01": [lambda: to_cents(-0.01)],
    "amount must be from 0 to 1000000000000, got Infinity": [lambda: to_cents(Decimal("inf"))],
    "annual_rate must be from 0 to 1 (4.99% is written 0.0499), got 4.99": [
        lambda: schedule(1000, 4.99, 100),
        lambda: exact_payment(1000, 4.99, 120),
        lambda: exact_months(1000, 4.99, 100),
        lambda: exact_balance(1000, 4.99, 100, 7),
        lambda: payment_for_term(1000, 4.99, 120),
    ],
    "annual_rate must be 0 or at least 0.000001, got 9E-7": [
        lambda: exact_payment(1000, Decimal("9E-7"), 120),
    ],
    "payment must be from 0.01 to 1000000000000, got 0": [lambda: schedule(1000, 0.05, 0)],
    "payment must be in whole cents (see to_cents), got 0.30000000000000004": [
        lambda: schedule(1, 0.05, 0.1 + 0.2),
    ],
    "extra must be from 0 to 1000000000000, got -1": [lambda: schedule(1, 0.05, 1, extra=-1)],
    "extra must be in whole cents (see to_cents), got 2.3333": [
        lambda: schedule(1, 0.05, 1, extra=Decimal("2.3333")),
    ],
    "annual_raise must be from 0 to 1, got 1.01": [
        lambda: schedule(1000, 0.05, 100, annual_raise=1.01),
    ],
    "lump_sums must be paid with payment 1 to 12000, got 0": [
        lambda: schedule(1000, 0.05, 100, lump_sums={0: 10}),
    ],
    "lump_sums must be paid with payment 1 to 12000, got 1.5": [
        lambda: schedule(1000, 0.05, 100, lump_sums={1: 10, 1.5: 10}),
    ],
    "lump_sums[2] must be from 0.01 to 1000000000000, got 0": [
        lambda: schedule(1000, 0.05, 100, lump_sums={2: 0}),
    ],
    "lump_sums[2] must be in whole cents (see to_cents), got 1.005": [
        lambda: schedule(1000, 0.05, 100, lump_sums={2: 1.005}),
    ],
    "months must be at least 1, got 0": [
        lambda: exact_payment(1000, 0.05, 0),
        lambda: payment_for_term(1000, 0.05, 0),
    ],
    "months must be at least 0, got -1": [lambda: exact_balance(1000, 0.05, 10, -1)],
    "months must be at most 12000, got 12001": [
        lambda: exact_payment(1000, 0.05, 12_001),
        lambda: exact_balance(1000, 0.05, 10, 12_001),
        lambda: payment_for_term(1000, 0.05, 12_001),
    ],
    "number must be at most 12000, got 12001": [lambda: payment_date(date(1, 1, 1), 12_001)],
    "year 10000 is out of range": [lambda: payment_date(date(9999, 1, 31), 13)],
}
LOAN_KINDS = {
    "principal must be a number or of type Decimal, got '30,000'": [
        lambda: schedule("30,000", 0.0499, 125),
    ],
    "annual_rate must be a number or of type Decimal, got '4.99%'": [
        lambda: exact_payment(30000, "4.99%", 120),
    ],
    "amount must be a number or of type Decimal, got True": [lambda: to_cents(True)],
    "months must be an integer, got 12.0": [lambda: exact_payment(1000, 0.05, 12.0)],
    "lump_sums must be of type Mapping, got [(1, 10)]": [
        lambda: schedule(1000, 0.05, 100, lump_sums=[(1, 10)]),
    ],
    "first must be of type date, got '2025-01-31'": [lambda: payment_date("2025-01-31", 1)],
}


@pytest.mark.parametrize(
    ("error", "sentence", "call"),
    [
        pytest.param(error, sentence, call, id=sentence)
        for error, table in (
            (ValueError, BATCHES),
            (TypeError, BATCH_KINDS),
            (TypeError, KINDS),
            (ValueError, RANGES),
            (ValueError, LOANS),
            (TypeError, LOAN_KINDS),
        )
        for sentence, calls in table.items()
        for call in calls
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, sentence, call):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()
