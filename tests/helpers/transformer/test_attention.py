"""helpers.transformer.attention: against torch, against loops, and by the laws of attention."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.transformer.attention import (
    MultiHeadAttention,
    _join,
    attention_weights,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
)
from torch_reference import (
    NEARLY_ONE,
    assert_close,
    assert_same,
    attention_pairs,
    generator,
    random_mask,
    random_module,
    with_weights,
)

B, H, T, S, K, V = 2, 3, 5, 7, 11, 13  # distinct primes: a swapped axis cannot hide
D = H * K

law = settings(max_examples=25)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


@pytest.fixture(autouse=True)
def _float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed))


def qkv(seed=0):
    """Query, key and value with different widths, for bare attention."""
    return draw(B, H, T, K, seed=seed), draw(B, H, S, K, seed=seed + 1), draw(B, H, S, V, seed=9)


def inputs():
    """Query, key and value of width D, for MultiHeadAttention."""
    return draw(B, T, D), draw(B, S, D, seed=1), draw(B, S, D, seed=2)


def run(module, ask, *args, **options):
    """The output, and the weights if we ask for them."""
    if not ask:
        return (module(*args, **options),)
    return with_weights(module, *args, **options)


# Masks


def test_causal_mask_is_true_at_and_before_each_position():
    mask = causal_mask(T)
    assert mask.dtype == torch.bool
    assert mask.tolist() == [[key <= query for key in range(T)] for query in range(T)]


def test_padding_mask_marks_the_real_tokens():
    T, F = True, False
    assert padding_mask(torch.tensor([2, 0, 3])).tolist() == [[T, T, F], [F, F, F], [T, T, T]]
    assert padding_mask(torch.tensor([1, 2]), 3).tolist() == [[T, F, F], [T, T, F]]
    assert padding_mask(torch.tensor([1], dtype=torch.int32), 1).tolist() == [[T]]
    assert padding_mask(torch.tensor([0, 0])).shape == (2, 0)
    assert padding_mask(torch.tensor([0, 0]), 0).shape == (2, 0)
    assert padding_mask(torch.tensor([2, 0, 3])).dtype == torch.bool


def test_padding_mask_is_where_the_lengths_are():
    lengths = torch.tensor([2, 0, 3])
    with torch.device("meta"):  # elsewhere, for what is made without a word on where
        assert padding_mask(lengths).device == lengths.device


# Scaled dot-product attention


def test_attention_equals_three_loops():
    query, key, value = draw(B, T, K), draw(B, S, K, seed=1), draw(B, S, V, seed=2)
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


@pytest.mark.parametrize(
    "shape",
    [None, (T, S), (1, S), (H, 1, S), (B, 1, T, S), (B, 1, 1, S), (B, H, T, S)],
    ids=str,
)
def test_attention_equals_torch(shape):
    mask = None if shape is None else random_mask(*shape)
    ours = [x.requires_grad_() for x in qkv()]
    theirs = [x.requires_grad_() for x in qkv()]
    output, _ = scaled_dot_product_attention(*ours, mask)
    expected = F.scaled_dot_product_attention(*theirs, attn_mask=mask)
    assert_close(output, expected)
    direction = draw(B, H, T, V, seed=5)
    output.backward(direction)
    expected.backward(direction)
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual.grad, expected.grad)


def test_a_fully_masked_row_is_zero_as_in_torch():
    mask = random_mask(B, 1, T, S)
    mask[1, 0, 3] = False
    ours = [x.requires_grad_() for x in qkv()]
    theirs = [x.requires_grad_() for x in qkv()]
    with torch.autograd.set_detect_anomaly(True):  # a nan anywhere in backward raises
        output, weights = scaled_dot_product_attention(*ours, mask)
        (output.sum() + weights.square().sum()).backward()
    assert (weights[1, :, 3] == 0).all()
    assert (output[1, :, 3] == 0).all()
    assert (ours[0].grad[1, :, 3] == 0).all()
    assert all(x.grad.isfinite().all() for x in ours)

    expected = F.scaled_dot_product_attention(*theirs, attn_mask=mask)
    assert_close(output, expected)
    for x in ours:
        x.grad = None
    scaled_dot_product_attention(*ours, mask)[0].sum().backward()
    expected.sum().backward()
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual.grad, expected.grad)


def test_nothing_may_be_attended_to_at_all():
    query, key, value = (x.requires_grad_() for x in qkv())
    with torch.autograd.set_detect_anomaly(True):
        output, weights = scaled_dot_product_attention(
            query, key, value, torch.zeros(T, S, dtype=torch.bool)
        )
        output.sum().backward()
    assert (output == 0).all()
    assert (weights == 0).all()
    assert all((x.grad == 0).all() for x in (query, key, value))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_extreme_scores_give_no_nan_and_never_reveal_a_hidden_key(dtype):
    query = torch.full((1, 1), 100.0, dtype=dtype)
    key = torch.tensor([[100.0], [-100.0], [-200.0]], dtype=dtype)
    value = torch.eye(3, dtype=dtype)
    mask = torch.tensor([False, True, True])
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    assert output.dtype == weights.dtype == dtype
    assert weights.tolist() == [[0.0, 1.0, 0.0]]
    assert output.tolist() == [[0.0, 1.0, 0.0]]


def test_the_score_of_a_hidden_key_is_below_every_other():
    query = torch.full((1, 1), 1e20)
    key = torch.tensor([[1.0], [-1e20]])
    _, weights = scaled_dot_product_attention(query, key, torch.eye(2), torch.tensor([False, True]))
    assert weights.tolist() == [[0.0, 1.0]]


def test_leading_sizes_are_broadcast():
    query, key, value = draw(H, T, K), draw(B, 1, S, K, seed=1), draw(S, V, seed=2)
    output, weights = scaled_dot_product_attention(query, key, value, random_mask(1, H, 1, S))
    assert output.shape == (B, H, T, V)
    full = [query.expand(B, H, T, K), key.expand(B, H, S, K), value.expand(B, H, S, V)]
    expected = F.scaled_dot_product_attention(*full, attn_mask=random_mask(1, H, 1, S))
    assert_close(output, expected)
    assert weights.shape == (B, H, T, S)


@law
@given(seed=seeds, b=sizes, t=sizes, s=sizes, share=st.floats(0, 1))
def test_rows_sum_to_one_or_zero_and_outputs_are_averages(seed, b, t, s, share):
    mask = torch.rand(b, t, s, generator=generator(seed)) < share
    value = draw(b, s, V, seed=seed)
    output, weights = scaled_dot_product_attention(
        draw(b, t, K, seed=seed), draw(b, s, K, seed=seed), value, mask
    )
    assert (weights >= 0).all()
    assert (weights[~mask] == 0).all()
    assert (weights[mask] > 0).all()
    assert_close(weights.sum(-1), mask.any(-1).double(), 1e-12)
    low = value.masked_fill(value > 0, 0).amin(1, keepdim=True)
    high = value.masked_fill(value < 0, 0).amax(1, keepdim=True)
    assert ((output >= low - 1e-12) & (output <= high + 1e-12)).all()


@law
@given(seed=seeds, t=sizes, s=sizes)
def test_the_order_of_the_keys_does_not_matter(seed, t, s):
    order = torch.randperm(s, generator=generator(seed))
    query, key, value = draw(B, t, K, seed=seed), draw(B, s, K, seed=seed), draw(B, s, V, seed=seed)
    mask = random_mask(B, t, s, seed=seed)
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    permuted, permuted_weights = scaled_dot_product_attention(
        query, key[:, order], value[:, order], mask[..., order]
    )
    assert_close(permuted, output, 1e-12)
    assert_close(permuted_weights, weights[..., order], 1e-12)


@law
@given(seed=seeds, t=sizes, s=sizes, more=sizes)
def test_hidden_keys_are_inert(seed, t, s, more):
    query, key, value = draw(B, t, K, seed=seed), draw(B, s, K, seed=seed), draw(B, s, V, seed=seed)
    output, weights = scaled_dot_product_attention(query, key, value)
    padded, padded_weights = scaled_dot_product_attention(
        query,
        torch.cat([key, 100 * draw(B, more, K, seed=seed)], 1),
        torch.cat([value, 100 * draw(B, more, V, seed=seed)], 1),
        torch.arange(s + more) < s,
    )
    assert_close(padded, output, 1e-12)
    assert_close(padded_weights[..., :s], weights, 1e-12)


def test_dropout_drops_its_share_and_scales_the_rest():
    p, size = 0.3, 211
    torch.manual_seed(0)
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


def test_no_query_needs_no_answer():
    query, key, value = torch.ones(B, 0, K), torch.ones(B, S, K), torch.ones(B, S, V)
    output, weights = scaled_dot_product_attention(query, key, value)
    assert (output.shape, weights.shape) == ((B, 0, V), (B, 0, S))


# Several heads


@pytest.mark.parametrize("ask", [False, True], ids=["fused", "weights"])
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("shape", [None, (T, S), (B, T, S), (B, H, T, S)], ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_multi_head_attention_equals_torch(bias, shape, padded, ask):
    ours = random_module(MultiHeadAttention(D, H, bias=bias))
    reference = nn.MultiheadAttention(D, H, bias=bias, batch_first=True)
    mask = None if shape is None else random_mask(*shape)
    padding = random_mask(B, S, seed=1) if padded else None

    # In torch True = hidden, and a mask for each example has one matrix a head: (B*H, T, S).
    attn_mask = mask
    if mask is not None and mask.dim() > 2:
        per_head = mask if mask.dim() == 4 else mask[:, None].expand(B, H, T, S)
        attn_mask = per_head.reshape(B * H, T, S)

    def run_ours(q, k, v):
        return run(ours, ask, q, k, v, mask, padding_mask=padding)

    def run_reference(q, k, v):
        result = reference(
            q,
            k,
            v,
            attn_mask=None if attn_mask is None else ~attn_mask,
            key_padding_mask=None if padding is None else ~padding,
            average_attn_weights=False,
        )
        return result if ask else result[:1]

    pairs = attention_pairs(ours, reference)
    assert_same(ours, reference, pairs, run_ours, run_reference, inputs())


def test_the_heads_are_attentions_of_their_own():
    """Each head by itself, concatenated, then mixed: the formula of section 3.2.2."""
    module = random_module(MultiHeadAttention(D, H))
    query, key, value = inputs()
    heads = []
    for h in range(H):
        rows = slice(h * K, (h + 1) * K)
        projected = [
            x @ projection.weight[rows].T + projection.bias[rows]
            for x, projection in zip(
                (query, key, value),
                (module.query_proj, module.key_proj, module.value_proj),
                strict=True,
            )
        ]
        heads.append(scaled_dot_product_attention(*projected)[0])
    concatenated = torch.cat(heads, dim=-1)
    expected = concatenated @ module.output_proj.weight.T + module.output_proj.bias
    assert_close(module(query, key, value), expected, 1e-12)


def test_shapes_of_every_stage():
    module = MultiHeadAttention(D, H)
    query, key, value = inputs()
    assert module._split_heads(query).shape == (B, H, T, K)
    assert module._split_heads(key).shape == (B, H, S, K)
    output, weights = run(module, True, query, key, value)
    assert output.shape == (B, T, D)
    assert weights.shape == (B, H, T, S)
    full = torch.ones(B, H, T, S, dtype=torch.bool)
    padding = full[:, 0, 0]
    assert _join(full[0, 0], None).shape == (T, S)
    assert _join(full[:, 0], None).shape == (B, 1, T, S)
    assert _join(None, padding).shape == (B, 1, 1, S)
    assert _join(full[:, 0], padding).shape == (B, 1, T, S)
    assert _join(full, padding).shape == (B, H, T, S)


def test_masks_are_broadcast_over_heads_and_examples():
    """A mask means the same in each of the shapes that it can be given in."""
    module = random_module(MultiHeadAttention(D, H))
    mask, padding = random_mask(T, S), random_mask(B, S, seed=1)
    expected = module(*inputs(), mask, padding_mask=padding)
    joined = mask & padding[:, None]
    for same in (joined, joined[:, None].expand(B, H, T, S)):
        assert_close(module(*inputs(), same), expected, 1e-12)
    assert_close(module(*inputs(), mask.expand(B, T, S), padding_mask=padding), expected, 1e-12)


@pytest.mark.parametrize("ask", [False, True], ids=["fused", "weights"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_query_without_keys_gets_the_bias_of_the_output(dtype, bias, ask):
    torch.set_default_dtype(dtype)
    module = random_module(MultiHeadAttention(D, H, bias=bias))
    query, key, value = (x.requires_grad_() for x in inputs())
    mask = random_mask(B, T, S)
    mask[0] = False
    mask[1, 2] = False
    with torch.autograd.set_detect_anomaly(True):
        output, *others = run(module, ask, query, key, value, mask)
        [weights] = others or [torch.zeros(B, H, T, S)]
        (output.square().sum() + weights.square().sum()).backward()
    expected = module.output_proj.bias if bias else torch.zeros(D)
    assert_close(output[0], expected.expand(T, D), 0)
    assert_close(output[1, 2], expected, 0)
    assert (weights[0] == 0).all()
    assert (weights[1, :, 2] == 0).all()
    assert (query.grad[0] == 0).all()
    assert (query.grad[1, 2] == 0).all()
    assert (key.grad[0] == 0).all()
    assert (value.grad[0] == 0).all()
    assert all(x.grad.isfinite().all() for x in (query, key, value, *module.parameters()))


@pytest.mark.parametrize("ask", [False, True], ids=["fused", "weights"])
def test_an_example_of_padding_only_does_not_spoil_the_others(ask):
    module = random_module(MultiHeadAttention(D, H))
    query, key, value = (x.requires_grad_() for x in inputs())
    padding = padding_mask(torch.tensor([0, 4]), S)
    with torch.autograd.set_detect_anomaly(True):
        output = run(module, ask, query, key, value, padding_mask=padding)[0]
        output.square().sum().backward()
    assert_close(output[0], module.output_proj.bias.expand(T, D), 0)
    alone = module(query[1:], key[1:, :4], value[1:, :4])
    assert_close(output[1:], alone, 1e-12)
    assert all((x.grad[0] == 0).all() for x in (query, key, value))
    assert all(p.grad.isfinite().all() for p in module.parameters())


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
@given(seed=seeds, more=sizes)
def test_padding_is_inert(seed, more):
    module = random_module(MultiHeadAttention(D, H))
    x, query = draw(B, S, D, seed=seed), draw(B, T, D, seed=seed)
    padded = torch.cat([x, 100 * draw(B, more, D, seed=seed)], 1)
    mask = padding_mask(torch.tensor([S, S]), S + more)
    output = module(query, padded, padded, padding_mask=mask)
    assert_close(output, module(query, x, x), 1e-12)


@law
@given(seed=seeds, b=sizes, t=sizes, s=sizes, share=st.floats(0, 1), heads=st.booleans())
def test_the_output_is_the_same_with_and_without_weights(seed, b, t, s, share, heads):
    """Our own formula and torch's fused kernel agree, also where nothing may be attended to."""
    module = random_module(MultiHeadAttention(D, H), seed)
    shape = (b, H, t, s) if heads else (t, s)
    mask = torch.rand(shape, generator=generator(seed)) < share
    args = draw(b, t, D, seed=seed), draw(b, s, D, seed=seed), draw(b, s, D, seed=seed), mask
    output, weights = run(module, True, *args)
    assert weights.shape == (b, H, t, s)
    assert_close(module(*args), output, 1e-12)


