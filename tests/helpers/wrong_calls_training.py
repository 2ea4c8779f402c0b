"""What a reader gets wrong with training: rows of ``test_wrong_calls``, written by hand."""

import torch
from torch import nn

from tests.helpers.right_calls_training import B, C, D

x, y = torch.zeros(B, D), torch.ones(B, dtype=torch.int64)
TRAIN, ALL = "train fit", "train fit evaluate"
SHAPE = "have the shape of the targets {} and one axis of classes"
TUPLE = "must be a tuple (*inputs, targets)"
NO_TARGET = "targets of batch 1 must hold at least one number, got (0,)"
SCALAR = "loss_fn must return a tensor with one number, shape ()"
PARAMETER = "optimizer must hold at least one parameter of model, got 0"
PATIENCE = "patience must come with validation, whose loss it watches, got 1"
EMPTY = "batches must hold at least one batch (a generator can be walked only once), got 0"
each_entry = nn.CrossEntropyLoss(reduction="none")


def batches(*given):
    """Made when called: by a generator, for beartype does not look at what that makes."""
    return lambda: {"batches": iter(given), "make_batches": lambda epoch: iter(given)}


VALUES = [
    (TRAIN, {"model": nn.Linear(D, C)}, PARAMETER),
    ("fit", {"validation": None}, PATIENCE),
    ("fit", {"validation": list}, EMPTY),
    ("seed_everything", {"seed": 2**32}, "seed must be below 2**32, got 4294967296"),
    (ALL, batches(), EMPTY),
    (ALL, batches((x, y[:1])), f"logits of batch 1 must {SHAPE.format((1,))}, got (2, 3)"),
    (ALL, batches((x, y[:, None])), f"logits of batch 1 must {SHAPE.format((2, 1))}, got (2, 3)"),
    (ALL, batches((x, y), (x, y * 3)), "targets of batch 2 must lie in 0..2, got 3"),
    (ALL, batches((x, -y)), "targets of batch 1 must lie in 0..2, got -1"),
    (ALL, batches((x, y * -100)), NO_TARGET),
    (ALL, batches((x[:0], y[:0])), NO_TARGET),
]
KINDS = [
    ("load_weights", {"path": 3}, "path must be a text or of type PathLike, got 3"),
    ("predict", {"model": "model"}, "model must be a torch.nn.Module, got 'model'"),
    (ALL, {"loss_fn": "mse"}, "loss_fn must be a function, got 'mse'"),
    (ALL, {"loss_fn": each_entry}, f"{SCALAR}, got (2,)"),
    (ALL, {"loss_fn": lambda logits, targets: 0.5}, f"{SCALAR}, got 0.5"),
    ("evaluate", {"model": nn.LSTM(D, C)}, "model must return logits as a tensor, got 'tuple'"),
    (ALL, batches(y), f"batch 1 {TUPLE}, got tensor([1, 1])"),
    (ALL, batches((x, y), (y[:1],)), f"batch 2 {TUPLE}, got (tensor([1]),)"),
    (ALL, batches((x, y / 2)), "targets of batch 1 must be an int64 tensor, got torch.float32"),
    (ALL, batches((x, [1])), "targets of batch 1 must be an int64 tensor, got [1]"),
]
UNHOOKED = [
    (
        "fit",
        {"make_batches": lambda epoch: None},
        "batches must be a list or a generator of batches, got None",
    )
]
