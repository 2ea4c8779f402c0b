"""What torch does with our modules, in a process without the hook that types the helpers in tests.

Run by `test_unhooked`: jaxtyping's hook would be compiled, pickled and timed as well.
"""

import copy
import pickle
import sys
import time

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

import helpers.contracts
from helpers.transformer import (
    EncoderLayer,
    MultiHeadAttention,
    NgramClassifier,
    Transformer,
    TransformerClassifier,
    TransformerModel,
    causal_mask,
    scaled_dot_product_attention,
)

B, H, T, S, V, D = 2, 3, 5, 7, 13, 18
SIZES = {"d_model": D, "num_heads": H, "d_hidden": 23, "num_layers": 2}


class SelfAttention(MultiHeadAttention):
    """Of one argument, as the others have."""

    def forward(self, x: Tensor, *masks: Tensor) -> Tensor:
        return super().forward(x, x, x, *masks)


def ids(*shape: int) -> Tensor:
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(0))


def floats(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


real = torch.arange(T) < torch.tensor([[T], [3]])

CASES = {
    "attention": (lambda: SelfAttention(D, H), (floats(B, T, D),)),
    "attention, causal": (lambda: SelfAttention(D, H), (floats(B, T, D), causal_mask(T))),
    "layer": (lambda: EncoderLayer(D, H, 23), (floats(B, T, D),)),
    "layer, causal": (lambda: EncoderLayer(D, H, 23), (floats(B, T, D), causal_mask(T))),
    "classifier": (lambda: TransformerClassifier(V, 4, **SIZES), (ids(B, T),)),
    "classifier, padded": (lambda: TransformerClassifier(V, 4, **SIZES), (ids(B, T), real)),
    "runs": (lambda: NgramClassifier(V, 4, **SIZES), (ids(B, T, 3), floats(B, T, 3))),
    "language model": (lambda: TransformerModel(V, D, H, 23, 2), (ids(B, T),)),
    "whole": (lambda: Transformer(V, V, **SIZES), (ids(B, S), ids(B, T))),
}
each = pytest.mark.parametrize("name", CASES)


def made(name: str) -> tuple[nn.Module, tuple[Tensor, ...], Tensor]:
    torch.manual_seed(0)
    make, inputs = CASES[name]
    model = make().eval()
    return model, inputs, model(*inputs)


@each
def test_compiled_in_one_graph(name):
    model, inputs, expected = made(name)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*inputs), expected)


@each
def test_exported(name):
    model, inputs, expected = made(name)
    torch.testing.assert_close(torch.export.export(model, inputs).module()(*inputs), expected)


@each
def test_copied_and_pickled(name):
    model, inputs, expected = made(name)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(*inputs), expected)
        assert torch.equal(other.double().float()(*inputs), expected)


@each
def test_called_with_other_weights(name):
    model, inputs, expected = made(name)
    weights = {key: torch.zeros_like(value) for key, value in model.named_parameters()}
    assert not torch.equal(functional_call(model, weights, inputs), expected)
    assert torch.equal(functional_call(model, dict(model.named_parameters()), inputs), expected)


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"runs"}))  # torch maps no EmbeddingBag
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_mapped_over_several_batches(name):
    model, inputs, expected = made(name)
    several = [torch.stack([one, one]) for one in inputs]
    mapped = torch.vmap(model)(*several)
    torch.testing.assert_close(mapped, torch.stack([expected, expected]))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_a_gradient_for_each_example():
    """The use that vmap is mostly put to."""
    model, (x,), _ = made("language model")
    weights = dict(model.named_parameters())

    def loss(weights, one):
        return functional_call(model, weights, (one[None],)).square().sum()

    grads = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)
    expected = torch.func.grad(loss)(weights, x[1])
    for key, value in expected.items():
        torch.testing.assert_close(grads[key][1], value, rtol=1e-3, atol=1e-4)


def test_attention_is_mapped():
    x = floats(3, B, T, D)
    output, _ = torch.vmap(scaled_dot_product_attention)(x, x, x)
    torch.testing.assert_close(output, scaled_dot_product_attention(x, x, x)[0])


def unguarded() -> type:
    """The language model as it would be if no call were held to anything."""
    kept = {name: module for name, module in sys.modules.items() if "helpers.transformer" in name}
    guard, helpers.contracts.guard = helpers.contracts.guard, lambda module: None
    try:
        for name in kept:
            del sys.modules[name]
        from helpers.transformer import TransformerModel as Free
    finally:
        helpers.contracts.guard = guard
        sys.modules.update(kept)
    assert not hasattr(Free.forward, "held")
    return Free


def test_the_contracts_cost_little():
    """A training step of the size of lesson 03's; a wide margin, for a busy machine."""
    torch.set_num_threads(1)
    best = {}
    models = [kind(1000, 128, 1, 128, 1, 0.0) for kind in (TransformerModel, unguarded())]
    batch = torch.randint(1000, (20, 35))
    for _ in range(60):
        for model in models:
            begun = time.perf_counter()
            model(batch).sum().backward()
            taken = time.perf_counter() - begun
            best[model] = min(best.get(model, taken), taken)
    held, free = best.values()
    assert held / free < 1.15
