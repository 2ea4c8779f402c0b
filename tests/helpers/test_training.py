"""Tests of helpers.training: against hand-written loops, by laws, and of every way to fail."""

import copy
import io
import json
import math
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from helpers.training import (
    Evaluation,
    evaluate,
    fit,
    paper_schedule,
    predict,
    train,
)

ROOT = Path(__file__).resolve().parents[2]
ROWS, FEATURES, HIDDEN, CLASSES, LENGTH = 11, 5, 13, 3, 7  # distinct primes


def make_model(dropout=0.0, seed=2):
    torch.manual_seed(seed)
    layers = nn.Linear(FEATURES, HIDDEN), nn.Tanh(), nn.Dropout(dropout), nn.Linear(HIDDEN, CLASSES)
    return nn.Sequential(*layers).double()


def make_data(*shape, seed=3):
    """Random inputs (*shape, FEATURES) and class ids (*shape)."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(*shape, FEATURES, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(CLASSES, shape, generator=generator)


def cut(inputs, targets, sizes):
    return list(zip(inputs.split(sizes), targets.split(sizes), strict=True))


def weights_of(model):
    return copy.deepcopy(model.state_dict())


def assert_same_weights(model, weights):
    torch.testing.assert_close(dict(model.state_dict()), dict(weights), rtol=0, atol=0)


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


@st.composite
def partitions(draw):
    """Sizes of one to five batches that together hold ROWS rows."""
    inner = draw(st.sets(st.integers(1, ROWS - 1), max_size=4))
    ends = [0, *sorted(inner), ROWS]
    return [end - start for start, end in pairwise(ends)]


# train


@pytest.mark.parametrize("max_norm", [None, 0.3, 1e9])
@pytest.mark.parametrize("scheduled", [False, True])
def test_train_equals_a_hand_written_loop(max_norm, scheduled):
    batches = cut(*make_data(ROWS, LENGTH), [2, 3, 6])
    by_hand, by_train = make_model(), make_model()

    def tools(model):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        return optimizer, LambdaLR(optimizer, lambda n: 1 / (n + 1)) if scheduled else None

    optimizer, scheduler = tools(by_hand)
    losses = []
    for inputs, targets in batches:
        scores = by_hand(inputs)  # (B, T, C)
        chosen = scores.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (B, T)
        loss = (scores.logsumexp(-1) - chosen).mean()
        optimizer.zero_grad()
        loss.backward()
        if max_norm is not None:
            nn.utils.clip_grad_norm_(by_hand.parameters(), max_norm)
        optimizer.step()
        if scheduled:
            scheduler.step()
        losses.append(loss.item())

    optimizer, scheduler = tools(by_train)
    mean = train(by_train, batches, optimizer, scheduler=scheduler, max_norm=max_norm)
    torch.testing.assert_close(by_train.state_dict(), by_hand.state_dict(), rtol=0, atol=1e-13)
    assert mean == pytest.approx((2 * losses[0] + 3 * losses[1] + 6 * losses[2]) / 11, abs=1e-13)


@settings(max_examples=30)
@given(sizes=partitions())
def test_the_mean_loss_weighs_targets_not_batches(sizes):
    model, (inputs, targets) = make_model(), make_data(ROWS, LENGTH)
    batches = cut(inputs, targets, sizes)
    scores = model(inputs).reshape(-1, CLASSES)
    whole = F.cross_entropy(scores, targets.reshape(-1)).item()
    share = (scores.argmax(-1) == targets.reshape(-1)).double().mean().item()
    assert train(model, batches, sgd(model, lr=0.0)) == pytest.approx(whole, abs=1e-12)
    measured = evaluate(model, batches)
    assert measured.loss == pytest.approx(whole, abs=1e-12)
    assert measured.accuracy == pytest.approx(share, abs=1e-12)


@settings(max_examples=30)
@given(keep=st.lists(st.booleans(), min_size=ROWS, max_size=ROWS).filter(any))
def test_a_target_of_minus_100_counts_for_nothing(keep):
    model, (inputs, targets), keep = make_model(), make_data(ROWS), torch.tensor(keep)
    only_kept = [(inputs[keep], targets[keep])]
    masked = torch.where(keep, targets, -100)
    expected = evaluate(model, only_kept)
    measured = evaluate(model, [(inputs, masked)])
    assert measured.loss == pytest.approx(expected.loss, abs=1e-12)
    assert measured.accuracy == pytest.approx(expected.accuracy, abs=1e-12)
    pair = [(inputs, masked), *only_kept]  # the same targets twice: the mean stays
    assert train(model, pair, sgd(model, lr=0.0)) == pytest.approx(expected.loss, abs=1e-12)


def test_train_takes_several_inputs_and_lists_and_iterators():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = make_model()

        def forward(self, left, right):
            return self.inner(left + right)

    inputs, targets = make_data(ROWS)
    one, two = make_model(), Sum()
    expected = train(one, [(inputs, targets)], sgd(one))
    assert train(two, iter([[inputs - 1, inputs * 0 + 1, targets]]), sgd(two)) == pytest.approx(
        expected
    )
    torch.testing.assert_close(two.inner.state_dict(), one.state_dict())


def test_loss_fn_gets_flat_logits_and_targets():
    model, data = make_model(), make_data(ROWS, LENGTH)
    seen = []

    def loss_fn(logits, targets):
        seen.append((tuple(logits.shape), tuple(targets.shape)))
        return 2 * F.cross_entropy(logits, targets)

    plain = evaluate(model, [data]).loss
    assert evaluate(model, [data], loss_fn=loss_fn).loss == pytest.approx(2 * plain)
    assert train(model, [data], sgd(model), loss_fn=loss_fn) == pytest.approx(2 * plain)
    assert seen == [((ROWS * LENGTH, CLASSES), (ROWS * LENGTH,))] * 2

    optimizer = sgd(model, lr=0.0)
    history = fit(
        model,
        lambda epoch: [data],
        optimizer,
        epochs=1,
        validation=lambda: [data],
        loss_fn=loss_fn,
    )
    after = evaluate(model, [data]).loss
    assert history.train_loss == pytest.approx([2 * after])
    assert history.val_loss == pytest.approx([2 * after])


def test_the_scheduler_steps_once_a_batch():
    model, (inputs, targets) = make_model(), make_data(ROWS)
    optimizer = sgd(model, lr=1.0)
    scheduler = LambdaLR(optimizer, lambda n: 2.0**-n)
    batches = cut(inputs, targets, [2, 2, 7])
    fit(model, lambda epoch: batches, optimizer, epochs=2, scheduler=scheduler)
    assert scheduler.get_last_lr() == [2.0**-6]


def test_train_switches_dropout_on_and_leaves_no_gradients():
    model, data = make_model(dropout=0.5).eval(), make_data(ROWS)
    before = evaluate(model, [data]).loss
    assert train(model, [data], sgd(model)) != pytest.approx(before)
    assert all(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_nothing_that_was_trained_or_passed_through_is_left_with_a_gradient():
    model, scale = make_model(), nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([scale, *model[3].parameters()], lr=0.1)  # without the first layer
    train(
        model,
        [make_data(ROWS)],
        optimizer,
        loss_fn=lambda logits, targets: F.cross_entropy(scale * logits, targets),
    )
    assert scale.item() != 2.0
    assert all(p.grad is None for p in [scale, *model.parameters()])


def test_what_the_loss_does_not_reach_stays_whatever_gradient_it_had():
    model = make_model()
    model.register_parameter("idle", nn.Parameter(torch.ones(1, dtype=torch.float64)))
    for p in model.parameters():
        p.grad = torch.full_like(p, 17.0)
    decay = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)
    train(model, [make_data(ROWS)] * 2, decay)
    assert model.idle.item() == 1.0


def test_gradients_from_before_do_not_leak_in():
    model, other, data = make_model(), make_model(), make_data(ROWS)
    for p in model.parameters():
        p.grad = torch.full_like(p, 17.0)
    train(model, [data], sgd(model))
    train(other, [data], sgd(other))
    assert_same_weights(model, other.state_dict())


# losses that are not finite


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_weights_change(bad):
    model, reference, (inputs, targets) = make_model(), make_model(), make_data(ROWS)
    batches = cut(inputs, targets, [2, 3, 6])
    train(reference, batches[:2], sgd(reference))

    def loss_fn(logits, targets):
        loss = F.cross_entropy(logits, targets)
        return loss * bad if len(targets) == 6 else loss  # the third batch has 6 rows

    with pytest.raises(FloatingPointError, match=rf"^the loss is {bad} at step 3\. Likely causes"):
        train(model, batches, sgd(model), loss_fn=loss_fn)
    assert_same_weights(model, reference.state_dict())
    assert all(p.grad is None for p in model.parameters())


class Root(nn.Module):
    """Logits (0, sqrt(w)): finite at w = 0, where the gradient is infinite."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x):
        return torch.cat([x * 0, x + self.w.sqrt()], dim=-1)  # (B, 2)


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_a_gradient_that_is_not_finite_stops_before_the_weights_change(max_norm):
    model = Root()
    batch = torch.zeros(ROWS, 1, dtype=torch.float64), torch.ones(ROWS, dtype=torch.int64)
    with pytest.raises(FloatingPointError, match=r"^the gradient norm is inf at step 1\."):
        train(model, [batch], sgd(model), max_norm=max_norm)
    assert model.w.item() == 0.0


