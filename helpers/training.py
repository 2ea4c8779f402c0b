"""Training and evaluating: one trainer for every model of the course.

The trainer knows nothing of the model. A batch is a tuple ``(*inputs, targets)``;
``model(*inputs)`` gives logits ``(..., C)``, one score a class, and ``targets`` ``(...)`` are class
ids. Whether the dots are ``(B,)`` (one label a review) or ``(B, T)`` (one next token a position)
makes no difference: both are flattened to ``(N, C)`` and ``(N,)`` before the loss.

A progress bar shows on a terminal and in a live notebook, and vanishes when the work is done (see
``helpers.running``). Saving and loading are in ``helpers.weights``.

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

from helpers.contracts import Positive, Size, guard
from helpers.refusals import check_numbers, refusal, told
from helpers.running import evaluation_mode, progress_bar

__all__ = ["Evaluation", "History", "evaluate", "fit", "paper_schedule", "predict", "train"]

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
    max_norm: Positive | None = None,
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
    """
    _check_optimizer(optimizer, model)
    with progress_bar("training", unit=" batch") as bar:
        return _one_pass(model, batches, optimizer, loss_fn, scheduler, max_norm, bar)


def evaluate(
    model: nn.Module, batches: Iterable[Batch], *, loss_fn: LossFunction | None = None
) -> Evaluation:
    """Measure loss and accuracy over ``batches``: dropout off, no gradients, nothing changed.

    Both are means over targets, whatever the sizes of the batches. The prediction is the class of
    the highest logit. The mode of the model (training or evaluation, for each of its parts) is as
    before, even after an error.

    The arguments are those of `train`. A loss that is not finite raises nothing here: it is what
    was measured, and is returned.
    """
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

    That is, the logits ``(..., C)``. The mode of the model is as before, even after an error.
    """
    with evaluation_mode(model), torch.no_grad():
        return model(*inputs, **options)


def fit(
    model: nn.Module,
    make_batches: Callable[[int], Iterable[Batch]],
    optimizer: Optimizer,
    *,
    epochs: Size,
    validation: Callable[[], Iterable[Batch]] | None = None,
    loss_fn: LossFunction | None = None,
    scheduler: LRScheduler | None = None,
    max_norm: Positive | None = None,
    patience: Size | None = None,
) -> History:
    """Train for up to ``epochs`` passes, evaluate after each, and return what was recorded.

    The model and the optimizer are changed in place.

    Args:
        model, optimizer, loss_fn, scheduler, max_norm: as in `train`.
        make_batches: ``make_batches(epoch)`` gives the batches of an epoch, counted from 0.
        validation: ``validation()`` gives the batches to evaluate on, afresh each time.
        patience: stop after this many epochs in a row without a new lowest validation loss, and
            give the model the weights of the best epoch at the end, stopped early or not. Without
            it all epochs run and the last weights stay.

    Raises:
        FloatingPointError: a loss is not finite; the message names the step and the epoch.
    """
    _check_optimizer(optimizer, model)
    if patience is not None and validation is None:
        raise refusal("patience", "come with validation, whose loss it watches", patience)
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
            _stop_unless_finite("the validation loss", measured.loss, f"after {name}")
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


def paper_schedule(step: Size, *, d_model: Size, warmup: Size) -> float:
    """Return the learning rate of the Transformer paper: a linear rise, then 1 / sqrt(step).

    ``d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)``. The two branches meet at
    ``step == warmup``, the peak, ``(d_model * warmup)**-0.5``.

    With torch, give the optimiser the learning rate 1.0, which the schedule multiplies. LambdaLR
    counts from 0 and the paper from 1::

        optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
        scheduler = LambdaLR(optimizer, lambda n: paper_schedule(n + 1, d_model=128, warmup=400))

    ``step`` counts the updates, and ``warmup`` those during which the rate rises.

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 5.3, equation 3.
    """
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


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
            value = _stop_unless_finite("the loss", loss.item(), where)
            loss.backward()
            gradients = [p.grad for p in parameters if p.grad is not None]
            norm = get_total_norm(gradients)
            _stop_unless_finite("the gradient norm", norm.item(), where)
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
    model: nn.Module, batch: Any, loss_fn: LossFunction | None, number: int
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Return loss (), logits (N, C), targets (N,) and how many of the targets count."""
    name = f"batch {number}"
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise refusal(name, "be a tuple (*inputs, targets)", batch, TypeError)
    *inputs, targets = batch
    if not isinstance(targets, Tensor) or targets.dtype != torch.int64:
        got = getattr(targets, "dtype", targets)
        raise refusal(f"targets of {name}", "be an int64 tensor", got, TypeError)
    logits = model(*inputs)
    if not isinstance(logits, Tensor):
        raise refusal("model", "return logits as a tensor", type(logits).__name__, TypeError)
    if logits.dim() == 0 or logits.shape[:-1] != targets.shape:
        wanted = f"have the shape of the targets {tuple(targets.shape)} and one axis of classes"
        raise refusal(f"logits of {name}", wanted, tuple(logits.shape))
    classes = logits.shape[-1]
    logits, targets = logits.reshape(-1, classes), targets.reshape(-1)  # (N, C), (N,)
    counted = targets[targets != IGNORED]
    check_numbers(f"targets of {name}", counted, 0, classes - 1)
    loss = (loss_fn or F.cross_entropy)(logits, targets)
    if not isinstance(loss, Tensor) or loss.dim() != 0:
        got = tuple(loss.shape) if isinstance(loss, Tensor) else loss
        raise refusal("loss_fn", "return a tensor with one number, shape ()", got, TypeError)
    return loss, logits, targets, counted.numel()


def _numbered(batches: Iterable[Batch]) -> Iterator[tuple[int, Batch]]:
    """Yield ``(1, first batch)``, ``(2, second batch)``, ...; no batch at all is an error."""
    if not isinstance(batches, Iterable):
        raise refusal("batches", "be a list or a generator of batches", batches, TypeError)
    number = 0
    for number, batch in enumerate(batches, start=1):
        yield number, batch
    if number == 0:
        raise refusal("batches", "hold at least one batch (a generator can be walked only once)", 0)


def _stop_unless_finite(what: str, value: float, where: str) -> float:
    if not math.isfinite(value):
        raise told(
            what,
            f" is {value} {where}. Likely causes: a learning rate that is too high, a division by "
            f"zero or log(0) in the model, inputs that are not finite",
            FloatingPointError,
        )
    return value


def _check_optimizer(optimizer: Optimizer, model: nn.Module) -> None:
    """Refuse an optimizer that would train nothing of the model."""
    held = (p for group in optimizer.param_groups for p in group["params"])
    if set(model.parameters()).isdisjoint(held):
        raise refusal("optimizer", "hold at least one parameter of model", 0)


guard(globals())
