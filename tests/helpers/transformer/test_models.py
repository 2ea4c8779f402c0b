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
from tests.helpers.transformer.modules import SIZES, SRC, B, D, F, H, N, S, T, V
from tests.torch_reference import (
    EncoderOnly,
    assert_close,
    assert_same,
    decoder_layer_pairs,
    encoder_only_pairs,
    encoder_pairs,
    inverted,
    random_mask,
    random_module,
    simple_pairs,
    sinusoids,
    tokens,
    torch_encoder,
)

pytestmark = pytest.mark.usefixtures("float64")

law = settings(max_examples=15)
seeds = st.integers(0, 2**32 - 1)
both_norms = pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])

src, tgt = tokens(SRC, B, S), tokens(V, B, T, seed=1)


def encoder_decoder(seed=0, **options):
    return random_module(Transformer(SRC, V, **{**SIZES, "dropout": 0.0, **options}), seed)


def language_model(seed=0):
    return random_module(TransformerModel(V, D, H, F, N, 0.0), seed)


# Against torch.nn


class TorchEncoderDecoder(nn.Module):
    """nn.Transformer between the same embeddings, sinusoids and output layer.

    In post-norm nn.Transformer normalises once more at the end of both stacks, which the paper
    does not: ``torch_encoder`` leaves the encoder's norm out, and the decoder's is None here too.
    """

    def __init__(self, norm_first):
        super().__init__()
        self.source, self.target = nn.Embedding(SRC, D), nn.Embedding(V, D)
        encoder = torch_encoder(N, D, H, F, norm_first=norm_first)
        options = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
        self.transformer = nn.Transformer(D, H, N, N, F, custom_encoder=encoder, **options)
        if not norm_first:
            self.transformer.decoder.norm = None
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
    reference = EncoderOnly(nn.Embedding(V, D), encoder, nn.Linear(D, V))
    pairs = encoder_only_pairs(ours, reference)
    assert_same(
        ours, reference, pairs, lambda: (ours(tgt),), lambda: (reference(tgt, causal_mask(T)),)
    )


# Laws


@law
@given(seed=seeds, position=st.integers(1, T - 1), norm_first=st.booleans())
def test_a_future_token_cannot_change_a_past_output(seed, position, norm_first):
    src, ids = tokens(SRC, B, S, seed=seed), tokens(V, B, T, seed=seed)
    changed = ids.clone()
    changed[:, position:] = (changed[:, position:] + 1) % V
    model, whole = language_model(seed), encoder_decoder(seed, norm_first=norm_first)
    memory = whole.encode(src)
    for run in (model, lambda ids: whole(src, ids), lambda ids: whole.decode(ids, memory)):
        before, after = run(ids), run(changed)
        assert_close(after[:, :position], before[:, :position], 1e-12)
        assert (after[:, position:] - before[:, position:]).abs().amax(-1).min() > 1e-6
        assert_close(run(ids[:, :position]), before[:, :position], 1e-12)


@law
@given(seed=seeds, more=st.integers(0, 4), norm_first=st.booleans())
def test_padding_is_inert_in_the_transformer(seed, more, norm_first):
    model = encoder_decoder(seed, norm_first=norm_first)
    src, tgt = tokens(SRC, B, S + more, seed=seed), tokens(V, B, T + more, seed=seed)
    src_lengths, tgt_lengths = [4, S], [T, 3]
    padded = model(
        src,
        tgt,
        src_padding_mask=padding_mask(torch.tensor(src_lengths), S + more),
        tgt_padding_mask=padding_mask(torch.tensor(tgt_lengths), T + more),
    )
    for b, (s, t) in enumerate(zip(src_lengths, tgt_lengths, strict=True)):
        alone = model(src[b : b + 1, :s], tgt[b : b + 1, :t])
        assert_close(padded[b : b + 1, :t], alone, 1e-12)


# Greedy decoding


def test_generate_equals_a_greedy_loop():
    model = random_module(encoder_decoder(), seed=1)
    src = tokens(SRC, 5, S)
    generated = model.generate(src, start_id=3, length=T)
    assert generated.dtype == torch.long
    expected = []
    for b in range(5):
        so_far = [3]
        for _ in range(T):
            logits = model(src[b : b + 1], torch.tensor([so_far]))[0, -1].tolist()
            so_far.append(logits.index(max(logits)))
        expected.append(so_far[1:])
    assert generated.tolist() == expected
    for length in range(1, T):
        assert model.generate(src, start_id=3, length=length).equal(generated[:, :length])
    assert len({tuple(row) for row in expected}) > 1  # or the loop would prove little
    assert len(set(generated.flatten().tolist())) > 2
    assert not torch.equal(model.generate(src, start_id=4, length=T), generated)


def test_generate_ignores_padding():
    model = encoder_decoder(max_len=S + 41)
    alone = model.generate(src, start_id=3, length=T)
    padded = torch.cat([src, tokens(SRC, B, 41, seed=1)], dim=1)
    real = padding_mask(torch.full((B,), S), S + 41)
    generated = model.generate(padded, start_id=3, length=T, src_padding_mask=real)
    assert torch.equal(generated, alone)
    assert not torch.equal(model.generate(padded, start_id=3, length=T), alone)


def test_generate_draws_no_dropout_records_no_gradients_and_keeps_the_mode():
    model = encoder_decoder(max_len=S, dropout=0.5)
    model.encoder.eval()
    memories = []
    model.encoder.register_forward_hook(lambda *args: memories.append(args[-1]))
    generated = model.generate(src, start_id=0, length=S)  # S tokens fit exactly
    assert generated.shape == (B, S)
    assert len(memories) == 1  # the source is encoded once
    assert not memories[0].requires_grad
    assert model.training
    assert not model.encoder.training
    assert torch.is_grad_enabled()
    assert model.eval().generate(src, start_id=0, length=S).equal(generated)


# Initial values


def test_the_language_model_of_the_notes():
    """Arguments, defaults and initial values of the class in the original notes.

    Uniform in -0.1 .. 0.1 means a standard deviation of 0.1 / sqrt(3).
    """
    signature = inspect.signature(TransformerModel).parameters
    assert list(signature) == ["ntoken", "ninp", "nhead", "nhid", "nlayers", "dropout"]
    model = TransformerModel(499, D, H, F, N)
    for weight in (model.embedding.vectors.weight, model.output.weight):
        assert weight.shape == (499, D)
        assert 0.0999 < weight.abs().max() <= 0.1
        assert weight.mean().item() == pytest.approx(0, abs=4 * 0.1 / math.sqrt(3 * weight.numel()))
        assert weight.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.02)
    assert (model.output.bias == 0).all()
