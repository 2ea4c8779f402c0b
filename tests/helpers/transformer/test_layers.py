"""helpers.transformer.layers: against torch.nn with copied weights, and by laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.transformer.attention import causal_mask, padding_mask
from helpers.transformer.layers import (
    DecoderLayer,
    Encoder,
    EncoderLayer,
    FeedForward,
    PositionalEncoding,
    TokenEmbedding,
    sinusoidal_encoding,
)
from tests.helpers.transformer.modules import B, D, F, H, N, S, T, V
from tests.torch_reference import (
    NEARLY_ONE,
    assert_close,
    assert_same,
    decoder_layer_pairs,
    draw,
    encoder_layer_pairs,
    encoder_pairs,
    generator,
    inverted,
    random_mask,
    random_module,
    sinusoids,
    tokens,
    torch_encoder,
)

pytestmark = pytest.mark.usefixtures("float64")

law = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)
both_norms = pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])


def encoder_layer(seed=0, dropout=0.0, **options):
    return random_module(EncoderLayer(D, H, F, dropout=dropout, **options), seed)


def decoder_layer(seed=0, dropout=0.0, **options):
    return random_module(DecoderLayer(D, H, F, dropout=dropout, **options), seed)


def encoder(seed=0, dropout=0.0, **options):
    return random_module(Encoder(N, D, H, F, dropout=dropout, **options), seed)


# Positions, embedding, feed-forward


def test_sinusoidal_encoding_equals_the_formula():
    assert_close(sinusoidal_encoding(101, D), sinusoids(101, D), 1e-12)
    assert sinusoidal_encoding(1, 2).tolist() == [[0.0, 1.0]]


def test_the_table_is_rounded_once():
    """In float32 too the angles are exact: at position 4999 a float32 angle would be 1e-4 off."""
    expected = sinusoidal_encoding(5000, D).float()
    torch.set_default_dtype(torch.float32)
    assert torch.equal(sinusoidal_encoding(5000, D), expected)


def test_positions_are_added_and_not_learned():
    module = PositionalEncoding(D, max_len=S).eval()
    for length in (T, S):
        x = draw(B, length, D)
        assert_close(module(x), x + sinusoids(length, D), 1e-12)
    assert (PositionalEncoding(D, NEARLY_ONE)(x) == 0).all()  # dropout is on the sum
    assert PositionalEncoding(D).dropout.p == 0.1
    assert PositionalEncoding(D).table.shape == (5000, D)
    assert not module.state_dict()
    assert not list(module.parameters())
    assert module.to(torch.float32).table.dtype == torch.float32  # it does move with the module


@pytest.mark.parametrize("scale", [1.0, 0.0, 0.3, 2])
def test_embedding_is_the_scaled_vector_plus_the_position(scale):
    """Of which ``position_scale`` multiplies the position only."""
    options = {} if scale == 1 else {"position_scale": scale}
    module = TokenEmbedding(V, D, dropout=0.0, **options)
    ids, table = tokens(V, B, T), sinusoids(T, D)
    output = module(ids)
    for b in range(B):
        for t in range(T):
            vector = module.vectors.weight[ids[b, t]]
            assert_close(output[b, t], vector * math.sqrt(D) + scale * table[t], 1e-12)
    assert torch.equal(module(ids.int()), output)


def test_embedding_starts_with_scaled_vectors_of_unit_size():
    """Standard deviation 1/sqrt(D), so 1 after scaling: within four of its standard errors."""
    vectors = TokenEmbedding(499, D).vectors.weight.detach() * math.sqrt(D)
    n = vectors.numel()
    assert vectors.mean().item() == pytest.approx(0, abs=4 / math.sqrt(n))
    assert vectors.std().item() == pytest.approx(1, abs=4 / math.sqrt(2 * n))


def test_feed_forward_dropout_is_on_the_hidden_elements():
    module = random_module(FeedForward(D, F, dropout=NEARLY_ONE))
    assert_close(module(draw(B, T, D)), module[3].bias.expand(B, T, D), 0)


# Layers against torch.nn


def self_masks(length):
    return {
        "no mask": None,
        "causal": causal_mask(length),
        "queries": random_mask(length, length, seed=3),
        "examples": random_mask(B, length, length, seed=3),
        "heads": random_mask(B, H, length, length, seed=3),
    }


def torch_layer(kind, norm_first):
    return kind(D, H, F, dropout=0.0, batch_first=True, norm_first=norm_first)


@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("mask", self_masks(S).values(), ids=self_masks(S))
@pytest.mark.parametrize("stack", [False, True], ids=["layer", "stack"])
@both_norms
def test_encoder_layer_and_encoder_equal_torch(norm_first, stack, mask, padded):
    if stack:
        ours, pairs = encoder(norm_first=norm_first), encoder_pairs
        reference = torch_encoder(N, D, H, F, norm_first=norm_first)
    else:
        ours, pairs = encoder_layer(norm_first=norm_first), encoder_layer_pairs
        reference = torch_layer(nn.TransformerEncoderLayer, norm_first)
    padding = random_mask(B, S, seed=1) if padded else None
    assert_same(
        ours,
        reference,
        pairs(ours, reference),
        lambda x: (ours(x, mask, padding_mask=padding),),
        lambda x: (reference(x, inverted(mask, H), inverted(padding)),),
        [draw(B, S, D)],
    )


@pytest.mark.parametrize("memory_padded", [False, True], ids=["memory", "padded memory"])
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("mask", self_masks(T).values(), ids=self_masks(T))
@both_norms
def test_decoder_layer_equals_torch(norm_first, mask, padded, memory_padded):
    ours = decoder_layer(norm_first=norm_first)
    reference = torch_layer(nn.TransformerDecoderLayer, norm_first)
    padding = random_mask(B, T, seed=1) if padded else None
    memory_padding = random_mask(B, S, seed=2) if memory_padded else None
    our_masks = {"padding_mask": padding, "memory_padding_mask": memory_padding}
    their_masks = {
        "tgt_mask": inverted(mask, H),
        "tgt_key_padding_mask": inverted(padding),
        "memory_key_padding_mask": inverted(memory_padding),
    }
    assert_same(
        ours,
        reference,
        decoder_layer_pairs(ours, reference),
        lambda x, memory: (ours(x, memory, mask, **our_masks),),
        lambda x, memory: (reference(x, memory, **their_masks),),
        [draw(B, T, D), draw(B, S, D, seed=1)],
    )


# Laws


@law
@given(seed=seeds, norm_first=st.booleans())
def test_an_encoder_without_positions_does_not_know_the_order(seed, norm_first):
    module = encoder(seed, norm_first=norm_first)
    order = torch.randperm(S, generator=generator(seed))
    x, padding = draw(B, S, D, seed=seed), random_mask(B, S, seed=seed)
    output = module(x, padding_mask=padding)
    permuted = module(x[:, order], padding_mask=padding[:, order])
    assert_close(permuted, output[:, order], 1e-12)


@both_norms
def test_nothing_to_attend_to_leaves_finite_outputs_and_gradients(norm_first):
    reader, writer = encoder(norm_first=norm_first), decoder_layer(norm_first=norm_first)
    x, target = draw(B, S, D).requires_grad_(), draw(B, T, D).requires_grad_()
    real, real_target = (padding_mask(torch.tensor([0, 3]), length) for length in (S, T))
    with torch.autograd.set_detect_anomaly(True):
        memory = reader(x, padding_mask=real)
        output = writer(target, memory, padding_mask=real_target, memory_padding_mask=real)
        output.square().sum().backward()
    assert output.isfinite().all()
    assert (x.grad[0] == 0).all()  # nothing of that source can reach the target
    everything = [x, target, *reader.parameters(), *writer.parameters()]
    assert all(p.grad.isfinite().all() for p in everything if p.grad is not None)


# Dropout


@pytest.mark.parametrize("make", [encoder_layer, decoder_layer])
def test_dropout_is_on_the_output_of_each_sub_layer(make):
    """With the outputs of all sub-layers gone, only the residual connection is left."""
    x, memory = draw(B, T, D), draw(B, S, D, seed=1)
    args = (x,) if make is encoder_layer else (x, memory)
    layer = make(norm_first=True)
    layer.dropout.p = NEARLY_ONE  # drops whatever it is applied to
    assert torch.equal(layer(*args), x)
    layer = make(norm_first=False)
    layer.dropout.p = NEARLY_ONE
    expected = layer.self_attention_norm(x)
    if make is decoder_layer:
        expected = layer.cross_attention_norm(expected)
    assert_close(layer(*args), layer.feed_forward_norm(expected), 1e-12)
