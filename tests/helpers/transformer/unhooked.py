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
from helpers.transformer import TransformerModel, scaled_dot_product_attention
from tests.helpers.transformer import modules
from tests.helpers.transformer.modules import B, D, T
from tests.torch_reference import draw

CASES = {name: case for name, case in modules.CASES.items() if "pre-norm" not in name}
for name in ("encoder layer", "encoder-decoder", "classifier", "classifier of runs"):
    bare = {key: value for key, value in CASES[name].inputs.items() if "mask" not in key}
    CASES[f"{name}, without masks"] = CASES[name]._replace(inputs=bare)
CASES["encoder layer, causal"] = CASES["encoder layer"]._replace(
    inputs={"x": modules.x, "mask": modules.past}
)
each = pytest.mark.parametrize("name", CASES)


def made(name: str) -> tuple[nn.Module, dict[str, Tensor], Tensor]:
    torch.manual_seed(0)
    model, inputs = CASES[name].make().eval(), CASES[name].called_with()
    return model, inputs, model(**inputs)


@each
def test_compiled_in_one_graph(name):
    model, inputs, expected = made(name)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(**inputs), expected)


@each
def test_exported(name):
    model, inputs, expected = made(name)
    exported = torch.export.export(model, (), inputs).module()
    torch.testing.assert_close(exported(**inputs), expected)


@each
def test_copied_and_pickled(name):
    model, inputs, expected = made(name)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(**inputs), expected)
        assert torch.equal(other.double().float()(**inputs), expected)


@each
def test_called_with_other_weights(name):
    model, inputs, expected = made(name)
    weights = dict(model.named_parameters())
    zeros = {key: torch.zeros_like(value) for key, value in weights.items()}
    assert not torch.equal(functional_call(model, zeros, (), inputs), expected)
    assert torch.equal(functional_call(model, weights, (), inputs), expected)


@pytest.mark.parametrize("name", [name for name in CASES if "runs" not in name])
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_mapped_over_several_batches(name):  # torch maps no EmbeddingBag
    model, inputs, expected = made(name)
    several = {key: torch.stack([value, value]) for key, value in inputs.items()}
    mapped = torch.vmap(lambda inputs: model(**inputs))(several)
    torch.testing.assert_close(mapped, torch.stack([expected, expected]))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_a_gradient_for_each_example():
    """The use that vmap is mostly put to."""
    model, inputs, _ = made("language model")
    weights = dict(model.named_parameters())

    def loss(weights, one):
        return functional_call(model, weights, (one[None],)).square().sum()

    grads = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, inputs["ids"])
    expected = torch.func.grad(loss)(weights, inputs["ids"][1])
    for key, value in expected.items():
        torch.testing.assert_close(grads[key][1], value, rtol=1e-3, atol=1e-4)


def test_attention_is_mapped():
    x = draw(3, B, T, D)
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
