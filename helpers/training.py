"""Training and evaluating: one trainer for every model of the course.

The trainer knows nothing of the model. A batch is a tuple ``(*inputs, targets)``;
``model(*inputs)`` gives logits ``(..., C)``, one score a class, and ``targets`` ``(...)`` are class
ids. Whether the dots are ``(B,)`` (one label a review) or ``(B, T)`` (one next token a position)
makes no difference: both are flattened to ``(N, C)`` and ``(N,)`` before the loss.

A progress bar shows on a terminal and in a live notebook, and vanishes when the work is done (see
``helpers.progress``). Saving and loading are in ``helpers.weights`` and can be imported from here.

Sources: the learning-rate schedule is equation 3 of Vaswani et al., "Attention Is All You Need"
(2017), section 5.3; early stopping is section 7.8 of Goodfellow, Bengio and Courville, "Deep
Learning" (2016).

Dimensions: ``N`` targets of a batch, ``C`` classes; ``B`` batch, ``T`` positions.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import length_hint
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from helpers.checks import as_float, check_int, check_module, shown
from helpers.modes import evaluation_mode
from helpers.progress import progress_bar
from helpers.weights import load_weights, save_weights

__all__ = [
    "Evaluation",
    "History",
    "evaluate",
    "fit",
    "load_weights",
    "paper_schedule",
    "predict",
    "save_weights",
    "train",
]

Batch = Sequence[Tensor]
LossFunction = Callable[[Tensor, Tensor], Tensor]

IGNORED = -100  # torch's default ignore_index: a target with this id counts for nothing


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` measured: the mean ``loss`` and the ``accuracy`` (0 to 1) per target."""

    loss: float
    accuracy: float


@dataclass
class History:
    """What `fit` recorded, one entry an epoch.

    Attributes:
        train_loss: mean loss of each pass, measured while the weights were changing.
        val_loss, val_accuracy: measured after each pass; empty without validation.
        best_epoch: index of the lowest ``val_loss``, counted from 0 like the lists, so that
            ``val_loss[best_epoch]`` is that loss; None without validation.
    """

    train_loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    best_epoch: int | None = None


def train(
    model: nn.Module,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    *,
    loss_fn: LossFunction | None = None,
    scheduler: LRScheduler | None = None,
    max_norm: float | None = None,
) -> float:
    """Train for one pass over ``batches`` and return the mean loss.

    The mean is taken over targets: a batch of 20 weighs twice as much as one of 10. It is measured
    while the weights change, so it lies a little above what `evaluate` finds afterwards. The model
    is left in training mode and without gradients.

    Args:
        model: ``model(*inputs)`` gives logits ``(..., C)``.
        batches: tuples ``(*inputs, targets)``; targets ``(...)`` are class ids (int64), or -100
            for a target that is to count for nothing.
        optimizer: holds parameters of ``model``.
        loss_fn: ``loss_fn(logits (N, C), targets (N,))`` gives the mean loss of a batch; default
            ``F.cross_entropy``.
        scheduler: a learning-rate scheduler, stepped once a batch (not once an epoch).
        max_norm: gradients whose joint 2-norm is larger are scaled down to it.

    Raises:
        FloatingPointError: a loss or gradient is not finite. The message names the step, counted
            from 1; the weights are those before that step.
        ValueError: no batches; logits and targets that do not fit.
        TypeError: an argument or a batch of the wrong kind.
    """
    _check_training(model, optimizer, loss_fn, scheduler, max_norm)
    with progress_bar("training", unit=" batch") as bar:
        return _one_pass(model, batches, optimizer, loss_fn, scheduler, max_norm, bar)


def evaluate(
    model: nn.Module, batches: Iterable[Batch], *, loss_fn: LossFunction | None = None
) -> Evaluation:
    """Measure loss and accuracy over ``batches``: dropout off, no gradients, nothing changed.

    Both are means over targets, whatever the sizes of the batches. The prediction is the class of
    the highest logit. The mode of the model (training or evaluation, for each of its parts) is as
    before, even after an error.

    Args:
        model, batches, loss_fn: as in `train`.

    Raises:
        ValueError, TypeError: as in `train`. A loss that is not finite raises nothing here: it is
            what was measured, and is returned.
    """
    check_module("model", model)
    _check_callable("loss_fn", loss_fn)
    total, correct, count = 0.0, 0, 0
    with evaluation_mode(model), torch.no_grad():
        for number, batch in _numbered(batches):
            loss, logits, targets, size = _batch_loss(model, batch, loss_fn, number)
            total += loss.item() * size
            correct += int((logits.argmax(dim=-1) == targets).sum())
            count += size
    return Evaluation(loss=total / count, accuracy=correct / count)


