"""What everything public in ``helpers.running``, ``training`` and ``weights`` may be given."""

import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from helpers.weights import save_weights

B, D, C = 2, 5, 3


def batches(*_: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.ones(B, D), torch.ones(B, dtype=torch.int64))]


def learning(**more: object) -> dict[str, object]:
    """The arguments of one pass of a small model."""
    model = nn.Linear(D, C)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    given = {"model": model, "optimizer": optimizer, "loss_fn": F.cross_entropy}
    return given | {"scheduler": scheduler, "max_norm": 0.5} | more


def stored() -> dict[str, object]:
    given = {"model": nn.Linear(D, C), "path": Path(tempfile.mkdtemp()) / "weights"}
    save_weights(**given)
    return given


GIVEN = {
    "set_threads": {},
    "seed_everything": {"seed": 7},
    "evaluation_mode": {"model": nn.Dropout()},
    "progress_bar": {"description": "reading"},
    "Evaluation": {"loss": 0.5, "accuracy": 0.75},
    "History": {"best_epoch": None},
    "train": lambda: learning(batches=batches()),
    "evaluate": {"model": nn.Linear(D, C), "batches": batches(), "loss_fn": F.cross_entropy},
    "predict": {"model": nn.Flatten(), "input": torch.ones(B, D)},
    "fit": lambda: learning(make_batches=batches, epochs=2, validation=batches, patience=1),
    "paper_schedule": {"step": 3, "d_model": D, "warmup": 7},
    "save_weights": stored,
    "load_weights": stored,
}
