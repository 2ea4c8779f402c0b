"""helpers.transformer.models: the whole models, against torch.nn and by their laws."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.transformer.attention import causal_mask, padding_mask
from helpers.transformer.models import Transformer, TransformerModel
from torch_reference import (
    EncoderOnly,
    assert_close,
    assert_same,
    decoder_layer_pairs,
    encoder_only_pairs,
    encoder_pairs,
    generator,
    inverted,
    output_shapes,
    random_mask,
    random_module,
    simple_pairs,
    sinusoids,
    torch_encoder,
    with_weights,
)

B, H, T, S, V, SRC, F = 2, 3, 5, 7, 13, 17, 23  # distinct primes
D = H * 14  # even, for the sines and cosines
N = 2

law = settings(max_examples=15)
seeds = st.integers(0, 2**32 - 1)
both_norms = pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])

SIZES = {"d_model": D, "num_heads": H, "d_hidden": F, "num_layers": N}


@pytest.fixture(autouse=True)
def _float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def tokens(vocab_size, *shape, seed=0):
    return torch.randint(vocab_size, shape, generator=generator(seed))


def encoder_decoder(seed=0, **options):
    return random_module(Transformer(SRC, V, **{**SIZES, "dropout": 0.0, **options}), seed)


def language_model(seed=0, dropout=0.0):
    return random_module(TransformerModel(V, D, H, F, N, dropout), seed)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


# Against torch.nn


class TorchEncoderDecoder(nn.Module):
    """nn.Transformer between the same embeddings, sinusoids and output layer.

    In post-norm nn.Transformer normalises once more at the end of both stacks, which the paper
    does not: ``torch_encoder`` leaves the encoder's norm out, and the decoder's is None here too.
    """

    def __init__(self, norm_first):
        super().__init__()
        self.source, self.target = nn.Embedding(SRC, D), nn.Embedding(V, D)
        layer = nn.TransformerDecoderLayer(
            D, H, F, dropout=0.0, batch_first=True, norm_first=norm_first
        )
        norm = nn.LayerNorm(D) if norm_first else None
        self.transformer = nn.Transformer(
            D,
            H,
            custom_encoder=torch_encoder(N, D, H, F, norm_first=norm_first),
            custom_decoder=nn.TransformerDecoder(layer, N, norm),
            batch_first=True,
        )
        self.output = nn.Linear(D, V)

    def forward(self, src, tgt, src_padding_mask, tgt_padding_mask):
        output = self.transformer(
            self.source(src) * math.sqrt(D) + sinusoids(S, D),
            self.target(tgt) * math.sqrt(D) + sinusoids(T, D),
            tgt_mask=~causal_mask(T),
            src_key_padding_mask=inverted(src_padding_mask),
            tgt_key_padding_mask=inverted(tgt_padding_mask),
            memory_key_padding_mask=inverted(src_padding_mask),
        )
        return self.output(output)


@pytest.mark.parametrize("tgt_padded", [False, True], ids=["target", "padded target"])
@pytest.mark.parametrize("src_padded", [False, True], ids=["source", "padded source"])
@both_norms
def test_transformer_equals_torch(norm_first, src_padded, tgt_padded):
    ours, reference = encoder_decoder(norm_first=norm_first), TorchEncoderDecoder(norm_first)
    theirs = reference.transformer
    pairs = [
        *simple_pairs(ours.source.vectors, reference.source),
        *simple_pairs(ours.target.vectors, reference.target),
        *simple_pairs(ours.output, reference.output),
        *encoder_pairs(ours.encoder, theirs.encoder),
    ]
    for our_layer, their_layer in zip(ours.decoder, theirs.decoder.layers, strict=True):
        pairs += decoder_layer_pairs(our_layer, their_layer)
    if norm_first:
        pairs += simple_pairs(ours.decoder_norm, theirs.decoder.norm)

    src, tgt = tokens(SRC, B, S), tokens(V, B, T, seed=1)
    src_padding = random_mask(B, S) if src_padded else None
    tgt_padding = random_mask(B, T, seed=1) if tgt_padded else None
    assert_same(
        ours,
        reference,
        pairs,
        lambda: (ours(src, tgt, src_padding_mask=src_padding, tgt_padding_mask=tgt_padding),),
        lambda: (reference(src, tgt, src_padding, tgt_padding),),
    )


def test_language_model_equals_torch():
    ours = language_model()
    encoder = torch_encoder(N, D, H, F, norm_first=False)
    reference = EncoderOnly(nn.Embedding(V, D), encoder, nn.Identity(), nn.Linear(D, V))
    ids = tokens(V, B, T)
    pairs = encoder_only_pairs(ours, reference)
    assert_same(
        ours, reference, pairs, lambda: (ours(ids),), lambda: (reference(ids, causal_mask(T)),)
    )


# Shapes and weights


def test_shapes_of_every_stage():
    model = encoder_decoder()
    src, tgt = tokens(SRC, B, S), tokens(V, B, T)
    shapes = output_shapes(model, lambda: model(src, tgt))
    assert shapes["source"] == (B, S, D)
    assert shapes["target"] == (B, T, D)
    for n in range(N):
        assert shapes[f"encoder.layers.{n}"] == (B, S, D)
        assert shapes[f"encoder.layers.{n}.feed_forward.0"] == (B, S, F)
        assert shapes[f"decoder.{n}.self_attention"] == (B, T, D)
        assert shapes[f"decoder.{n}.cross_attention.key_proj"] == (B, S, D)
        assert shapes[f"decoder.{n}.cross_attention"] == (B, T, D)
        assert shapes[f"decoder.{n}"] == (B, T, D)
    assert shapes["output"] == (B, T, V)
    assert model.encode(src).shape == (B, S, D)

    model = language_model()
    assert model(tgt).shape == (B, T, V)


@both_norms
def test_the_weights_of_the_transformer(norm_first):
    model = encoder_decoder(norm_first=norm_first)
    src, tgt, padding = tokens(SRC, B, S), tokens(V, B, T), random_mask(B, S)
    logits, *kept = with_weights(model, src, tgt, src_padding_mask=padding)
    assert_close(logits, model(src, tgt, src_padding_mask=padding), 1e-12)
    assert [w.shape for w in kept[:N]] == [(B, H, S, S)] * N
    assert [w.shape for w in kept[N::2]] == [(B, H, T, T)] * N
    weights = kept[N + 1 :: 2]
    assert [w.shape for w in weights] == [(B, H, T, S)] * N
    for w in weights:
        assert_close(w.sum(-1), torch.ones(B, H, T), 1e-12)
        assert (w.transpose(1, 3)[~padding] == 0).all()

    memory = model.encode(src, src_padding_mask=padding)
    assert_close(model.decode(tgt, memory, src_padding_mask=padding), logits, 1e-12)
    assert not torch.equal(weights[0], weights[1])


def test_the_weights_of_the_language_model():
    model, ids = language_model(), tokens(V, B, T)
    logits, *weights = with_weights(model, ids)
    assert_close(logits, model(ids), 1e-12)
    assert [w.shape for w in weights] == [(B, H, T, T)] * N
    for w in weights:
        assert (w[..., ~causal_mask(T)] == 0).all()
        assert (w[..., causal_mask(T)] > 0).all()


# Laws


def changed_after(ids, position, vocab_size):
    """Every token from ``position`` on replaced by another one."""
    changed = ids.clone()
    changed[:, position:] = (changed[:, position:] + 1) % vocab_size
    return changed


@law
@given(seed=seeds, position=st.integers(1, T - 1), norm_first=st.booleans())
def test_a_future_token_cannot_change_a_past_output(seed, position, norm_first):
    ids = tokens(V, B, T, seed=seed)
    changed = changed_after(ids, position, V)
    src = tokens(SRC, B, S, seed=seed)
    model, whole = language_model(seed), encoder_decoder(seed, norm_first=norm_first)
    memory = whole.encode(src)
    for run in (model, lambda tgt: whole(src, tgt), lambda tgt: whole.decode(tgt, memory)):
        before, after = run(ids), run(changed)
        assert_close(after[:, :position], before[:, :position], 1e-12)
        assert (after[:, position:] - before[:, position:]).abs().amax(-1).min() > 1e-6
        assert_close(run(ids[:, :position]), before[:, :position], 1e-12)


def test_every_source_token_can_change_everything():
    """The encoder has no causal mask: an early position of the memory sees a late token."""
    model, src, tgt = encoder_decoder(), tokens(SRC, B, S), tokens(V, B, T)
    for position in range(S):
        changed = src.clone()
        changed[:, position] = (changed[:, position] + 1) % SRC
        for run in (model.encode, lambda ids: model(ids, tgt)):
            assert (run(changed) - run(src)).abs().amax(-1).min() > 1e-6


def with_padding(ids, lengths, more, vocab_size, seed):
    """``ids`` made ``more`` longer, and random wherever it is not real."""
    rest = tokens(vocab_size, B, ids.shape[1] + more, seed=seed)
    real = padding_mask(torch.tensor(lengths), ids.shape[1] + more)
    rest[real] = ids[padding_mask(torch.tensor(lengths), ids.shape[1])]
    return rest, real


@law
@given(seed=seeds, more=st.integers(0, 4), norm_first=st.booleans())
def test_padding_is_inert_in_the_transformer(seed, more, norm_first):
    model = encoder_decoder(seed, norm_first=norm_first)
    src, tgt = tokens(SRC, B, S, seed=seed), tokens(V, B, T, seed=seed)
    src_lengths, tgt_lengths = [4, S], [T, 3]
    padded_src, src_real = with_padding(src, src_lengths, more, SRC, seed + 1)
    padded_tgt, tgt_real = with_padding(tgt, tgt_lengths, more, V, seed + 2)
    padded = model(padded_src, padded_tgt, src_padding_mask=src_real, tgt_padding_mask=tgt_real)
    for b, (s, t) in enumerate(zip(src_lengths, tgt_lengths, strict=True)):
        alone = model(src[b : b + 1, :s], tgt[b : b + 1, :t])
        assert_close(padded[b : b + 1, :t], alone, 1e-12)


def test_examples_do_not_see_each_other():
    src, tgt = tokens(SRC, B, S), tokens(V, B, T)
    whole, model = encoder_decoder(), language_model()
    for b in range(B):
        row = slice(b, b + 1)
        assert_close(whole(src, tgt)[row], whole(src[row], tgt[row]), 1e-12)
        assert_close(model(tgt)[row], model(tgt[row]), 1e-12)


def test_without_positions_the_order_of_the_source_is_lost():
    model = encoder_decoder()
    model.source.positions = nn.Identity()  # as an experiment would
    src, tgt = tokens(SRC, 3, 7), tokens(V, 3, 5)
    torch.testing.assert_close(model(src, tgt), model(src.flip(1), tgt))
    written = model.generate(src, start_id=0, length=5)
    assert written.equal(model.generate(src.flip(1), start_id=0, length=5))


# Greedy decoding


def test_generate_equals_a_greedy_loop():
    model = random_module(encoder_decoder(), seed=1)
    src = tokens(SRC, 5, S)
    generated = model.generate(src, start_id=3, length=T)
    assert generated.shape == (5, T)
    assert generated.dtype == torch.long
    for b in range(5):
        so_far = [3]
        for _ in range(T):
            logits = model(src[b : b + 1], torch.tensor([so_far]))[0, -1].tolist()
            so_far.append(logits.index(max(logits)))
        assert generated[b].tolist() == so_far[1:]
    assert len({tuple(row) for row in generated.tolist()}) > 1  # or the loop would prove little
    assert len(set(generated.flatten().tolist())) > 2
    assert not torch.equal(model.generate(src, start_id=4, length=T), generated)


def test_generate_ignores_padding():
    model = encoder_decoder(max_len=S + 41).eval()
    src, filling = tokens(SRC, B, S), tokens(SRC, B, 41, seed=1)
    alone = model.generate(src, start_id=3, length=T)
    real = padding_mask(torch.full((B,), S), S + 41)
    padded = torch.cat([src, filling], dim=1)
    generated = model.generate(padded, start_id=3, length=T, src_padding_mask=real)
    assert torch.equal(generated, alone)
    assert not torch.equal(model.generate(padded, start_id=3, length=T), alone)


def test_generate_never_looks_ahead():
    model, src = random_module(encoder_decoder(), seed=1), tokens(SRC, B, S)
    long = model.generate(src, start_id=0, length=T)
    for length in range(1, T):
        assert torch.equal(model.generate(src, start_id=0, length=length), long[:, :length])


def test_generate_records_no_gradients_and_keeps_the_mode():
    model = encoder_decoder(max_len=S)
    memories = []
    model.encoder.register_forward_hook(lambda *args: memories.append(args[-1]))
    generated = model.generate(tokens(SRC, B, S), start_id=0, length=S)  # S tokens fit exactly
    assert generated.shape == (B, S)
    assert len(memories) == 1  # the source is encoded once
    assert not memories[0].requires_grad
    assert model.training
    assert torch.is_grad_enabled()


# Parameters and initial values


ATTENTION = 4 * (D * D + D)  # four maps from D to D, with biases
FEED_FORWARD = (D * F + F) + (F * D + D)  # to F and back, with biases
NORM = 2 * D  # a factor and a shift for each dimension
ENCODER_LAYER = ATTENTION + FEED_FORWARD + 2 * NORM
DECODER_LAYER = 2 * ATTENTION + FEED_FORWARD + 3 * NORM


def test_parameters_by_hand():
    """Embeddings hold D numbers a token; positions hold none; pre-norm ends each stack in a norm.

    An output layer has a weight for each pair of input and output, and a bias for each output.
    """
    whole = SRC * D + V * D + N * (ENCODER_LAYER + DECODER_LAYER) + (D * V + V)
    assert parameters(encoder_decoder()) == whole
    assert parameters(encoder_decoder(norm_first=True)) == whole + 2 * NORM
    assert parameters(language_model()) == V * D + N * ENCODER_LAYER + (D * V + V)


def test_the_language_model_of_the_notes():
    """Arguments, defaults and initial values of the class in the original notes.

    Uniform in -0.1 .. 0.1 means a standard deviation of 0.1 / sqrt(3).
    """
    signature = inspect.signature(TransformerModel).parameters
    assert list(signature) == ["ntoken", "ninp", "nhead", "nhid", "nlayers", "dropout"]
    assert signature["dropout"].default == 0.5

    model = TransformerModel(499, D, H, F, N)
    for weight in (model.embedding.vectors.weight, model.output.weight):
        assert weight.shape == (499, D)
        assert weight.abs().max() <= 0.1
        assert weight.abs().max() > 0.0999
        assert weight.mean().item() == pytest.approx(0, abs=4 * 0.1 / math.sqrt(3 * weight.numel()))
        assert weight.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.02)
    assert (model.output.bias == 0).all()
    assert len(model.encoder.layers) == N
    assert model.embedding.positions.table.shape == (5000, D)
    places = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    places += [layer.self_attention.dropout for layer in model.encoder.layers]
    assert set(places) == {0.5}


def test_defaults_and_where_options_go():
    model = Transformer(SRC, V, **SIZES)
    assert model.source.positions.table.shape == model.target.positions.table.shape == (512, D)
    assert not any(layer.norm_first for layer in [*model.encoder.layers, *model.decoder])
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.1}
    model = Transformer(SRC, V, **SIZES, dropout=0.3, norm_first=True)
    assert all(layer.norm_first for layer in [*model.encoder.layers, *model.decoder])
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.3}


# Dropout


def test_dropout_is_for_training_only():
    src, tgt = tokens(SRC, B, S), tokens(V, B, T)
    for noisy, plain, args in (
        (encoder_decoder(dropout=0.3), encoder_decoder(), (src, tgt)),
        (language_model(dropout=0.3), language_model(), (tgt,)),
    ):
        plain.load_state_dict(noisy.state_dict())
        assert (noisy(*args) - noisy(*args)).abs().max() > 1e-3
        assert torch.equal(noisy.eval()(*args), plain(*args))


# Errors


# Single precision, saved weights


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_saved_weights_give_the_same_outputs(dtype):
    torch.set_default_dtype(dtype)
    src, tgt = tokens(SRC, B, S), tokens(V, B, T)
    for make, args in (
        (encoder_decoder, (src, tgt)),
        (lambda seed: encoder_decoder(seed, norm_first=True), (src, tgt)),
        (language_model, (tgt,)),
    ):
        model, other = make(seed=0), make(seed=1)
        output = model(*args)
        assert output.dtype == dtype
        assert output.isfinite().all()
        assert not torch.equal(other(*args), output)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(*args), output)
        assert not [name for name in model.state_dict() if "table" in name]
        output.sum().backward()
        assert all(p.grad.isfinite().all() for p in model.parameters())
