"""helpers.transformer.classifiers: judges of whole texts, against torch.nn and by their laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.transformer.attention import padding_mask
from helpers.transformer.classifiers import NgramClassifier, TransformerClassifier
from tests.helpers.transformer.modules import SIZES, B, C, D, F, G, H, K, N, T, V
from tests.torch_reference import (
    NEARLY_ONE,
    EncoderOnly,
    assert_close,
    assert_same,
    draw,
    encoder_only_pairs,
    encoder_pairs,
    generator,
    inverted,
    mean_and_maximum,
    random_mask,
    random_module,
    simple_pairs,
    sinusoids,
    tokens,
    torch_encoder,
    with_weights,
)

pytestmark = pytest.mark.usefixtures("float64")

ODD = H * 37  # a width without pairs

law = settings(max_examples=15)
seeds = st.integers(0, 2**32 - 1)


def classifier(seed=0, dropout=0.0, **options):
    model = TransformerClassifier(V, C, **SIZES, dropout=dropout, **options)
    return random_module(model, seed)


def ngram_classifier(seed=0, width=D):
    return random_module(NgramClassifier(G, C, **{**SIZES, "d_model": width}), seed)


def runs(length, seed=0):
    """Ids of the runs at each word, and a weight for each."""
    return tokens(G, B, length, K, seed=seed), draw(B, length, K, seed=seed + 1)


def texts(make, length, seed=0):
    """What the one or the other classifier reads."""
    return runs(length, seed) if make is ngram_classifier else [tokens(V, B, length, seed=seed)]


both = pytest.mark.parametrize("make", [classifier, ngram_classifier])


# Against torch.nn


PADDINGS = [None, random_mask(B, T), padding_mask(torch.tensor([T, 1]))]
padded_or_not = pytest.mark.parametrize("padding", PADDINGS, ids=["unpadded", "padded", "one word"])


@padded_or_not
def test_classifier_equals_torch(padding):
    ours = classifier()
    encoder = torch_encoder(N, D, H, F, norm_first=True)
    reference = EncoderOnly(nn.Embedding(V, D), encoder, nn.Linear(2 * D, C))
    ids = tokens(V, B, T)
    assert_same(
        ours,
        reference,
        encoder_only_pairs(ours, reference),
        lambda: (ours(ids, padding),),
        lambda: (reference(ids, padding_mask=padding),),
    )


class TorchNgrams(nn.Module):
    """One word after the other: the weighed vectors of its runs, added up, and the shared one."""

    def __init__(self, width):
        super().__init__()
        self.vectors = nn.Embedding(G, width)
        self.everywhere = nn.Parameter(torch.zeros(width))
        self.encoder = torch_encoder(N, width, H, F, norm_first=True)
        self.output = nn.Linear(2 * width, C)

    def forward(self, ids, weights, padding=None):
        x = torch.empty(*ids.shape[:2], len(self.everywhere))
        for b in range(ids.shape[0]):
            for t in range(ids.shape[1]):
                own = zip(ids[b, t], weights[b, t], strict=True)
                x[b, t] = self.everywhere + sum(w * self.vectors.weight[run] for run, w in own)
        x = self.encoder(x, src_key_padding_mask=inverted(padding))
        return self.output(mean_and_maximum(x, padding))


def with_dense_gradient(parameter):
    """Make a sparse gradient comparable to a dense one."""
    parameter.grad = parameter.grad.to_dense()


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32], ids=str)
@padded_or_not
@pytest.mark.parametrize("width", [D, ODD], ids=["even", "odd"])
def test_ngram_classifier_equals_torch(width, padding, dtype):
    ours, reference = ngram_classifier(width=width), TorchNgrams(width)
    ours.vectors.weight.register_post_accumulate_grad_hook(with_dense_gradient)
    pairs = [
        *simple_pairs(ours.vectors, reference.vectors),
        (ours.everywhere, reference.everywhere, slice(None)),
        *encoder_pairs(ours.encoder, reference.encoder),
        *simple_pairs(ours.output, reference.output),
    ]
    ids, weights = runs(T)
    assert_same(
        ours,
        reference,
        pairs,
        lambda weights: (ours(ids.to(dtype), weights, padding),),
        lambda weights: (reference(ids, weights, padding),),
        (weights,),
    )


# Laws


@both
@law
@given(seed=seeds, more=st.integers(0, 4))
def test_padding_is_inert(make, seed, more):
    """A text in a batch is judged as by itself, whatever stands where it is padded."""
    model, lengths = make(seed), [3, T]
    inputs = texts(make, T + more, seed)
    logits = model(*inputs, padding_mask(torch.tensor(lengths), T + more))
    for b, length in enumerate(lengths):
        alone = model(*(words[b : b + 1, :length] for words in inputs))
        assert_close(logits[b : b + 1], alone, 1e-12)


@law
@given(seed=seeds)
def test_the_order_of_words_and_of_the_runs_at_a_word_is_lost(seed):
    model, (ids, weights), real = ngram_classifier(seed), runs(T, seed), random_mask(B, T)
    words, at_word = (torch.randperm(n, generator=generator(seed)) for n in (T, K))
    logits = model(ids, weights, real)
    assert_close(model(ids[:, words], weights[:, words], real[:, words]), logits, 1e-12)
    assert_close(model(ids[..., at_word], weights[..., at_word], real), logits, 1e-12)


def test_the_order_of_the_tokens_matters_as_far_as_positions_do():
    """Without positions the order of the words makes no difference; with them it does."""
    ids = torch.arange(T)[None]
    order = torch.randperm(T, generator=generator(1))
    for scale in (0.0, 0.3, 1.0):
        model = classifier(position_scale=scale)
        assert_close(model.embedding.positions.table, scale * sinusoids(512, D), 1e-12)
        difference = (model(ids[:, order]) - model(ids)).abs().max()
        assert difference > 1e-3 if scale else difference < 1e-12


@both
def test_a_text_without_a_real_token_is_pooled_to_zeros(make):
    model = make()
    with torch.autograd.set_detect_anomaly(True):
        logits = model(*texts(make, T), padding_mask(torch.tensor([0, 3]), T))
        logits.square().sum().backward()
    assert_close(logits[0], model.output.bias, 0)
    assert all(p.grad.to_dense().isfinite().all() for p in model.parameters())


# The vectors of runs


def test_the_vectors_of_runs_start_nearly_parallel():
    """All around one vector of length 0.3, a twentieth from it in each dimension."""
    model = NgramClassifier(4999, C, **SIZES)
    everywhere = model.everywhere.detach()
    assert everywhere.std().item() == pytest.approx(0.1, abs=4 * 0.1 / math.sqrt(2 * D))
    vectors = model.vectors.weight.detach()
    centre = vectors.mean(dim=0)
    assert centre.norm().item() == pytest.approx(0.3, abs=4 * 0.05 * math.sqrt(D / 4999))
    assert (vectors - centre).std().item() == pytest.approx(0.05, rel=0.02)
    other = NgramClassifier(4999, C, **SIZES).vectors.weight.detach().mean(dim=0)
    assert torch.cosine_similarity(centre, other, dim=0) < 0.9  # around which one is random


def test_the_gradient_of_the_runs_vectors_has_rows_for_the_ids_of_the_batch_alone():
    model, (_, weights) = ngram_classifier(), runs(T)
    ids = 3 * tokens(7, B, T, K)
    model(ids, weights).square().sum().backward()
    gradient = model.vectors.weight.grad
    assert gradient.is_sparse
    assert gradient.coalesce().indices()[0].equal(ids.unique())


# Word dropout


def test_word_dropout_hides_its_share_of_the_words_and_only_those():
    p, texts, words = 0.3, 101, 53
    model = classifier(word_dropout=p)
    ids = tokens(V, texts, words)
    real = padding_mask(torch.tensor([words] * (texts - 1) + [11]))
    logits, *weights = with_weights(model, ids, real)
    seen = weights[0][:, 0, 0] > 0  # (B, T): what the first query of the first head may see
    assert (weights[1][:, 0, 0] > 0).equal(seen)  # the same words in every layer
    assert not seen[~real].any()
    spread = math.sqrt(p * (1 - p) / int(real.sum()))
    assert 1 - seen[real].double().mean().item() == pytest.approx(p, abs=4 * spread)
    assert (model(ids, real) - logits).abs().max() > 1e-6  # others each time
    expected, *weights = with_weights(model.eval(), ids, seen)
    assert_close(logits, expected, 1e-12)  # as if the hidden words were padding
    assert (weights[0][:, 0, 0] > 0).equal(seen)  # no others in evaluation


def test_word_dropout_is_drawn_where_the_ids_are():
    ids, real = tokens(V, B, T), torch.ones(B, T, dtype=torch.bool)
    model = classifier(word_dropout=0.3)
    with torch.device("meta"):  # elsewhere, for what is made without a word on where
        assert model(ids, real).device == model(ids).device == ids.device


def test_a_text_whose_words_are_all_hidden():
    model, real = classifier(word_dropout=NEARLY_ONE), torch.ones(B, T, dtype=torch.bool)
    assert_close(model(tokens(V, B, T), real), model.output.bias.expand(B, C), 0)
    assert real.all()  # it is not in the caller's mask that they are hidden