def told_to_the_kernel(monkeypatch, mask, **others):
    """What torch's fused kernel is given for this mask: its matrix, and whether it is causal."""
    given, kernel = [], F.scaled_dot_product_attention
    monkeypatch.setattr(
        F,
        "scaled_dot_product_attention",
        lambda *x, is_causal: given.append((x[3], is_causal)) or kernel(*x, is_causal=is_causal),
    )
    length = mask.shape[-2:]
    args = draw(B, length[0], D), draw(B, length[1], D, seed=1), draw(B, length[1], D, seed=2)
    module = random_module(MultiHeadAttention(D, H))
    output = module(*args, mask, **others)
    assert_close(output, run(module, True, *args, mask, **others)[0], 1e-12)
    return given[0]


@pytest.mark.parametrize("shape", [(1, 1), (T, T), (T, S), (S, T)], ids=str)
def test_the_fused_kernel_needs_no_matrix_for_a_causal_mask(monkeypatch, shape):
    causal = torch.ones(shape, dtype=torch.bool).tril()
    assert told_to_the_kernel(monkeypatch, causal) == (None, True)


@pytest.mark.parametrize(
    "mask",
    [
        causal_mask(T).tril(-1),
        causal_mask(T) | torch.eye(T, dtype=torch.bool).roll(1, 1),
        causal_mask(T).T,
        torch.ones(T, T, dtype=torch.bool),
        causal_mask(T).expand(B, T, T),
    ],
    ids=["past only", "one step ahead", "future", "all", "for each example"],
)
def test_the_fused_kernel_gets_every_other_mask(monkeypatch, mask):
    given, causal = told_to_the_kernel(monkeypatch, mask)
    assert causal is False
    assert given.equal(mask.unsqueeze(1) if mask.dim() == 3 else mask)