def test_fit_names_the_epoch_too():
    model, (inputs, targets) = make_model(), make_data(ROWS)
    good, bad = (inputs, targets), (inputs * math.nan, targets)
    with pytest.raises(FloatingPointError, match=r"^the loss is nan at step 2 of epoch 3/5"):
        fit(model, lambda epoch: [good, bad if epoch == 2 else good], sgd(model), epochs=5)
    with pytest.raises(FloatingPointError, match=r"^the validation loss is nan after epoch 1/5"):
        fit(model, lambda epoch: [good], sgd(model), epochs=5, validation=lambda: [bad])


def test_evaluate_returns_what_it_measured_even_infinity():
    model = nn.Identity()
    logits = torch.tensor([[0.0, -math.inf], [0.0, -math.inf]])
    assert evaluate(model, [(logits, torch.tensor([0, 1]))]) == Evaluation(math.inf, 0.5)


# evaluate, predict


class Spy(nn.Module):
    """Records the modes during the forward pass; its ``frozen`` part is in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.inner, self.frozen, self.seen = make_model(dropout=0.5), nn.Dropout(0.5).eval(), []

    def forward(self, x, *, fail=False, scale=1.0):
        modes = {module.training for module in self.modules()}
        self.seen.append((modes, torch.is_grad_enabled()))
        if fail:
            raise RuntimeError("on purpose")
        return scale * self.inner(self.frozen(x))


@pytest.mark.parametrize("training_mode", [True, False])
def test_evaluate_and_predict_change_nothing(training_mode):
    model, data = Spy(), make_data(ROWS)
    model.inner.train(training_mode)
    before, modes = weights_of(model), [m.training for m in model.modules()]

    assert evaluate(model, [data]) == evaluate(model, [data])
    logits = predict(model, data[0])
    with pytest.raises(RuntimeError, match="on purpose"):
        predict(model, data[0], fail=True)
    with pytest.raises(ValueError, match="logits of batch 1 must have"):
        evaluate(model, [(data[0], data[1][:2])])

    assert model.seen == [({False}, False)] * 5
    assert [m.training for m in model.modules()] == modes
    assert torch.is_grad_enabled()
    assert_same_weights(model, before)
    assert all(p.grad is None for p in model.parameters())
    assert logits.shape == (ROWS, CLASSES)
    assert not logits.requires_grad
    torch.testing.assert_close(predict(model, data[0], scale=2.0), 2 * logits)


def test_evaluate_counts_as_by_hand():
    logits = torch.tensor([[[3.0, 1.0, 2.0], [0.0, 5.0, 0.0]], [[1.0, 0.0, 4.0], [2.0, 1.0, 0.0]]])
    targets = torch.tensor([[0, 1], [1, 0]])  # three of four are the highest logit
    measured = evaluate(nn.Identity(), [(logits, targets)])
    by_hand = 0.0
    for scores, target in zip(logits.reshape(4, 3).tolist(), [0, 1, 1, 0], strict=True):
        by_hand += math.log(sum(math.exp(s) for s in scores)) - scores[target]
    assert measured.accuracy == 0.75
    assert measured.loss == pytest.approx(by_hand / 4, rel=1e-6)


def test_a_single_target_needs_no_batch_axis_but_its_classes_do_need_one():
    logits, target = torch.tensor([3.0, 1.0, 2.0]), torch.tensor(0)
    assert evaluate(nn.Identity(), [(logits, target)]) == evaluate(
        nn.Identity(), [(logits.unsqueeze(0), target.unsqueeze(0))]
    )
    with pytest.raises(ValueError, match=r"targets \(\) and one axis of classes, got \(\)$"):
        evaluate(nn.Identity(), [(torch.tensor(3.0), target)])


def test_an_evaluation_is_frozen():
    with pytest.raises(AttributeError, match="cannot assign"):
        Evaluation(0.5, 0.75).loss = 0.1


# fit


def test_fit_is_a_loop_of_train_and_evaluate():
    by_hand, by_fit = make_model(), make_model()
    batches = [cut(*make_data(ROWS, seed=seed), [4, 7]) for seed in range(3)]
    held_out = [make_data(LENGTH, seed=23)]
    optimizer = sgd(by_hand)
    losses, measured = [], []
    for epoch in range(3):
        losses.append(train(by_hand, batches[epoch], optimizer, max_norm=0.1))
        measured.append(evaluate(by_hand, held_out))

    history = fit(
        by_fit,
        batches.__getitem__,
        sgd(by_fit),
        epochs=3,
        validation=lambda: iter(held_out),
        max_norm=0.1,
    )
    assert_same_weights(by_fit, by_hand.state_dict())
    assert history.train_loss == losses
    assert history.val_loss == [m.loss for m in measured]
    assert history.val_accuracy == [m.accuracy for m in measured]
    assert history.best_epoch == min(range(3), key=history.val_loss.__getitem__)


def test_validation_does_not_disturb_training():
    weights = []
    for validation in (None, lambda: [make_data(LENGTH)]):
        model = make_model(dropout=0.5)
        torch.manual_seed(29)
        history = fit(
            model, lambda e: [make_data(ROWS)], sgd(model), epochs=3, validation=validation
        )
        weights.append(weights_of(model))
        assert len(history.train_loss) == 3
        assert (history.best_epoch is None) == (validation is None) == (not history.val_loss)
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0)


class Drifter(nn.Module):
    """In training the logits move with ``w``; in evaluation they are the inputs as they come."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2, dtype=torch.float64))

    def forward(self, x):
        return x + self.w if self.training else x


