"""Tests of helpers.training: against hand-written loops, by laws, and of every way to fail."""

import io
import math
import os
import re
import sys

import nbformat
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from course.places import ROOT
from helpers.training import Evaluation, evaluate, fit, paper_schedule, predict, train
from tests.children import finished
from tests.small_model import CLASSES, FEATURES, LENGTH, ROWS, assert_same_weights, make_model


def make_data(*shape, seed=3):
    """Random inputs (*shape, FEATURES) and class ids (*shape)."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(*shape, FEATURES, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(CLASSES, shape, generator=generator)


X, Y = make_data(ROWS)


def cut(inputs, targets, sizes):
    return list(zip(inputs.split(sizes), targets.split(sizes), strict=True))


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def falling(optimizer):
    """A scheduler whose rates are 1, 1/2, 1/3, ... of the first."""
    return LambdaLR(optimizer, lambda n: 1 / (n + 1))


# train


@pytest.mark.parametrize("max_norm", [None, 0.3, 1e9])
@pytest.mark.parametrize("schedule", [lambda optimizer: None, falling])
def test_train_equals_a_hand_written_loop(max_norm, schedule):
    batches = cut(*make_data(ROWS, LENGTH), [2, 3, 6])
    by_hand, by_train = make_model(dropout=0.5), make_model(dropout=0.5).eval()
    for model in (by_hand, by_train):  # what the loss does not reach must not decay either
        model.register_parameter("idle", nn.Parameter(torch.ones(1, dtype=torch.float64)))
    for p in by_train.parameters():
        p.grad = torch.full_like(p, 17.0)  # from before: must not leak in

    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.05, weight_decay=0.5)
    scheduler = schedule(optimizer)
    torch.manual_seed(29)  # of dropout
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
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())

    optimizer = torch.optim.Adam(by_train.parameters(), lr=0.05, weight_decay=0.5)
    torch.manual_seed(29)
    mean = train(by_train, batches, optimizer, scheduler=schedule(optimizer), max_norm=max_norm)
    assert_same_weights(by_train, by_hand.state_dict(), atol=1e-13)
    assert mean == pytest.approx((2 * losses[0] + 3 * losses[1] + 6 * losses[2]) / 11, abs=1e-13)
    assert by_train.idle.item() == 1.0
    assert all(module.training for module in by_train.modules())


some_count = st.lists(st.booleans(), min_size=1, max_size=5).filter(any)  # rows of a batch


@settings(max_examples=60)
@given(counting=st.lists(some_count, min_size=1, max_size=5))
def test_the_means_weigh_targets_not_batches_and_minus_100_counts_for_nothing(counting):
    keep = torch.tensor([row for batch in counting for row in batch])
    model, (inputs, targets) = make_model(), make_data(len(keep), LENGTH)
    masked = torch.where(keep.unsqueeze(1), targets, -100)
    batches = cut(inputs, masked, [len(batch) for batch in counting])
    scores, kept = model(inputs[keep]).reshape(-1, CLASSES), targets[keep].reshape(-1)
    whole = F.cross_entropy(scores, kept).item()
    share = (scores.argmax(-1) == kept).double().mean().item()
    assert train(model, batches, sgd(model, lr=0.0)) == pytest.approx(whole, abs=1e-12)
    measured = evaluate(model, batches)
    assert measured.loss == pytest.approx(whole, abs=1e-12)
    assert measured.accuracy == pytest.approx(share, abs=1e-12)


def test_train_takes_several_inputs_and_lists_and_iterators():
    class Sum(nn.Sequential):
        def forward(self, left, right):
            return super().forward(left + right)

    one, two = make_model(), Sum(*make_model())
    expected = train(one, [(X, Y)], sgd(one))
    assert train(two, iter([[X - 1, X * 0 + 1, Y]]), sgd(two)) == pytest.approx(expected)
    torch.testing.assert_close(two.state_dict(), one.state_dict())


def test_loss_fn_gets_flat_logits_and_targets():
    model, data, seen = make_model(), make_data(ROWS, LENGTH), []

    def loss_fn(logits, targets):
        seen.append((tuple(logits.shape), tuple(targets.shape)))
        return 2 * F.cross_entropy(logits, targets)

    plain = evaluate(model, [data]).loss
    assert evaluate(model, [data], loss_fn=loss_fn).loss == pytest.approx(2 * plain)
    assert train(model, [data], sgd(model), loss_fn=loss_fn) == pytest.approx(2 * plain)
    assert seen == [((ROWS * LENGTH, CLASSES), (ROWS * LENGTH,))] * 2


def test_nothing_that_was_trained_or_passed_through_is_left_with_a_gradient():
    model, scale = make_model(), nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([scale, *model[3].parameters()], lr=0.1)  # without the first layer
    train(model, [(X, Y)], optimizer, loss_fn=lambda logits, y: F.cross_entropy(scale * logits, y))
    assert scale.item() != 2.0
    assert all(p.grad is None for p in [scale, *model.parameters()])


# losses that are not finite


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_weights_change(bad):
    model, reference = make_model(), make_model()
    batches = cut(X, Y, [2, 3, 6])
    train(reference, batches[:2], sgd(reference))

    def loss_fn(logits, targets):
        loss = F.cross_entropy(logits, targets)
        return loss * bad if len(targets) == 6 else loss  # the third batch has 6 rows

    with pytest.raises(FloatingPointError, match=rf"^the loss is {bad} at step 3\. Likely causes"):
        train(model, batches, sgd(model), loss_fn=loss_fn)
    assert_same_weights(model, reference.state_dict())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_a_gradient_that_is_not_finite_stops_before_the_weights_change(max_norm):
    model, before = make_model(), make_model().state_dict()

    def loss_fn(logits, targets):
        bias = model[3].bias
        return (bias - bias.detach()).sqrt().sum()  # 0, where the slope is infinite

    with pytest.raises(FloatingPointError, match=r"^the gradient norm is inf at step 1\."):
        train(model, [(X, Y)], sgd(model), loss_fn=loss_fn, max_norm=max_norm)
    assert_same_weights(model, before)


def test_fit_names_the_epoch_too():
    model, good, bad = make_model(), (X, Y), (X * math.nan, Y)
    with pytest.raises(FloatingPointError, match=r"^the loss is nan at step 2 of epoch 3/5"):
        fit(model, lambda epoch: [good, bad if epoch == 2 else good], sgd(model), epochs=5)
    with pytest.raises(FloatingPointError, match=r"^the validation loss is nan after epoch 1/5"):
        fit(model, lambda epoch: [good], sgd(model), epochs=5, validation=lambda: [bad])


def test_evaluate_returns_what_it_measured_even_infinity():
    logits = torch.tensor([[0.0, -math.inf], [0.0, -math.inf]])
    measured = evaluate(nn.Identity(), [(logits, torch.tensor([0, 1]))])
    assert measured == Evaluation(math.inf, 0.5)


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
    model = Spy()
    model.inner.train(training_mode)
    before, modes = Spy().state_dict(), [m.training for m in model.modules()]

    assert evaluate(model, [(X, Y)]) == evaluate(model, [(X, Y)])
    logits = predict(model, X)
    with pytest.raises(RuntimeError, match="on purpose"):
        predict(model, X, fail=True)
    with pytest.raises(ValueError, match="logits of batch 1 must have"):
        evaluate(model, [(X, Y[:2])])

    assert model.seen == [({False}, False)] * 5
    assert [m.training for m in model.modules()] == modes
    assert torch.is_grad_enabled()
    assert_same_weights(model, before)
    assert all(p.grad is None for p in model.parameters())
    assert logits.shape == (ROWS, CLASSES)
    assert not logits.requires_grad
    torch.testing.assert_close(predict(model, X, scale=2.0), 2 * logits)


def test_a_single_target_needs_no_batch_axis_but_its_classes_do_need_one():
    logits, target = torch.tensor([3.0, 1.0, 2.0]), torch.tensor(0)
    alone, batch = [(logits, target)], [(logits.unsqueeze(0), target.unsqueeze(0))]
    assert evaluate(nn.Identity(), alone) == evaluate(nn.Identity(), batch)
    with pytest.raises(ValueError, match=r"targets \(\) and one axis of classes, got \(\)$"):
        evaluate(nn.Identity(), [(torch.tensor(3.0), target)])


# fit


def test_fit_is_a_loop_of_train_and_evaluate():
    by_hand, by_fit = make_model(), make_model()
    batches = [cut(*make_data(ROWS, seed=seed), [4, 7]) for seed in range(3)]
    held_out = [make_data(LENGTH, seed=23)]
    loss = {"loss_fn": nn.CrossEntropyLoss(label_smoothing=0.3)}
    optimizer, other = sgd(by_hand), sgd(by_fit)
    options = loss | {"scheduler": falling(optimizer), "max_norm": 0.1}
    losses, measured = [], []
    for epoch in range(3):
        losses.append(train(by_hand, batches[epoch], optimizer, **options))
        measured.append(evaluate(by_hand, held_out, **loss))

    options |= {"scheduler": falling(other), "validation": lambda: iter(held_out)}
    history = fit(by_fit, batches.__getitem__, other, epochs=3, **options)
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
        history = fit(model, lambda e: [(X, Y)], sgd(model), epochs=3, validation=validation)
        weights.append(model.state_dict())
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

    batches = [(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([1]))]
    options = {"epochs": len(losses), "validation": validation, "patience": patience}
    history = fit(model, lambda epoch: batches, sgd(model), **options)

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
    assert history.val_accuracy == [0.0] * ran  # a loss of 1 and more is a wrong guess
    assert torch.equal(model.w, after[best] if patience is not None else after[-1])


# the schedule


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


# the bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def written_by(monkeypatch, capfd):
    """What a run writes to a terminal, and nowhere else."""

    def written(run):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", Terminal())
            run()
            text = sys.stderr.getvalue()
        assert capfd.readouterr() == ("", "")
        return text

    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    return written


def frames_of(text):
    """What stood on the line of a terminal, one picture after another."""
    return [frame.strip() for frame in text.split("\r") if frame.strip()]


def counts(text, name):
    """How far each frame of this name had come: ``0/4`` where four batches are expected."""
    rests = [frame.split(": ", 1)[1] for frame in frames_of(text) if frame.startswith(f"{name}: ")]
    return [re.search(r"\d+/\d+|\d+ batch", rest)[0] for rest in rests]


def fit_some(batches=lambda epoch: [(X, Y)] * 4, epochs=2):
    model = make_model()
    return fit(model, batches, sgd(model), epochs=epochs, validation=lambda: [(X, Y)])


def test_no_bar_where_it_is_disabled_or_standard_error_is_no_terminal(
    monkeypatch, capfd, written_by
):
    fit_some()
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert written_by(fit_some) == ""


@pytest.mark.parametrize("setting", [{}, {"TQDM_DISABLE": ""}])
def test_a_bar_on_a_terminal_shows_each_pass_and_leaves_nothing(monkeypatch, written_by, setting):
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    histories = []
    text = written_by(lambda: histories.append(fit_some()))
    for name in ("epoch 1/2", "epoch 2/2"):
        assert counts(text, name)[0] == "0/4"
        assert counts(text, f"{name}, validating")[0] == "4/4"
        first = next(frame for frame in frames_of(text) if frame.startswith(f"{name}: "))
        assert first.endswith("? batch/s]")  # no loss yet
    assert "\n" not in text
    *_, last, wiped, after = text.split("\r")
    assert last.startswith("epoch 2/2, validating: 100%")
    assert last.rstrip().endswith(f"loss {histories[0].train_loss[1]:.4f}]")  # the mean so far
    assert wiped.strip() == ""
    assert len(wiped) >= len(last.rstrip())
    assert after == ""


def test_without_a_length_a_pass_expects_as_many_batches_as_the_one_before(written_by):
    def batches(epoch):
        yield from [(X, Y)] * (4 - epoch)

    text = written_by(lambda: fit_some(batches, epochs=3))
    assert counts(text, "epoch 1/3")[0] == "0 batch"
    assert counts(text, "epoch 2/3")[0] == "0/4"
    assert counts(text, "epoch 2/3, validating")[0] == "3/3"  # full all the same
    assert counts(text, "epoch 3/3")[0] == "0/3"


def test_one_pass_alone_has_a_bar_too_drawn_less_often_than_batches_come(written_by):
    model = make_model()
    text = written_by(lambda: train(model, iter([(X, Y)] * 101), sgd(model)))
    assert counts(text, "training")[0] == "0 batch"
    assert len(frames_of(text)) < 50


CELLS = """
import importlib, os, sys, torch
from helpers import running, training

