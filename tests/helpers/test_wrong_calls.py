"""What a reader gets wrong outside the topics' folders, and the sentence that answers.

Written by hand. What the kind or the range in a signature refuses is made from it in `test_held`.
"""

import math
import re
from datetime import date
from decimal import Decimal
from functools import partial

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
from helpers.running import seed_everything
from helpers.training import evaluate, fit, predict, train
from helpers.weights import load_weights

x, y = torch.zeros(11, 5), torch.ones(11, dtype=torch.int64)
model, other = nn.Linear(5, 3), nn.Linear(5, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
SHAPE = "have the shape of the targets {} and one axis of classes"
EMPTY = "batches must hold at least one batch (a generator can be walked only once), got 0"
PARAMETER = "optimizer must hold at least one parameter of model"
SCALAR = "loss_fn must return a tensor with one number, shape ()"
AMOUNT, MONEY = "from 0.000001 to 1000000000000", "from 0.01 to 1000000000000"
CENTS = "in whole cents (see to_cents)"
RATE = "from 0 to 1 (4.99% is written 0.0499)"
NTH = "paid with payment 1 to 12000"


def learn(**changes):
    given = {"make_batches": lambda epoch: [(x, y)], "optimizer": optimizer, "epochs": 1}
    return fit(model, **(given | changes))


pair = nn.LSTM(5, 3)  # returns two things
each_entry = nn.CrossEntropyLoss(reduction="none")

VALUES = [
    (lambda: learn(validation=list), EMPTY),
    (lambda: train(other, [(x, y)], optimizer), f"{PARAMETER}, got 0"),
    (lambda: learn(optimizer=torch.optim.SGD(other.parameters())), f"{PARAMETER}, got 0"),
    (lambda: learn(patience=2), "patience must come with validation, whose loss it watches, got 2"),
    (lambda: learn(max_norm=math.nan), "max_norm must be above 0 and finite, got nan"),
    (lambda: seed_everything(2**32), "seed must be below 2**32, got 4294967296"),
    (lambda: exact_payment(0, 0.05, 120), f"principal must be {AMOUNT}, got 0"),
    (lambda: exact_months(0, 0.05, 1000), f"principal must be {AMOUNT}, got 0"),
    (lambda: exact_balance(0, 0.05, 1000, 7), f"principal must be {AMOUNT}, got 0"),
    (lambda: payment_for_term(0, 0.05, 120), f"principal must be {AMOUNT}, got 0"),
    (lambda: exact_months(1000, 0.05, 0), f"payment must be {AMOUNT}, got 0"),
    (lambda: exact_balance(1000, 0.05, 0, 7), f"payment must be {AMOUNT}, got 0"),
    (lambda: exact_payment(Decimal("nan"), 0.05, 120), f"principal must be {AMOUNT}, got NaN"),
    (lambda: exact_payment(Decimal("snan"), 0.05, 120), f"principal must be {AMOUNT}, got sNaN"),
    (lambda: exact_payment(math.nan, 0.05, 120), "principal must be finite, got nan"),
    (lambda: schedule(-7, 0.05, 1), f"principal must be {MONEY}, got -7"),
    (lambda: schedule(Decimal("1E+13"), 0.05, 1), f"principal must be {MONEY}, got 1E+13"),
    (lambda: schedule(1.005, 0.05, 1000), f"principal must be {CENTS}, got 1.005"),
    (lambda: payment_for_term(1.005, 0.05, 12), f"principal must be {CENTS}, got 1.005"),
    (lambda: to_cents(-0.01), "amount must be from 0 to 1000000000000, got -0.01"),
    (lambda: to_cents(Decimal("inf")), "amount must be from 0 to 1000000000000, got Infinity"),
    (lambda: schedule(1000, 4.99, 100), f"annual_rate must be {RATE}, got 4.99"),
    (lambda: exact_payment(1000, 4.99, 120), f"annual_rate must be {RATE}, got 4.99"),
    (lambda: exact_months(1000, 4.99, 100), f"annual_rate must be {RATE}, got 4.99"),
    (lambda: exact_balance(1000, 4.99, 100, 7), f"annual_rate must be {RATE}, got 4.99"),
    (lambda: payment_for_term(1000, 4.99, 120), f"annual_rate must be {RATE}, got 4.99"),
    (
        lambda: exact_payment(1000, Decimal("9E-7"), 120),
        "annual_rate must be 0 or at least 0.000001, got 9E-7",
    ),
    (lambda: schedule(1000, 0.05, 0), f"payment must be {MONEY}, got 0"),
    (lambda: schedule(1, 0.05, 0.1 + 0.2), f"payment must be {CENTS}, got 0.30000000000000004"),
    (lambda: schedule(1, 0.05, 1, extra=-1), "extra must be from 0 to 1000000000000, got -1"),
    (lambda: schedule(1, 0.05, 1, extra=2.3333), f"extra must be {CENTS}, got 2.3333"),
    (lambda: schedule(1, 0, 1, annual_raise=1.01), "annual_raise must be from 0 to 1, got 1.01"),
    (lambda: schedule(1, 0, 1, lump_sums={0: 10}), f"lump_sums must be {NTH}, got 0"),
    (lambda: schedule(1, 0, 1, lump_sums={1: 10, 1.5: 10}), f"lump_sums must be {NTH}, got 1.5"),
    (lambda: schedule(1, 0, 1, lump_sums={2: 0}), f"lump_sums[2] must be {MONEY}, got 0"),
    (lambda: schedule(1, 0, 1, lump_sums={2: 1.005}), f"lump_sums[2] must be {CENTS}, got 1.005"),
    (lambda: exact_payment(1000, 0.05, 12_001), "months must be at most 12000, got 12001"),
    (lambda: exact_balance(1000, 0.05, 10, 12_001), "months must be at most 12000, got 12001"),
    (lambda: payment_for_term(1000, 0.05, 12_001), "months must be at most 12000, got 12001"),
    (lambda: payment_date(date(1, 1, 1), 12_001), "number must be at most 12000, got 12001"),
    (lambda: payment_date(date(9999, 1, 31), 13), "year 10000 is out of range"),
]
KINDS = [
    (lambda: predict("model", x), "model must be a torch.nn.Module, got 'model'"),
    (lambda: learn(loss_fn="mse"), "loss_fn must be a function, got 'mse'"),
    (lambda: learn(loss_fn=each_entry), f"{SCALAR}, got (11,)"),
    (lambda: evaluate(model, [(x, y)], loss_fn=each_entry), f"{SCALAR}, got (11,)"),
    (lambda: learn(loss_fn=lambda logits, targets: 0.5), f"{SCALAR}, got 0.5"),
    (lambda: evaluate(pair, [(x, y)]), "model must return logits as a tensor, got 'tuple'"),
    (lambda: load_weights(model, 3), "path must be a text or of type PathLike, got 3"),
    (lambda: to_cents(True), "amount must be a number or of type Decimal, got True"),
]
DOORS = [  # through a generator: beartype does not look at what that makes
    lambda batches: train(model, iter(batches), optimizer),
    lambda batches: evaluate(model, iter(batches)),
    lambda batches: fit(model, lambda epoch: iter(batches), optimizer, epochs=1),
]
BATCHES = [
    (ValueError, [], EMPTY),
    (ValueError, [(x, y[:7])], f"logits of batch 1 must {SHAPE.format((7,))}, got (11, 3)"),
    (ValueError, [(x, y[:, None])], f"logits of batch 1 must {SHAPE.format((11, 1))}, got (11, 3)"),
    (ValueError, [(x, y), (x, y * 3)], "targets of batch 2 must lie in 0..2, got 3"),
    (ValueError, [(x, -y)], "targets of batch 1 must lie in 0..2, got -1"),
    (ValueError, [(x, y * -100)], "targets of batch 1 must hold at least one number, got (0,)"),
    (ValueError, [(x[:0], y[:0])], "targets of batch 1 must hold at least one number, got (0,)"),
    (TypeError, [y[:2]], "batch 1 must be a tuple (*inputs, targets), got tensor([1, 1])"),
    (
        TypeError,
        [(x, y), (y[:1],)],
        "batch 2 must be a tuple (*inputs, targets), got (tensor([1]),)",
    ),
    (TypeError, [(x, y.float())], "targets of batch 1 must be an int64 tensor, got torch.float32"),
    (TypeError, [(x, [1])], "targets of batch 1 must be an int64 tensor, got [1]"),
]


@pytest.mark.parametrize(
    ("error", "call", "sentence"),
    [
        *((ValueError, *row) for row in VALUES),
        *((TypeError, *row) for row in KINDS),
        *(
            (error, partial(door, given), words)
            for error, given, words in BATCHES
            for door in DOORS
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, call, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()