@settings(max_examples=60)
@given(
    losses=st.lists(st.integers(1, 5), min_size=1, max_size=9),
    patience=st.none() | st.integers(1, 4),
)
def test_early_stopping_follows_the_rule_on_any_losses(losses, patience):
    model = Drifter()
    after = []  # the weights at the end of each epoch

    def validation():
        after.append(model.w.detach().clone())
        gap = math.log(math.exp(losses[len(after) - 1]) - 1)  # log(1 + exp(gap)) is the loss
        return [(torch.tensor([[gap, 0.0]], dtype=torch.float64), torch.tensor([1]))]

    train_batch = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([1])
    history = fit(
        model,
        lambda epoch: [train_batch],
        sgd(model),
        epochs=len(losses),
        validation=validation,
        patience=patience,
    )

    ran, best, waited = 0, 0, 0  # the rule, in its own words
    for epoch, loss in enumerate(losses):
        ran += 1
        if epoch == 0 or loss < losses[best]:
            best, waited = epoch, 0
        else:
            waited += 1
        if patience is not None and waited == patience:
            break
    assert history.val_loss == pytest.approx(losses[:ran])
    assert history.best_epoch == best
    assert len(history.train_loss) == ran
    assert torch.equal(model.w, after[best] if patience is not None else after[-1])


