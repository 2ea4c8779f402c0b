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
from torch_reference import (
    NEARLY_ONE,
    assert_close,
    assert_same,
    decoder_layer_pairs,
    encoder_layer_pairs,
    encoder_pairs,
    generator,
    random_mask,
    random_module,
    simple_pairs,
    sinusoids,
    torch_encoder,
    with_weights,
)

B, H, T, S, K, V, F = 2, 3, 5, 7, 11, 13, 23  # distinct primes; F is the hidden width
D = H * K
EVEN = H * 14  # for what needs sines and cosines in pairs
N = 2

law = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)
both_norms = pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])


@pytest.fixture(autouse=True)
def _float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed))


def encoder_layer(**options):
    return random_module(EncoderLayer(D, H, F, **{"dropout": 0.0, **options}))


def decoder_layer(**options):
    return random_module(DecoderLayer(D, H, F, **{"dropout": 0.0, **options}))


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def hidden(mask):
    """Our mask as torch.nn wants it: True = hidden, one matrix a head and example."""
    if mask is None:
        return None
    if mask.dim() == 3:
        mask = mask[:, None].expand(-1, H, -1, -1)
    return ~(mask.flatten(0, 1) if mask.dim() == 4 else mask)


# Positions


def test_sinusoidal_encoding_equals_the_formula():
    assert_close(sinusoidal_encoding(101, EVEN), sinusoids(101, EVEN), 1e-12)
    assert sinusoidal_encoding(S, EVEN).shape == (S, EVEN)
    assert sinusoidal_encoding(1, 2).tolist() == [[0.0, 1.0]]