def test_the_fused_kernel_gets_a_causal_mask_with_padding(monkeypatch):
    real = padding_mask(torch.tensor([T, 2]))
    given, causal = told_to_the_kernel(monkeypatch, causal_mask(T), padding_mask=real)
    assert causal is False
    assert given.equal(causal_mask(T) & real[:, None, None])


def test_examples_do_not_see_each_other():
    module = random_module(MultiHeadAttention(D, H))
    together = module(*inputs())
    for b in range(B):
        assert_close(together[b : b + 1], module(*(x[b : b + 1] for x in inputs())), 1e-12)


def test_attention_dropout_is_for_training_only():
    module = random_module(MultiHeadAttention(D, H, dropout=0.5))
    plain = MultiHeadAttention(D, H)
    plain.load_state_dict(module.state_dict())
    expected, kept = run(plain, True, *inputs())
    output, weights = run(module, True, *inputs())
    assert torch.equal(weights, kept)  # those before dropout
    assert (output - expected).abs().max() > 0.01
    assert (module(*inputs()) - expected).abs().max() > 0.01
    module.eval()
    assert torch.equal(run(module, True, *inputs())[0], expected)
    assert torch.equal(module(*inputs()), plain(*inputs()))


@pytest.mark.parametrize("ask", [False, True], ids=["fused", "weights"])
def test_attention_dropout_is_on_the_weights(ask):
    module = random_module(MultiHeadAttention(D, H, dropout=NEARLY_ONE))
    output = run(module, ask, *inputs())[0]
    assert_close(output, module.output_proj.bias.expand(B, T, D), 0)