def test_early_stopping_on_a_curve_worked_out_by_hand():
    # Logits (0, w), so the loss of target 1 is log(1 + exp(-w)) and training pushes w up for ever.
    # The held-out targets are 1, 1, 1, 0: the best w is log 3, and beyond it their loss rises.
    class Odds(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(1, dtype=torch.float64))

        def forward(self, x):
            return torch.cat([x, x + self.w], dim=-1)  # (B, 2)

    def zeros(count):
        return torch.zeros(count, 1, dtype=torch.float64)

    path = [0.0]
    for _ in range(30):
        path.append(path[-1] + 0.5 / (1 + math.exp(path[-1])))  # a step of SGD with lr 0.5
    curve = [math.log(1 + math.exp(-w)) + w / 4 for w in path[1:]]
    best = min(range(30), key=curve.__getitem__)

    model = Odds()
    history = fit(
        model,
        lambda epoch: [(zeros(2), torch.ones(2, dtype=torch.int64))],
        sgd(model, lr=0.5),
        epochs=30,
        validation=lambda: [(zeros(4), torch.tensor([1, 1, 1, 0]))],
        patience=3,
    )
    assert abs(path[best + 1] - math.log(3)) < 0.1  # the curve turns where it should
    assert history.best_epoch == best
    assert history.val_loss == pytest.approx(curve[: best + 4], abs=1e-12)
    assert history.val_accuracy == [0.75] * (best + 4)
    assert model.w.item() == pytest.approx(path[best + 1], abs=1e-12)