def predict(model: nn.Module, *inputs: Any, **options: Any) -> Any:
    """Return ``model(*inputs, **options)`` with dropout off and without gradients.

    That is the logits ``(..., C)``, or with ``need_weights=True`` among the options whatever the
    model gives then. The mode of the model is as before, even after an error.
    """
    check_module("model", model)
    with evaluation_mode(model), torch.no_grad():
        return model(*inputs, **options)


def fit(
    model: nn.Module,
    make_batches: Callable[[int], Iterable[Batch]],
    optimizer: Optimizer,
    *,
    epochs: int,
    validation: Callable[[], Iterable[Batch]] | None = None,
    loss_fn: LossFunction | None = None,
    scheduler: LRScheduler | None = None,
    max_norm: float | None = None,
    patience: int | None = None,
) -> History:
    """Train for up to ``epochs`` passes, evaluate after each, and return what was recorded.

    Args:
        model, optimizer, loss_fn, scheduler, max_norm: as in `train`.
        make_batches: ``make_batches(epoch)`` gives the batches of an epoch, counted from 0.
        epochs: the number of passes, at least 1.
        validation: ``validation()`` gives the batches to evaluate on, afresh each time.
        patience: stop after this many epochs in a row without a new lowest validation loss, and
            give the model the weights of the best epoch at the end, stopped early or not. Without
            it all epochs run and the last weights stay.

    Returns:
        The `History`; the model and the optimizer are changed in place.

    Raises:
        FloatingPointError: a loss is not finite; the message names the step and the epoch.
        ValueError, TypeError: as in `train`; ``patience`` without ``validation``.
    """
    _check_training(model, optimizer, loss_fn, scheduler, max_norm)
    _check_callable("make_batches", make_batches, optional=False)
    _check_callable("validation", validation)
    epochs = check_int("epochs", epochs)
    if patience is not None:
        patience = check_int("patience", patience)
        if validation is None:
            raise ValueError("patience needs validation: it watches the validation loss")

    history, best_weights = History(), None
    with progress_bar(unit=" batch") as bar:
        for epoch in range(epochs):
            name = f"epoch {epoch + 1}/{epochs}"
            bar.set_description_str(name, refresh=False)
            loss = _one_pass(
                model, make_batches(epoch), optimizer, loss_fn, scheduler, max_norm, bar, name
            )
            history.train_loss.append(loss)
            if validation is None:
                continue
            bar.set_description_str(f"{name}, validating")
            measured = evaluate(model, validation(), loss_fn=loss_fn)
            _check_finite("the validation loss", measured.loss, f"after {name}")
            history.val_loss.append(measured.loss)
            history.val_accuracy.append(measured.accuracy)
            best = history.best_epoch
            if best is None or measured.loss < history.val_loss[best]:
                history.best_epoch = epoch
                if patience is not None:
                    best_weights = copy.deepcopy(model.state_dict())
            elif patience is not None and epoch - best >= patience:
                break
    if best_weights is not None:
        model.load_state_dict(best_weights)
    return history


def paper_schedule(step: int, *, d_model: int, warmup: int) -> float:
    """Return the learning rate of the Transformer paper: a linear rise, then 1 / sqrt(step).

    ``d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)``. The two branches meet at
    ``step == warmup``, the peak, ``(d_model * warmup)**-0.5``.

    With torch, give the optimiser the learning rate 1.0, which the schedule multiplies. LambdaLR
    counts from 0 and the paper from 1::

        optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
        scheduler = LambdaLR(optimizer, lambda n: paper_schedule(n + 1, d_model=128, warmup=400))

    Args:
        step: number of the update, counted from 1.
        d_model: width of the model.
        warmup: number of updates during which the rate rises.

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 5.3, equation 3.
    """
    step = check_int("step", step)
    d_model = check_int("d_model", d_model)
    warmup = check_int("warmup", warmup)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


# What follows is for this module only.