@pytest.mark.parametrize("ask", [False, True], ids=["fused", "weights"])
def test_attention_dropout_leaves_the_mean_as_it_was(ask):
    """Kept weights are scaled by 1 / (1 - p): over many draws the output is the one without."""
    module = random_module(MultiHeadAttention(D, H, dropout=0.3))
    draws = 4001
    args = [x[:1].expand(draws, -1, -1) for x in inputs()]
    output = run(module, ask, *args)[0]
    expected = module.eval()(*(x[:1] for x in inputs()))[0]
    spread = output.std(0) / math.sqrt(draws)
    assert ((output.mean(0) - expected).abs() < 5 * spread).all()


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
    with pytest.raises(ZeroDivisionError), attention_weights(module) as kept:
        1 / 0  # noqa: B018
    module[0](query, key, value)
    assert kept == []


@pytest.mark.parametrize(("bias", "expected"), [(True, 4 * D * D + 4 * D), (False, 4 * D * D)])
def test_parameters_by_hand(bias, expected):
    """Four maps from D to D, each with D x D weights and, if it has one, a bias of D."""
    module = MultiHeadAttention(D, H, bias=bias)
    assert sum(p.numel() for p in module.parameters()) == expected


def test_arguments_are_left_as_they_were():
    module = MultiHeadAttention(D, H)
    args = [*inputs(), random_mask(T, S)]
    padding = random_mask(B, S)
    copies = [x.clone() for x in (*args, padding)]
    module(*args, padding_mask=padding)
    scaled_dot_product_attention(*args)
    assert all(torch.equal(x, y) for x, y in zip((*args, padding), copies, strict=True))


def test_single_precision_and_saved_weights():
    torch.set_default_dtype(torch.float32)
    module = MultiHeadAttention(D, H)
    other = MultiHeadAttention(D, H)
    other.load_state_dict(module.state_dict())
    output = module(*inputs(), causal_mask(S)[:T], padding_mask=random_mask(B, S))
    assert output.dtype == torch.float32
    assert torch.equal(output, other(*inputs(), causal_mask(S)[:T], padding_mask=random_mask(B, S)))
    assert set(module.state_dict()) == {
        f"{name}_proj.{kind}"
        for name in ("query", "key", "value", "output")
        for kind in ("weight", "bias")
    }
