"""helpers.transformer.attention: against torch, against loops, and by the laws of attention."""

import math
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.transformer.attention import (
    MultiHeadAttention,
    attention_weights,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
)
from tests.torch_reference import (
    NEARLY_ONE,
    assert_close,
    assert_same,
    attention_pairs,
    draw,
    generator,
    inverted,
    random_mask,
    random_module,
    run,
    with_weights,
)

pytestmark = pytest.mark.usefixtures("float64")

B, H, T, S, K, V = 2, 3, 5, 7, 11, 13  # distinct primes: a swapped axis cannot hide
D = H * K

law = settings(max_examples=25)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)
fused_or_not = pytest.mark.parametrize("ask", [False, True], ids=["fused", "weights"])
with_bias_or_not = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])


def qkv(*leading, t=T, s=S, seed=0):
    """Query, key and value with different widths, for bare attention."""
    sides = [(t, K), (s, K), (s, V)]
    return [draw(*leading, *side, seed=seed + i) for i, side in enumerate(sides)]


def inputs(b=B, t=T, s=S, seed=0):
    """Query, key and value of width D, for MultiHeadAttention."""
    return [draw(b, length, D, seed=seed + i) for i, length in enumerate([t, s, s])]


def true(*shape):
    return torch.ones(shape, dtype=torch.bool)


# Masks


def test_causal_mask_is_true_at_and_before_each_position():
    mask = causal_mask(T)
    assert mask.dtype == torch.bool
    assert mask.tolist() == [[key <= query for key in range(T)] for query in range(T)]


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32], ids=str)
@pytest.mark.parametrize("max_len", [None, 3, 4])
@pytest.mark.parametrize("lengths", [[2, 0, 3], [1], [0, 0]], ids=str)
def test_padding_mask_marks_the_real_tokens(lengths, max_len, dtype):
    with torch.device("meta"):  # elsewhere, for what is made without a word on where
        mask = padding_mask(torch.tensor(lengths, dtype=dtype, device="cpu"), max_len)
    size = max(lengths) if max_len is None else max_len
    assert mask.shape == (len(lengths), size)
    assert mask.dtype == torch.bool
    assert mask.tolist() == [[t < length for t in range(size)] for length in lengths]


# Scaled dot-product attention


def test_attention_equals_three_loops():
    query, key, value = qkv(B)
    mask = random_mask(B, T, S)
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    assert output.shape == (B, T, V)
    assert weights.shape == (B, T, S)
    for b in range(B):
        for t in range(T):
            powers = [
                math.exp(float(query[b, t] @ key[b, s]) / math.sqrt(K)) if mask[b, t, s] else 0.0
                for s in range(S)
            ]
            expected = torch.zeros(V)
            for s in range(S):
                assert weights[b, t, s].item() == pytest.approx(powers[s] / sum(powers), abs=1e-12)
                expected += powers[s] / sum(powers) * value[b, s]
            assert_close(output[b, t], expected, 1e-12)