model, batch = torch.nn.Linear(5, 3), (torch.ones(7, 5), torch.zeros(7, dtype=torch.int64))

def run():
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    training.fit(model, lambda epoch: [batch] * 4, optimizer, epochs=2)

run()
# next cell
del os.environ["TQDM_DISABLE"]
run()
# next cell
for name in ("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"):
    del sys.modules[name]
sys.modules["ipywidgets"] = None  # as if it were not installed
importlib.reload(running)
importlib.reload(training)
run()
"""


def test_what_a_notebook_stores(tmp_path):
    """In a process of its own: the kernel's client has warnings of its own on some systems."""
    path = tmp_path / "small.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.split("# next cell\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute = [sys.executable, "-m", "jupyter", "execute", "--inplace", "--kernel_name=python3"]
    execute += ["--startup_timeout=300", "--timeout=300"]  # a busy machine is slow to start one
    env = os.environ | {"TQDM_DISABLE": "1", "PYTHONPATH": str(ROOT)}
    ran = finished([*execute, path], env=env, encoding="utf-8", errors="replace", timeout=600)
    assert ran.returncode == 0, ran.stderr
    silent, live, without_widgets = (cell.outputs for cell in nbformat.read(path, 4).cells)
    assert silent == []
    assert without_widgets == []  # no bar and no warning
    assert [output["output_type"] for output in live] == ["display_data"]  # one for both epochs
    assert "application/vnd.jupyter.widget-view+json" in live[0]["data"]