def test_the_first_position_is_zeros_and_ones():
    assert sinusoidal_encoding(T, EVEN)[0].tolist() == [0.0, 1.0] * (EVEN // 2)


def test_wavelengths_run_from_two_pi_to_ten_thousand_times_that():
    """The angle grows by 1 a position in the first pair and by 10000^(-(D-2)/D) in the last."""
    table = sinusoidal_encoding(2, EVEN)
    assert math.asin(table[1, 0]) == pytest.approx(1.0)
    assert math.asin(table[1, -2]) == pytest.approx(10000 ** (-(EVEN - 2) / EVEN))


@law
@given(position=st.integers(0, 200), shift=st.integers(0, 200))
def test_a_shift_is_a_rotation(position, shift):
    """Each pair turns by shift x frequency, wherever it starts."""
    table = sinusoidal_encoding(401, EVEN)
    for i in range(EVEN // 2):
        angle = shift / 10000 ** (2 * i / EVEN)
        rotation = torch.tensor(
            [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
        )
        pair = slice(2 * i, 2 * i + 2)
        assert_close(table[position + shift, pair], rotation @ table[position, pair], 1e-10)


def test_the_table_is_rounded_once():
    """In float32 too the angles are exact: at position 4999 a float32 angle would be 1e-4 off."""
    expected = sinusoidal_encoding(5000, EVEN).float()
    torch.set_default_dtype(torch.float32)
    assert torch.equal(sinusoidal_encoding(5000, EVEN), expected)


def test_positions_are_added_and_not_learned():
    module = PositionalEncoding(EVEN, max_len=S).eval()
    x = draw(B, T, EVEN)
    assert_close(module(x), x + sinusoids(T, EVEN), 1e-12)
    assert module(x).shape == (B, T, EVEN)
    assert module(draw(B, S, EVEN)).shape == (B, S, EVEN)
    assert not module.state_dict()
    assert not list(module.parameters())
    assert module.to(torch.float32).table.dtype == torch.float32  # it does move with the module


def test_positions_have_the_defaults_of_the_notes():
    module = PositionalEncoding(EVEN)
    assert module.dropout.p == 0.1
    assert module.table.shape == (5000, EVEN)


def test_positional_dropout_is_on_the_sum_and_for_training_only():
    p = 0.3
    x = draw(B, 997, EVEN)
    module = PositionalEncoding(EVEN, p)
    kept = module.eval()(x)
    assert torch.equal(module(x), kept)
    output = module.train()(x)
    dropped = output == 0
    assert_close(output[~dropped], kept[~dropped] / (1 - p), 1e-12)
    spread = math.sqrt(p * (1 - p) / x.numel())
    assert dropped.double().mean().item() == pytest.approx(p, abs=4 * spread)


# Embedding


def test_embedding_is_the_scaled_vector_plus_the_position():
    module = TokenEmbedding(V, EVEN, dropout=0.0)
    ids = torch.randint(V, (B, T), generator=generator(0))
    output = module(ids)
    assert output.shape == (B, T, EVEN)
    table = sinusoids(T, EVEN)
    for b in range(B):
        for t in range(T):
            vector = module.vectors.weight[ids[b, t]]
            assert_close(output[b, t], vector * math.sqrt(EVEN) + table[t], 1e-12)
    assert torch.equal(module(ids.int()), output)


@pytest.mark.parametrize("scale", [0.0, 0.3, 2])
def test_position_scale_multiplies_the_positions_only(scale):
    module = TokenEmbedding(V, EVEN, dropout=0.0, position_scale=scale)
    ids = torch.randint(V, (B, T), generator=generator(0))
    words = module.vectors(ids) * math.sqrt(EVEN)
    assert_close(module(ids), words + scale * sinusoids(T, EVEN), 1e-12)


def test_embedding_starts_with_scaled_vectors_of_unit_size():
    """Standard deviation 1/sqrt(D), so 1 after scaling: within four of its standard errors."""
    vectors = TokenEmbedding(499, EVEN).vectors.weight.detach() * math.sqrt(EVEN)
    n = vectors.numel()
    assert vectors.mean().item() == pytest.approx(0, abs=4 / math.sqrt(n))
    assert vectors.std().item() == pytest.approx(1, abs=4 / math.sqrt(2 * n))


def test_embedding_has_one_vector_a_token_and_drops_out_in_training():
    module = TokenEmbedding(V, EVEN, dropout=NEARLY_ONE)
    assert parameters(module) == V * EVEN
    ids = torch.arange(V)[None]
    assert (module(ids) == 0).all()
    assert (module.eval()(ids) != 0).all(-1).any()
    assert TokenEmbedding(V, EVEN).positions.dropout.p == 0.1


# Feed-forward


def test_feed_forward_is_two_maps_with_a_relu_between():
    module = random_module(FeedForward(D, F))
    x = draw(B, T, D)
    inner = (x @ module[0].weight.T + module[0].bias).clamp(min=0)
    assert inner.shape == (B, T, F)
    assert_close(module(x), inner @ module[3].weight.T + module[3].bias, 1e-12)
    assert_close(module(x)[:, 3], module(x[:, 3]), 1e-12)  # each position by itself


def test_feed_forward_dropout_is_on_the_hidden_elements():
    module = random_module(FeedForward(D, F, dropout=NEARLY_ONE))
    assert_close(module(draw(B, T, D)), module[3].bias.expand(B, T, D), 0)
    assert FeedForward(D, F)[2].p == 0
    module = random_module(FeedForward(D, F, dropout=0.5)).eval()
    assert torch.equal(module(draw(B, T, D)), module(draw(B, T, D)))


# Layers against torch.nn


@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("kind", ["no mask", "causal", "queries", "examples", "heads"])
@both_norms
def test_encoder_layer_equals_torch(norm_first, kind, padded):
    ours = encoder_layer(norm_first=norm_first)
    reference = nn.TransformerEncoderLayer(
        D, H, F, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    mask = self_mask(kind, S)
    padding = random_mask(B, S, seed=1) if padded else None
    assert_same(
        ours,
        reference,
        encoder_layer_pairs(ours, reference),
        lambda x: (ours(x, mask, padding_mask=padding),),
        lambda x: (reference(x, hidden(mask), hidden(padding)),),
        [draw(B, S, D)],
    )


@pytest.mark.parametrize("memory_padded", [False, True], ids=["memory", "padded memory"])
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("kind", ["no mask", "causal", "queries", "examples", "heads"])
@both_norms
def test_decoder_layer_equals_torch(norm_first, kind, padded, memory_padded):
    ours = decoder_layer(norm_first=norm_first)
    reference = nn.TransformerDecoderLayer(
        D, H, F, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    mask = self_mask(kind, T)
    padding = random_mask(B, T, seed=1) if padded else None
    memory_padding = random_mask(B, S, seed=2) if memory_padded else None
    assert_same(
        ours,
        reference,
        decoder_layer_pairs(ours, reference),
        lambda x, memory: (
            ours(x, memory, mask, padding_mask=padding, memory_padding_mask=memory_padding),
        ),
        lambda x, memory: (
            reference(
                x,
                memory,
                tgt_mask=hidden(mask),
                tgt_key_padding_mask=hidden(padding),
                memory_key_padding_mask=hidden(memory_padding),
            ),
        ),
        [draw(B, T, D), draw(B, S, D, seed=1)],
    )


@both_norms
def test_encoder_equals_torch(norm_first):
    ours = random_module(Encoder(N, D, H, F, dropout=0.0, norm_first=norm_first))
    reference = torch_encoder(N, D, H, F, norm_first=norm_first)
    mask, padding = causal_mask(S), random_mask(B, S)
    assert_same(
        ours,
        reference,
        encoder_pairs(ours, reference),
        lambda x: (ours(x, mask, padding_mask=padding),),
        lambda x: (reference(x, hidden(mask), hidden(padding)),),
        [draw(B, S, D)],
    )


def self_mask(kind, length):
    return {
        "no mask": None,
        "causal": causal_mask(length),
        "queries": random_mask(length, length, seed=3),
        "examples": random_mask(B, length, length, seed=3),
        "heads": random_mask(B, H, length, length, seed=3),
    }[kind]


def test_the_paper_is_the_default():
    for layer in (EncoderLayer(D, H, F), DecoderLayer(D, H, F)):
        assert layer.norm_first is False
        assert layer.dropout.p == 0.1
    x = 10 * draw(B, T, D) + 3
    output = EncoderLayer(D, H, F)(x)  # post-norm with untrained norms: standardised
    assert_close(output.mean(-1), torch.zeros(B, T), 1e-10)
    assert_close(output.std(-1, unbiased=False), torch.ones(B, T), 1e-3)
    assert isinstance(Encoder(N, D, H, F).norm, nn.Identity)


# Weights and shapes


@both_norms
def test_the_weights_of_layers_and_stacks(norm_first):
    x, memory = draw(B, T, D), draw(B, S, D, seed=1)
    mask = random_mask(T, T)
    memory_padding = random_mask(B, S)

    layer = encoder_layer(norm_first=norm_first)
    output, weights = with_weights(layer, x, mask)
    assert_close(output, layer(x, mask), 1e-12)
    assert output.shape == (B, T, D)
    assert weights.shape == (B, H, T, T)
    seen = layer.self_attention_norm(x) if norm_first else x
    expected = with_weights(layer.self_attention, seen, seen, seen, mask)[1]
    assert torch.equal(weights, expected)

    layer = decoder_layer(norm_first=norm_first)
    options = {"memory_padding_mask": memory_padding}
    output, self_weights, cross_weights = with_weights(layer, x, memory, mask, **options)
    assert_close(output, layer(x, memory, mask, **options), 1e-12)
    assert output.shape == (B, T, D)
    assert self_weights.shape == (B, H, T, T)
    assert cross_weights.shape == (B, H, T, S)
    assert (self_weights[:, :, ~mask] == 0).all()
    assert (cross_weights.transpose(1, 3)[~memory_padding] == 0).all()
    assert (cross_weights.transpose(1, 3)[memory_padding] > 0).all()

    encoder = random_module(Encoder(N, D, H, F, dropout=0.0, norm_first=norm_first))
    output, *collected = with_weights(encoder, x, mask)
    assert_close(output, encoder(x, mask), 1e-12)
    assert [w.shape for w in collected] == [(B, H, T, T)] * N
    first, weights = with_weights(encoder.layers[0], x, mask)
    assert torch.equal(collected[0], weights)
    assert torch.equal(collected[1], with_weights(encoder.layers[1], first, mask)[1])


def test_parameters_by_hand():
    """Attention: four maps D to D with biases. Feed-forward: D to F and back, with biases.

    A norm has a factor and a shift for each of D dimensions; an encoder layer has two norms, a
    decoder layer three norms and a second attention.
    """
    attention = 4 * (D * D + D)
    feed_forward = (D * F + F) + (F * D + D)
    norm = 2 * D
    assert parameters(FeedForward(D, F)) == feed_forward
    layer = attention + feed_forward + 2 * norm
    assert parameters(EncoderLayer(D, H, F)) == layer
    assert parameters(DecoderLayer(D, H, F)) == 2 * attention + feed_forward + 3 * norm
    assert parameters(Encoder(N, D, H, F)) == N * layer
    assert parameters(Encoder(N, D, H, F, norm_first=True)) == N * layer + norm


# Laws


@law
@given(seed=seeds, norm_first=st.booleans())
def test_an_encoder_without_positions_does_not_know_the_order(seed, norm_first):
    encoder = random_module(Encoder(N, D, H, F, dropout=0.0, norm_first=norm_first), seed)
    order = torch.randperm(S, generator=generator(seed))
    x, padding = draw(B, S, D, seed=seed), random_mask(B, S, seed=seed)
    output = encoder(x, padding_mask=padding)
    permuted = encoder(x[:, order], padding_mask=padding[:, order])
    assert_close(permuted, output[:, order], 1e-12)


@law
@given(seed=seeds, more=st.integers(0, 5), norm_first=st.booleans())
def test_padding_is_inert_in_an_encoder(seed, more, norm_first):
    encoder = random_module(Encoder(N, D, H, F, dropout=0.0, norm_first=norm_first), seed)
    lengths = [S, 4]
    x = draw(B, S, D, seed=seed)
    output = encoder(x, padding_mask=padding_mask(torch.tensor(lengths)))
    other = torch.cat([x, draw(B, more, D, seed=seed)], 1)
    other[1, 4:] = 100 * draw(S + more - 4, D, seed=seed)
    padded = encoder(other, padding_mask=padding_mask(torch.tensor(lengths), S + more))
    for b, length in enumerate(lengths):
        assert_close(padded[b, :length], output[b, :length], 1e-12)


@law
@given(seed=seeds, more=st.integers(0, 5), norm_first=st.booleans())
def test_padding_is_inert_in_a_decoder_layer(seed, more, norm_first):
    layer = random_module(DecoderLayer(D, H, F, dropout=0.0, norm_first=norm_first), seed)
    x, memory = draw(B, T, D, seed=seed), draw(B, S, D, seed=seed)
    output = layer(x, memory)
    padded = layer(
        torch.cat([x, 100 * draw(B, more, D, seed=seed)], 1),
        torch.cat([memory, 100 * draw(B, more, D, seed=seed)], 1),
        padding_mask=padding_mask(torch.tensor([T, T]), T + more),
        memory_padding_mask=padding_mask(torch.tensor([S, S]), S + more),
    )
    assert_close(padded[:, :T], output, 1e-12)


@law
@given(seed=seeds, position=st.integers(1, T - 1), norm_first=st.booleans())
def test_a_future_position_cannot_change_a_past_output(seed, position, norm_first):
    layer = random_module(DecoderLayer(D, H, F, dropout=0.0, norm_first=norm_first), seed)
    x, memory = draw(B, T, D, seed=seed), draw(B, S, D, seed=seed)
    changed = x.clone()
    changed[:, position:] += 1 + draw(B, T - position, D, seed=seed)
    before, after = (layer(args, memory, causal_mask(T)) for args in (x, changed))
    assert_close(after[:, :position], before[:, :position], 1e-12)
    free = layer(changed, memory) - layer(x, memory)  # the layer adds no causal mask of its own
    assert free[:, :position].abs().amax(-1).min() > 1e-6


def test_examples_do_not_see_each_other():
    x, memory = draw(B, T, D), draw(B, S, D, seed=1)
    encoder = random_module(Encoder(N, D, H, F, dropout=0.0))
    decoder = decoder_layer()
    for b in range(B):
        row = slice(b, b + 1)
        assert_close(encoder(x)[row], encoder(x[row]), 1e-12)
        assert_close(decoder(x, memory)[row], decoder(x[row], memory[row]), 1e-12)


@both_norms
def test_nothing_to_attend_to_leaves_finite_outputs_and_gradients(norm_first):
    encoder = random_module(Encoder(N, D, H, F, dropout=0.0, norm_first=norm_first))
    decoder = decoder_layer(norm_first=norm_first)
    x = draw(B, S, D).requires_grad_()
    tgt = draw(B, T, D).requires_grad_()
    padding = padding_mask(torch.tensor([0, 4]), S)
    with torch.autograd.set_detect_anomaly(True):
        memory = encoder(x, padding_mask=padding)
        output = decoder(
            tgt,
            memory,
            padding_mask=padding_mask(torch.tensor([0, 3]), T),
            memory_padding_mask=padding,
        )
        output.square().sum().backward()
    assert output.isfinite().all()
    assert (x.grad[0] == 0).all()  # nothing of that source can reach the target
    everything = [x, tgt, *encoder.parameters(), *decoder.parameters()]
    assert all(p.grad.isfinite().all() for p in everything if p.grad is not None)


# Dropout: with a probability of nearly one, whatever it is applied to is gone


@pytest.mark.parametrize("make", [encoder_layer, decoder_layer])
def test_dropout_is_in_every_place(make):
    layer = make(dropout=0.3)
    attentions = [layer.self_attention]
    attentions += [layer.cross_attention] if isinstance(layer, DecoderLayer) else []
    assert [a.dropout for a in attentions] == [0.3] * len(attentions)
    assert layer.feed_forward[2].p == 0.3
    assert layer.dropout.p == 0.3


@pytest.mark.parametrize("make", [encoder_layer, decoder_layer])
def test_dropout_is_on_the_output_of_each_sub_layer(make):
    """With the outputs of all sub-layers gone, only the residual connection is left."""
    x, memory = draw(B, T, D), draw(B, S, D, seed=1)
    args = (x,) if make is encoder_layer else (x, memory)
    layer = make(norm_first=True)
    layer.dropout.p = NEARLY_ONE
    assert torch.equal(layer(*args), x)
    layer = make(norm_first=False)
    layer.dropout.p = NEARLY_ONE
    expected = layer.self_attention_norm(x)
    if make is decoder_layer:
        expected = layer.cross_attention_norm(expected)
    assert_close(layer(*args), layer.feed_forward_norm(expected), 1e-12)


@both_norms
def test_dropout_is_for_training_only(norm_first):
    x, memory = draw(B, T, D), draw(B, S, D, seed=1)
    for make, args in (
        (EncoderLayer, (x,)),
        (DecoderLayer, (x, memory)),
        (lambda *a, **k: Encoder(N, *a, **k), (x,)),
    ):
        layer = make(D, H, F, dropout=0.5, norm_first=norm_first)
        plain = make(D, H, F, dropout=0.0, norm_first=norm_first)
        plain.load_state_dict(layer.state_dict())
        assert (layer(*args) - layer(*args)).abs().max() > 0.01
        assert torch.equal(layer.eval()(*args), plain(*args))


def test_the_encoder_passes_its_options_on():
    for layer in Encoder(N, D, H, F, dropout=0.3, norm_first=True).layers:
        assert layer.norm_first is True
        assert layer.dropout.p == 0.3
    assert all(layer.dropout.p == 0.1 for layer in Encoder(N, D, H, F).layers)


# Errors of the call


def test_arguments_are_left_as_they_were():
    args = [draw(B, T, D), draw(B, S, D), random_mask(T, T)]
    copies = [x.clone() for x in args]
    for norm_first in (False, True):
        decoder_layer(norm_first=norm_first)(*args)
        encoder_layer(norm_first=norm_first)(args[0], args[2])
    assert all(torch.equal(x, y) for x, y in zip(args, copies, strict=True))


# Single precision, saved weights


def test_single_precision_and_saved_weights():
    torch.set_default_dtype(torch.float32)
    x, memory = draw(B, T, EVEN), draw(B, S, EVEN)
    ids = torch.randint(V, (B, T), generator=generator(0))
    for make, args in (
        (lambda: TokenEmbedding(V, EVEN), (ids,)),
        (lambda: Encoder(N, EVEN, H, F, norm_first=True), (x,)),
        (lambda: DecoderLayer(EVEN, H, F), (x, memory)),
    ):
        module, other = make().eval(), make().eval()
        output = module(*args)
        assert output.dtype == torch.float32
        assert not torch.equal(other(*args), output)
        other.load_state_dict(module.state_dict())
        assert torch.equal(other(*args), output)


def test_simple_pairs_cover_a_linear_layer():
    """The comparison itself: different weights must be noticed, and so must one left out."""
    ours, reference = nn.Linear(T, S), nn.Linear(T, S)
    pairs = simple_pairs(ours, reference)

    def run(module, factor=1):
        return lambda x: (factor * module(x),)

    x = [draw(B, T)]
    assert_same(ours, reference, pairs, run(ours), run(reference), x)
    with pytest.raises(AssertionError, match="not close"):
        assert_same(ours, reference, pairs, run(ours), run(reference, 1.001), x)
    with pytest.raises(AssertionError):
        assert_same(ours, reference, pairs[:1], run(ours), run(reference), x)