SHAPES = [(T, S), (1, S), (H, 1, S), (B, 1, T, S), (B, 1, 1, S), (B, H, T, S)]
MASKS = {
    "no mask": None,
    **{str(shape): random_mask(*shape) for shape in SHAPES},
    "an empty row": random_mask(B, 1, T, S) & (torch.arange(T) != 3).unsqueeze(1),
    "nothing": ~true(T, S),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("leading", [[(B, H)] * 3, [(H,), (B, 1), ()]], ids=["full", "broadcast"])
def test_attention_equals_torch(leading, mask):
    """Also where a query may attend to nothing."""
    sides = zip(leading, [(T, K), (S, K), (S, V)], range(3), strict=True)
    qkv = [draw(*more, *side, seed=seed).requires_grad_() for more, side, seed in sides]
    direction = draw(B, H, T, V, seed=5)
    with torch.autograd.set_detect_anomaly(True):  # a nan anywhere in backward raises
        output, weights = scaled_dot_product_attention(*qkv, mask)
        of_weights = torch.autograd.grad(weights.square().sum(), qkv[:2], retain_graph=True)
        ours = torch.autograd.grad(output, qkv, direction)
    assert all(gradient.isfinite().all() for gradient in of_weights)
    full = [x.expand(B, H, *x.shape[-2:]) for x in qkv]
    expected = F.scaled_dot_product_attention(*full, attn_mask=mask)
    theirs = torch.autograd.grad(expected, qkv, direction)
    for actual, wanted in zip((output, *ours), (expected, *theirs), strict=True):
        assert_close(actual, wanted)


@pytest.mark.parametrize(
    ("dtype", "large"),
    [(torch.float64, 1e20), (torch.float32, 1e18), (torch.float16, 1e2), (torch.bfloat16, 1e18)],
    ids=str,
)
def test_extreme_scores_give_no_nan_and_never_reveal_a_hidden_key(dtype, large):
    query = torch.full((1, 1), large, dtype=dtype)
    key = large * torch.tensor([[1], [-1], [-2]], dtype=dtype)
    mask = torch.tensor([False, True, True])
    output, weights = scaled_dot_product_attention(query, key, torch.eye(3, dtype=dtype), mask)
    assert output.dtype == weights.dtype == dtype
    assert weights.tolist() == output.tolist() == [[0.0, 1.0, 0.0]]


@law
@given(seed=seeds, b=sizes, t=sizes, s=sizes, share=st.floats(0, 1))
@example(seed=0, b=B, t=0, s=S, share=0.5)
def test_rows_sum_to_one_or_zero_and_outputs_are_averages(seed, b, t, s, share):
    mask = torch.rand(b, t, s, generator=generator(seed)) < share
    query, key, value = qkv(b, t=t, s=s, seed=seed)
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    assert (weights[~mask] == 0).all()
    assert (weights[mask] > 0).all()
    assert_close(weights.sum(-1), mask.any(-1).double(), 1e-12)
    low = value.clamp(max=0).amin(1, keepdim=True)
    high = value.clamp(min=0).amax(1, keepdim=True)
    assert ((output >= low - 1e-12) & (output <= high + 1e-12)).all()


@law
@given(seed=seeds, t=sizes, s=sizes, more=sizes)
def test_neither_hidden_keys_nor_the_order_of_keys_matter(seed, t, s, more):
    query, key, value = qkv(B, t=t, s=s + more, seed=seed)
    mask = random_mask(B, t, s + more, seed=seed)
    mask[..., s:] = False
    key[:, s:], value[:, s:] = 100 * key[:, s:], 100 * value[:, s:]
    output, weights = scaled_dot_product_attention(query, key[:, :s], value[:, :s], mask[..., :s])
    order = torch.randperm(s + more, generator=generator(seed))
    others = query, key[:, order], value[:, order], mask[..., order]
    same, permuted = scaled_dot_product_attention(*others)
    assert_close(same, output, 1e-12)
    assert_close(permuted[..., order.argsort()][..., :s], weights, 1e-12)


def test_dropout_drops_its_share_and_scales_the_rest():
    p, size = 0.3, 211
    query, key = draw(size, K), draw(size, K, seed=1)
    _, kept = scaled_dot_product_attention(query, key, torch.eye(size))
    # With the identity as values, the output is the weights after dropout. Twice side by side: both
    # halves must have lost the same, or it would be the output that is dropped.
    value = torch.eye(size).repeat(1, 2)
    output, weights = scaled_dot_product_attention(query, key, value, dropout=p)
    assert torch.equal(weights, kept)
    assert torch.equal(output[:, :size], output[:, size:])
    output = output[:, :size]
    dropped = output == 0
    assert_close(output[~dropped], kept[~dropped] / (1 - p), 1e-12)
    spread = math.sqrt(p * (1 - p) / size**2)
    assert dropped.double().mean().item() == pytest.approx(p, abs=4 * spread)


# Several heads


@fused_or_not
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("shape", [None, (T, S), (B, T, S), (B, H, T, S)], ids=str)
@with_bias_or_not
def test_multi_head_attention_equals_torch(bias, shape, padded, ask):
    ours = random_module(MultiHeadAttention(D, H, bias=bias))
    reference = nn.MultiheadAttention(D, H, bias=bias, batch_first=True)
    mask = None if shape is None else random_mask(*shape)
    padding = random_mask(B, S, seed=1) if padded else None

    def run_reference(*qkv):
        masks = {"attn_mask": inverted(mask, H), "key_padding_mask": inverted(padding)}
        result = reference(*qkv, **masks, average_attn_weights=False)
        return result if ask else result[:1]

    assert_same(
        ours,
        reference,
        attention_pairs(ours, reference),
        lambda *qkv: run(ours, ask, *qkv, mask, padding_mask=padding),
        run_reference,
        inputs(),
    )


@fused_or_not
@with_bias_or_not
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_query_without_keys_gets_the_bias_of_the_output(dtype, bias, ask):
    torch.set_default_dtype(dtype)
    module = random_module(MultiHeadAttention(D, H, bias=bias))
    query, key, value = (x.requires_grad_() for x in inputs())
    mask, real = random_mask(B, T, S), padding_mask(torch.tensor([0, 4]), S)
    mask[1, 2] = False
    with torch.autograd.set_detect_anomaly(True):
        output, *kept = run(module, ask, query, key, value, mask, padding_mask=real)
        sum(each.square().sum() for each in (output, *kept)).backward()
    expected = module.output_proj.bias if bias else torch.zeros(D)
    assert_close(output[0], expected.expand(T, D), 0)
    assert_close(output[1, 2], expected, 0)
    for weights in kept:
        assert (weights[0] == 0).all()
        assert (weights[1, :, 2] == 0).all()
    assert all((x.grad[0] == 0).all() for x in (query, key, value))
    assert (query.grad[1, 2] == 0).all()
    assert all(x.grad.isfinite().all() for x in (query, key, value, *module.parameters()))


@law
@given(seed=seeds, t=sizes, position=sizes)
def test_a_causal_mask_hides_the_future(seed, t, position):
    position = min(position, t)
    module = random_module(MultiHeadAttention(D, H))
    x = draw(B, t, D, seed=seed)
    changed = x.clone()
    changed[:, position:] += draw(B, t - position, D, seed=seed)
    mask = causal_mask(t)
    before, after = module(x, x, x, mask), module(changed, changed, changed, mask)
    assert_close(after[:, :position], before[:, :position], 1e-12)
    if position < t:
        assert (after[:, position:] - before[:, position:]).abs().amax(-1).min() > 1e-6


@law
@given(seed=seeds, more=sizes, ask=st.booleans())
def test_padding_is_inert(seed, more, ask):
    module = random_module(MultiHeadAttention(D, H))
    lengths = [0, S, 4]
    query, key, value = inputs(b=3, s=S + more, seed=seed)
    real = padding_mask(torch.tensor(lengths), S + more)
    filled = [torch.where(real.unsqueeze(-1), x, 100 * x) for x in (key, value)]
    output = run(module, ask, query, *filled, padding_mask=real)[0]
    assert_close(output[0], module.output_proj.bias.expand(T, D), 0)
    for b in (1, 2):
        row, real = slice(b, b + 1), slice(lengths[b])
        assert_close(output[row], module(query[row], key[row, real], value[row, real]), 1e-12)


@pytest.mark.parametrize(
    ("mask", "padding", "causal"),
    [
        pytest.param(true(1, 1), None, True, id="one position"),
        pytest.param(true(T, T).tril(), None, True, id="causal"),
        pytest.param(true(T, S).tril(), None, True, id="causal, more keys"),
        pytest.param(true(S, T).tril(), None, True, id="causal, more queries"),
        pytest.param(true(T, T).tril(-1), None, False, id="past only"),
        pytest.param(true(T, T).tril() | torch.eye(T).roll(1, 1).bool(), None, False, id="ahead"),
        pytest.param(true(T, T).triu(), None, False, id="future"),
        pytest.param(true(T, T), None, False, id="all"),
        pytest.param(true(B, T, T).tril(), None, False, id="causal for each example"),
        pytest.param(true(T, T).tril(), random_mask(B, T), False, id="causal with padding"),
    ],
)
def test_the_fused_kernel_needs_no_matrix_for_a_causal_mask(mask, padding, causal):
    module = random_module(MultiHeadAttention(D, H))
    args = [*inputs(B, *mask.shape[-2:]), mask]
    kernel = mock.patch.object(
        F, "scaled_dot_product_attention", wraps=F.scaled_dot_product_attention
    )
    with kernel as called:
        output = module(*args, padding_mask=padding)
    assert_close(output, with_weights(module, *args, padding_mask=padding)[0], 1e-12)
    assert called.call_args.kwargs == {"is_causal": causal}
    given = called.call_args.args[3]
    if causal:
        assert given is None
    elif padding is None:
        assert given.equal(mask.unsqueeze(1) if mask.dim() == 3 else mask)
    else:
        assert given.equal(mask & padding[:, None, None])


@fused_or_not
def test_attention_dropout_is_on_the_weights(ask):
    """Which are handed on as they were before it."""
    module = random_module(MultiHeadAttention(D, H, dropout=NEARLY_ONE))
    output, *kept = run(module, ask, *inputs())
    assert_close(output, module.output_proj.bias.expand(B, T, D), 0)
    for weights in kept:
        assert torch.equal(weights, with_weights(module.eval(), *inputs())[1])


def test_weights_are_collected_only_while_asked_for():
    module = nn.Sequential(MultiHeadAttention(D, H), nn.ModuleList([MultiHeadAttention(D, H)]))
    query, key, value = inputs()
    with attention_weights(module) as kept:
        assert kept == []
        module[0](query, key, value)
        module[1][0](key, query, query)
        module[0](query, key, value)
    assert [weights.shape for weights in kept] == [(B, H, T, S), (B, H, S, T), (B, H, T, S)]
    module[0](query, key, value)
    assert len(kept) == 3
    with attention_weights(module) as outer:
        with attention_weights(module[0]) as inner:
            module[0](query, key, value)
        module[0](query, key, value)
    assert (len(outer), len(inner)) == (1, 1)
    with pytest.raises(ZeroDivisionError), attention_weights(module) as kept:
        1 / 0  # noqa: B018
    module[0](query, key, value)
    assert kept == []
    words = "^model must contain a MultiHeadAttention, got 'ReLU'$"
    with pytest.raises(ValueError, match=words), attention_weights(nn.ReLU()):
        pass