# the schedule


def test_the_schedule_at_the_peak_of_the_paper():
    # base model: d_model 512, warmup 4000; both branches are (512 * 4000) ** -0.5 = 6.9877e-4
    assert paper_schedule(4000, d_model=512, warmup=4000) == pytest.approx(6.9877e-4, rel=1e-4)
    # first update: 512 ** -0.5 * 4000 ** -1.5, a 4000th of the peak
    assert paper_schedule(1, d_model=512, warmup=4000) == pytest.approx(6.9877e-4 / 4000, rel=1e-4)
    # four times the peak's step: half the peak's rate
    assert paper_schedule(16000, d_model=512, warmup=4000) == pytest.approx(3.4939e-4, rel=1e-4)


@given(step=st.integers(1, 10**6), d_model=st.integers(1, 2048), warmup=st.integers(1, 10**5))
def test_the_schedule_rises_to_step_warmup_and_falls_after(step, d_model, warmup):
    def rate(n):
        return paper_schedule(n, d_model=d_model, warmup=warmup)

    assert rate(warmup) == pytest.approx((d_model * warmup) ** -0.5)
    assert rate(step) <= rate(warmup) * (1 + 1e-12)
    if step < warmup:
        assert rate(step + 1) - rate(step) == pytest.approx(rate(1), rel=1e-3)  # a straight line
    else:
        assert rate(step) == pytest.approx((d_model * step) ** -0.5)
        assert rate(step + 1) < rate(step)


def test_the_schedule_works_with_lambda_lr_as_documented():
    model, data, used = make_model(), make_data(ROWS), []
    optimizer = sgd(model, lr=1.0)
    scheduler = LambdaLR(optimizer, lambda n: paper_schedule(n + 1, d_model=17, warmup=3))

    def batches(epoch):
        for _ in range(5):
            used.append(optimizer.param_groups[0]["lr"])
            yield data

    fit(model, batches, optimizer, epochs=1, scheduler=scheduler)
    assert used == [paper_schedule(step, d_model=17, warmup=3) for step in (1, 2, 3, 4, 5)]


# arguments


X, Y = make_data(ROWS)


def test_a_generator_used_up_is_named():
    model, batches = make_model(), iter([(X, Y)])
    with pytest.raises(ValueError, match="a generator can be walked only once"):
        fit(model, lambda epoch: batches, sgd(model), epochs=2)


# the bar


def fit_two_epochs():
    model, batch = make_model(), (X, Y)
    fit(model, lambda epoch: [batch] * 4, sgd(model), epochs=2, validation=lambda: [batch])