def _one_pass(
    model: nn.Module,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    loss_fn: LossFunction | None,
    scheduler: LRScheduler | None,
    max_norm: float | None,
    bar: tqdm,
    name: str = "",
) -> float:
    """Do the work of `train`; ``name`` says for messages which epoch this is."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    total, count = 0.0, 0
    bar.set_postfix_str("", refresh=False)
    bar.reset(total=length_hint(batches) or bar.n or None)  # unknown: as many as last time
    model.train()
    try:
        for step, batch in _numbered(batches):
            where = f"at step {step}" + (f" of {name}" if name else "")
            optimizer.zero_grad(set_to_none=True)
            loss, _, _, size = _batch_loss(model, batch, loss_fn, step)
            value = _check_finite("the loss", loss.item(), where)
            loss.backward()
            gradients = [p.grad for p in parameters if p.grad is not None]
            norm = get_total_norm(gradients)
            _check_finite("the gradient norm", norm.item(), where)
            if max_norm is not None:
                clip_grads_with_norm_(parameters, max_norm, norm)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            total += value * size
            count += size
            bar.set_postfix_str(f"loss {total / count:.4f}", refresh=False)
            bar.update()
    finally:
        optimizer.zero_grad(set_to_none=True)
        model.zero_grad(set_to_none=True)
    if bar.total is not None:
        bar.total = bar.n  # full, also where the number of batches was a guess
    return total / count


def _batch_loss(
    model: nn.Module, batch: Batch, loss_fn: LossFunction | None, number: int
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Return loss (), logits (N, C), targets (N,) and how many of the targets count."""
    if not isinstance(batch, tuple | list):
        got = type(batch).__name__
        raise TypeError(f"batch {number} must be a tuple (*inputs, targets), got {got}")
    if len(batch) < 2:
        raise ValueError(f"batch {number} must be (*inputs, targets), got {len(batch)} entries")
    *inputs, targets = batch
    if not isinstance(targets, Tensor) or targets.dtype != torch.int64:
        got = targets.dtype if isinstance(targets, Tensor) else type(targets).__name__
        raise TypeError(f"targets of batch {number} must be an int64 tensor, got {got}")
    logits = model(*inputs)
    if not isinstance(logits, Tensor):
        raise TypeError(f"model must return logits as a tensor, got a {type(logits).__name__}")
    if logits.dim() == 0 or logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"logits must have the shape of the targets and one axis of classes more, got logits "
            f"{tuple(logits.shape)} for targets {tuple(targets.shape)} in batch {number}"
        )
    classes = logits.shape[-1]
    logits, targets = logits.reshape(-1, classes), targets.reshape(-1)  # (N, C), (N,)
    counted = targets[targets != IGNORED]
    if counted.numel() == 0:
        raise ValueError(f"batch {number} holds no target to learn from")
    low, high = int(counted.min()), int(counted.max())
    if low < 0 or high >= classes:
        culprit = low if low < 0 else high
        raise ValueError(
            f"targets of batch {number} must lie in 0..{classes - 1}, got the id {culprit}"
        )
    loss = (loss_fn or F.cross_entropy)(logits, targets)
    if not isinstance(loss, Tensor) or loss.dim() != 0:
        got = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f"loss_fn must return a tensor with one number, shape (), got {got}")
    return loss, logits, targets, counted.numel()


def _numbered(batches: Iterable[Batch]) -> Iterator[tuple[int, Batch]]:
    """Yield ``(1, first batch)``, ``(2, second batch)``, ...; no batch at all is an error."""
    try:
        each = iter(batches)
    except TypeError as error:
        got = type(batches).__name__
        raise TypeError(f"batches must be an iterable of batches, got {got}") from error
    number = 0
    for number, batch in enumerate(each, start=1):
        yield number, batch
    if number == 0:
        raise ValueError(
            "batches must hold at least one batch, got none (a generator can be walked only once)"
        )


def _check_finite(what: str, value: float, where: str) -> float:
    if not math.isfinite(value):
        raise FloatingPointError(
            f"{what} is {value} {where}. Likely causes: a learning rate that is too high, a "
            f"division by zero or log(0) in the model, inputs that are not finite"
        )
    return value


def _check_callable(name: str, value: object, *, optional: bool = True) -> None:
    if not callable(value) and not (optional and value is None):
        raise TypeError(f"{name} must be a function, got {type(value).__name__}")


def _check_training(
    model: object, optimizer: object, loss_fn: object, scheduler: object, max_norm: object
) -> None:
    """Check what `train` and `fit` have in common."""
    check_module("model", model)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a torch optimizer, got {type(optimizer).__name__}")
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("optimizer must hold parameters of model, got one that holds none of them")
    _check_callable("loss_fn", loss_fn)
    if scheduler is not None and not isinstance(scheduler, LRScheduler):
        raise TypeError(f"scheduler must be a torch LRScheduler, got {type(scheduler).__name__}")
    if max_norm is not None and not 0 < as_float(max_norm) < math.inf:
        raise ValueError(f"max_norm must be a number above 0, got {shown(max_norm)}")
