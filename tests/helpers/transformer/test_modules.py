"""helpers.transformer: what holds of every module, from one attention to the whole models."""

import pytest
import torch
from torch import nn

from helpers.transformer import MultiHeadAttention, PositionalEncoding
from tests.helpers.transformer.modules import CASES, B, H, S, T
from tests.torch_reference import assert_close, random_module, run, with_weights

pytestmark = pytest.mark.usefixtures("float64")

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
attentive = {name: case for name, case in CASES.items() if case.attended}


@pytest.mark.parametrize("case", attentive.values(), ids=attentive)
def test_weights_are_those_that_the_output_is_made_with(case):
    module, inputs = random_module(case.make(dropout=0.0)), case.called_with()
    output, *kept = with_weights(module, **inputs)
    assert_close(output, module(**inputs), 1e-12)
    for weights, attended in zip(kept, case.attended, strict=True):
        assert weights.shape in [(B, H, T, T), (B, H, T, S), (B, H, S, S)]
        assert (weights > 0).equal(attended.expand_as(weights))
        assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), 1e-12)


@each
def test_examples_do_not_see_each_other(case):
    module, inputs = random_module(case.make(dropout=0.0)), case.called_with()
    together = module(**inputs)
    for b in range(B):
        alone = module(**{name: value[b : b + 1] for name, value in inputs.items()})
        assert_close(together[b : b + 1], alone, 1e-12)


@each
def test_dropout_is_for_training_only(case):
    noisy, plain, inputs = case.make(dropout=0.3), case.make(dropout=0.0), case.called_with()
    plain.load_state_dict(noisy.state_dict())
    for ask in [False, True] if case.attended else [False]:
        output, again = (run(noisy.train(), ask, **inputs)[0] for _ in range(2))
        assert (output - again).abs().max() > 1e-3
        expected = run(plain, ask, **inputs)
        for quiet, plain_ones in zip(run(noisy.eval(), ask, **inputs), expected, strict=True):
            assert torch.equal(quiet, plain_ones)


@each
def test_options_reach_every_place(case):
    for options, expected in (({}, case.dropout), ({"dropout": 0.3}, 0.3)):
        parts = list(case.make(**options).modules())
        dropouts = {part.p for part in parts if isinstance(part, nn.Dropout)}
        dropouts |= {part.dropout for part in parts if isinstance(part, MultiHeadAttention)}
        assert dropouts == {expected}
    assert {part.norm_first for part in parts if hasattr(part, "norm_first")} <= {case.norm_first}
    assert {len(p.table) for p in parts if isinstance(p, PositionalEncoding)} <= {case.longest}


@each
def test_arguments_are_left_as_they_were(case):
    inputs = case.called_with()
    random_module(case.make(dropout=0.3))(**inputs)
    copies = case.called_with()
    assert all(torch.equal(value, copies[name]) for name, value in inputs.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@each
def test_saved_weights_give_the_same_outputs(case, dtype):
    torch.set_default_dtype(dtype)
    inputs = case.called_with()
    module, other = (random_module(case.make(dropout=0.0), seed) for seed in (0, 1))
    output = module(**inputs)
    assert output.dtype == dtype
    assert output.isfinite().all()
    assert not torch.equal(other(**inputs), output)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(**inputs), output)
    assert not [name for name in module.state_dict() if "table" in name]
    output.sum().backward()
    assert all(p.grad.to_dense().isfinite().all() for p in module.parameters())


@each
def test_parameters_by_hand(case):
    assert sum(p.numel() for p in case.make().parameters()) == case.parameters