def test_no_bar_where_standard_error_is_no_terminal(monkeypatch, capfd):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    fit_two_epochs()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in Python")
def test_a_bar_on_a_terminal_that_leaves_nothing(monkeypatch, capfd):
    import pty
    import termios

    reader, writer = pty.openpty()
    if hasattr(termios, "tcsetwinsize"):
        termios.tcsetwinsize(writer, (24, 80))
    shown = {}
    try:
        with os.fdopen(writer, "w", encoding="utf-8") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            for name, value in (("disabled", "1"), ("empty", ""), ("unset", None)):
                if value is None:
                    monkeypatch.delenv("TQDM_DISABLE", raising=False)
                else:
                    monkeypatch.setenv("TQDM_DISABLE", value)
                fit_two_epochs()
                terminal.write("#")  # so that there is something to read
                terminal.flush()
                read = b""
                while not read.endswith(b"#"):
                    read += os.read(reader, 4096)
                shown[name] = read.decode()
    finally:
        os.close(reader)
    assert shown.pop("disabled") == "#"
    for text in shown.values():
        assert "epoch 1/2: " in text
        assert "epoch 2/2, validating: 100%" in text
        assert "4/4 [" in text
        assert ", loss " in text
        assert "\n" not in text
        *_, last, wiped, after = text.split("\r")
        assert last.startswith("epoch 2/2")
        assert wiped.strip() == ""
        assert len(wiped) >= len(last.rstrip())
        assert after == "#"
    assert capfd.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def frames_of(run, monkeypatch):
    """Return what stood on the line of a terminal while ``run`` ran, one picture after another."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Terminal())
        run()
        written = sys.stderr.getvalue()
    return [frame.strip() for frame in written.split("\r") if frame.strip()]


def counts(frames, name):
    """How far each frame of this name had come: ``0/4`` where four batches are expected."""
    rests = (frame.removeprefix(f"{name}: ") for frame in frames if frame.startswith(f"{name}: "))
    return [re.search(r"\d+/\d+|\d+ batch", rest)[0] for rest in rests]


def test_each_pass_begins_at_nothing_and_knows_its_end(monkeypatch):
    frames = frames_of(fit_two_epochs, monkeypatch)
    for name in ("epoch 1/2", "epoch 2/2"):
        assert counts(frames, name)[0] == "0/4"
        assert counts(frames, f"{name}, validating")[0] == "4/4"
        first = next(frame for frame in frames if frame.startswith(f"{name}: "))
        assert first.endswith("? batch/s]")  # no loss yet


def test_the_bar_shows_the_mean_loss_so_far(monkeypatch):
    model, recorded = make_model(), []

    def run():
        history = fit(
            model, lambda epoch: [(X, Y)] * 3, sgd(model), epochs=1, validation=lambda: [(X, Y)]
        )
        recorded.extend(history.train_loss)

    last = frames_of(run, monkeypatch)[-1]
    assert last.startswith("epoch 1/1, validating: 100%")
    assert last.endswith(f"loss {recorded[0]:.4f}]")


def test_without_a_length_a_pass_expects_as_many_batches_as_the_one_before(monkeypatch):
    def batches(epoch):
        yield from [(X, Y)] * (4 - epoch)

    model = make_model()
    frames = frames_of(
        lambda: fit(model, batches, sgd(model), epochs=3, validation=lambda: [(X, Y)]), monkeypatch
    )
    assert counts(frames, "epoch 1/3")[0] == "0 batch"
    assert counts(frames, "epoch 2/3")[0] == "0/4"
    assert counts(frames, "epoch 2/3, validating")[0] == "3/3"  # full all the same
    assert counts(frames, "epoch 3/3")[0] == "0/3"


def test_one_pass_alone_has_a_bar_too(monkeypatch):
    model = make_model()
    frames = frames_of(lambda: train(model, iter([(X, Y)]), sgd(model)), monkeypatch)
    assert counts(frames, "training")[0] == "0 batch"


def test_the_bar_is_drawn_anew_less_often_than_batches_come(monkeypatch):
    model = make_model()
    frames = frames_of(lambda: train(model, [(X, Y)] * 101, sgd(model)), monkeypatch)
    assert 0 < len(frames) < 50


NOTEBOOK = """
import os
import torch
from torch import nn
from helpers import running, training

model, batch = nn.Linear(5, 3), (torch.ones(7, 5), torch.zeros(7, dtype=torch.int64))

def run():
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    training.fit(model, lambda epoch: [batch] * 4, optimizer, epochs=2)

run()

# next cell

del os.environ["TQDM_DISABLE"]
run()

# next cell

import importlib, sys
for name in ("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"):
    del sys.modules[name]
sys.modules["ipywidgets"] = None  # as if it were not installed
importlib.reload(running)
importlib.reload(training)
run()
"""


# In a process of its own: the kernel's client has warnings of its own on some systems.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

cells = [nbformat.v4.new_code_cell(source) for source in sys.stdin.read().split("# next cell")]
notebook = nbformat.v4.new_notebook(cells=cells)
limits = {"timeout": 300, "startup_timeout": 300}  # a busy machine is slow to start a kernel
NotebookClient(notebook, kernel_name="python3", **limits).execute()
nbformat.write(notebook, sys.argv[1])
"""


def test_what_a_notebook_stores(tmp_path):
    path = tmp_path / "small.ipynb"
    ran = subprocess.run(
        [sys.executable, "-c", EXECUTE, path],
        input=NOTEBOOK,
        env={**os.environ, "TQDM_DISABLE": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    silent, live, without_widgets = (
        cell["outputs"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    )
    assert silent == []
    assert without_widgets == []  # no bar and no warning
    assert [output["output_type"] for output in live] == ["display_data"]  # one for both epochs
    assert "application/vnd.jupyter.widget-view+json" in live[0]["data"]
