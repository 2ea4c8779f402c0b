"""helpers.transformer.classifiers: judges of whole texts, against torch.nn and by their laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.transformer.attention import padding_mask
from helpers.transformer.classifiers import NgramClassifier, TransformerClassifier
from torch_reference import (
    NEARLY_ONE,
    EncoderOnly,
    assert_close,
    assert_same,
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

B, H, T, S, C, V, F = 2, 3, 5, 7, 11, 13, 23  # distinct primes
D = H * 14  # even, for the sines and cosines
N = 2
CLASSES = 29
G, K, ODD = 31, 19, H * 37  # of runs: ids, runs that end at a word; and a width without pairs

SIZES = {"d_model": D, "num_heads": H, "d_hidden": F, "num_layers": N}

law = settings(max_examples=15)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def _float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def tokens(vocab_size, *shape, seed=0):
    return torch.randint(vocab_size, shape, generator=generator(seed))


def classifier(seed=0, **options):
    options = {"dropout": 0.0, **options}
    return random_module(TransformerClassifier(V, CLASSES, **SIZES, **options), seed)


def ngram_classifier(seed=0, width=D, **options):
    options = {**SIZES, "d_model": width, **options}
    return random_module(NgramClassifier(G, CLASSES, **options), seed)


def runs(*shape, seed=0):
    """Ids of runs, and a weight for each."""
    return tokens(G, *shape, K, seed=seed), torch.randn(*shape, K, generator=generator(seed + 1))


def parameters(module):
    return sum(p.numel() for p in module.parameters())


# Against torch.nn


def test_the_classifier_passes_its_position_scale_on():
    """Without positions the order of the words makes no difference; with them it does."""
    ids = torch.arange(T)[None]
    order = torch.randperm(T, generator=generator(1))
    without, weak = classifier(position_scale=0.0).eval(), classifier(position_scale=0.3).eval()
    assert_close(without(ids[:, order]), without(ids), 1e-12)
    assert not torch.allclose(weak(ids[:, order]), weak(ids))
    assert_close(weak.embedding.positions.table, 0.3 * sinusoids(512, D), 1e-12)


@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
def test_classifier_equals_torch(padded):
    """With the pooling written as a loop over texts: mean and maximum of the real positions."""
    padding = random_mask(B, T) if padded else None

    def pool(x):
        rows = []
        for b in range(B):
            real = x[b] if padding is None else x[b][padding[b]]
            rows.append(torch.cat([real.mean(0), real.max(0).values]))
        return torch.stack(rows)

    ours = classifier()
    encoder = torch_encoder(N, D, H, F, norm_first=True)
    reference = EncoderOnly(nn.Embedding(V, D), encoder, pool, nn.Linear(2 * D, CLASSES))
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
        self.output = nn.Linear(2 * width, CLASSES)

    def forward(self, ids, weights, padding=None):
        rows = []
        for text, factors in zip(ids.tolist(), weights, strict=True):
            words = []
            for at_word, own in zip(text, factors, strict=True):
                word = self.everywhere
                for run, factor in zip(at_word, own, strict=True):
                    word = word + factor * self.vectors.weight[run]
                words.append(word)
            rows.append(torch.stack(words))
        x = self.encoder(torch.stack(rows), src_key_padding_mask=inverted(padding))
        pooled = []
        for b in range(len(x)):
            real = x[b] if padding is None else x[b][padding[b]]
            pooled.append(torch.cat([real.mean(0), real.max(0).values]))
        return self.output(torch.stack(pooled))


def with_dense_gradient(parameter):
    """Make a sparse gradient comparable to a dense one."""
    parameter.grad = parameter.grad.to_dense()


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32], ids=str)
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("width", [D, ODD], ids=["even", "odd"])
def test_ngram_classifier_equals_torch(width, padded, dtype):
    ours, reference = ngram_classifier(width=width), TorchNgrams(width)
    ours.vectors.weight.register_post_accumulate_grad_hook(with_dense_gradient)
    pairs = [
        *simple_pairs(ours.vectors, reference.vectors),
        (ours.everywhere, reference.everywhere, slice(None)),
        *encoder_pairs(ours.encoder, reference.encoder),
        *simple_pairs(ours.output, reference.output),
    ]
    ids, weights = runs(B, T)
    padding = random_mask(B, T) if padded else None
    assert_same(
        ours,
        reference,
        pairs,
        lambda weights: (ours(ids.to(dtype), weights, padding),),
        lambda weights: (reference(ids, weights, padding),),
        (weights,),
    )


# Shapes and weights


def test_shapes_of_every_stage():
    model = classifier()
    shapes = output_shapes(model, lambda: model(tokens(V, B, T)))
    assert shapes["embedding"] == shapes["encoder"] == (B, T, D)
    assert shapes["output"] == (B, CLASSES)

    model = ngram_classifier(width=ODD)
    shapes = output_shapes(model, lambda: model(*runs(B, T)))
    assert shapes["vectors"] == (B * T, ODD)
    assert shapes["encoder"] == (B, T, ODD)
    assert shapes["output"] == (B, CLASSES)


def test_the_weights_of_the_classifiers():
    ids, padding = tokens(V, B, T), random_mask(B, T)
    for model, inputs in ((classifier(), (ids,)), (ngram_classifier(), runs(B, T))):
        logits, *weights = with_weights(model, *inputs, padding)
        assert_close(logits, model(*inputs, padding), 1e-12)
        assert [w.shape for w in weights] == [(B, H, T, T)] * N
        assert not torch.equal(weights[0], weights[1])
        for w in weights:
            assert (w.transpose(1, 3)[~padding] == 0).all()
            assert (w.transpose(1, 3)[padding] > 0).all()  # every real token, also a later one


# Laws


@law
@given(seed=seeds, more=st.integers(0, 4))
def test_padding_is_inert_in_the_classifier(seed, more):
    model, ids, lengths = classifier(seed), tokens(V, B, T, seed=seed), [3, T]
    padded = tokens(V, B, T + more, seed=seed + 1)
    real = padding_mask(torch.tensor(lengths), T + more)
    padded[real] = ids[padding_mask(torch.tensor(lengths), T)]
    logits = model(padded, real)
    for b, length in enumerate(lengths):
        assert_close(logits[b : b + 1], model(ids[b : b + 1, :length]), 1e-12)


@law
@given(seed=seeds, more=st.integers(0, 4))
def test_padding_is_inert_in_the_ngram_classifier(seed, more):
    model, (ids, weights), lengths = ngram_classifier(seed), runs(B, T, seed=seed), [3, T]
    other_ids, other_weights = runs(B, T + more, seed=seed + 2)
    real = padding_mask(torch.tensor(lengths), T + more)
    real_here = padding_mask(torch.tensor(lengths), T)
    other_ids[real], other_weights[real] = ids[real_here], weights[real_here]
    logits = model(other_ids, other_weights, real)
    for b, length in enumerate(lengths):
        alone = model(ids[b : b + 1, :length], weights[b : b + 1, :length])
        assert_close(logits[b : b + 1], alone, 1e-12)


@law
@given(seed=seeds)
def test_a_run_of_weight_zero_says_nothing(seed):
    model, (ids, weights) = ngram_classifier(seed), runs(B, T, seed=seed)
    silent = random_mask(B, T, K, seed=seed)
    weights[silent] = 0
    others = tokens(G, B, T, K, seed=seed + 2)
    assert_close(model(torch.where(silent, others, ids), weights), model(ids, weights), 1e-12)
    assert (model(torch.where(silent, ids, others), weights) - model(ids, weights)).abs().min() > 0


@law
@given(seed=seeds)
def test_the_order_of_words_and_of_the_runs_at_a_word_is_lost(seed):
    model, (ids, weights), real = ngram_classifier(seed), runs(B, T, seed=seed), random_mask(B, T)
    words, at_word = (torch.randperm(n, generator=generator(seed)) for n in (T, K))
    logits = model(ids, weights, real)
    assert_close(model(ids[:, words], weights[:, words], real[:, words]), logits, 1e-12)
    assert_close(model(ids[..., at_word], weights[..., at_word], real), logits, 1e-12)


def test_which_word_a_run_ends_at_matters():
    """Only among the runs of one word is the order free."""
    model, (ids, weights) = ngram_classifier(), runs(B, T)
    moved = ids.clone(), weights.clone()
    for part, whole in zip(moved, (ids, weights), strict=True):
        part[:, :, 0] = whole[:, :, 0].roll(1, dims=1)
    assert (model(*moved) - model(ids, weights)).abs().max() > 1e-6


def test_examples_do_not_see_each_other():
    labelled, texts = classifier(), tokens(V, B, T)
    weighed, (ids, weights) = ngram_classifier(), runs(B, T)
    for b in range(B):
        row = slice(b, b + 1)
        assert_close(labelled(texts)[row], labelled(texts[row]), 1e-12)
        assert_close(weighed(ids, weights)[row], weighed(ids[row], weights[row]), 1e-12)


def test_the_order_of_the_tokens_matters():
    """Without positions the classifier could not tell these two texts apart."""
    ids = torch.tensor([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])
    logits = classifier()(ids)
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_a_text_without_a_real_token_is_pooled_to_zeros():
    real = padding_mask(torch.tensor([0, 3]), T)
    for model, inputs in ((classifier(), (tokens(V, B, T),)), (ngram_classifier(), runs(B, T))):
        with torch.autograd.set_detect_anomaly(True):
            logits = model(*inputs, real)
            logits.square().sum().backward()
        assert_close(logits[0], model.output.bias, 0)
        assert all(p.grad.to_dense().isfinite().all() for p in model.parameters())


def test_pooling_by_hand():
    """With the output layer as the identity, logits are the mean, then the maximum."""
    model = TransformerClassifier(V, 2 * D, **SIZES, dropout=0.0)
    with torch.no_grad():
        model.output.weight.copy_(torch.eye(2 * D))
        model.output.bias.zero_()
    # Encodings that we choose, by a hook that replaces the encoder's output: two texts of three
    # tokens, of which two are real in one and one in the other.
    chosen = torch.tensor([-300.0, -100.0, 50.0])[None, :, None].expand(2, 3, D)
    model.encoder.register_forward_hook(lambda *_: chosen)
    logits = model(tokens(V, 2, 3), padding_mask(torch.tensor([2, 1]), 3))
    assert logits[:, :D].tolist() == [[-200.0] * D, [-300.0] * D]
    assert logits[:, D:].tolist() == [[-100.0] * D, [-300.0] * D]


# Parameters and initial values


ATTENTION = 4 * (D * D + D)  # four maps from D to D, with biases
FEED_FORWARD = (D * F + F) + (F * D + D)  # to F and back, with biases
NORM = 2 * D  # a factor and a shift for each dimension
ENCODER_LAYER = ATTENTION + FEED_FORWARD + 2 * NORM


def test_parameters_by_hand():
    """Embeddings hold D numbers a token; positions hold none; pre-norm ends the stack in a norm.

    The output layer has a weight for each pair of input and output, and a bias for each output. It
    reads 2D numbers, a mean and a maximum.
    """
    by_hand = V * D + N * ENCODER_LAYER + NORM + (2 * D * CLASSES + CLASSES)
    assert parameters(classifier()) == by_hand
    by_hand = G * D + D + N * ENCODER_LAYER + NORM + (2 * D * CLASSES + CLASSES)  # D: everywhere
    assert parameters(ngram_classifier()) == by_hand


def test_the_vectors_of_runs_start_nearly_parallel():
    """All around one vector of length 0.3, a twentieth from it in each dimension."""
    model = NgramClassifier(4999, CLASSES, **SIZES)
    everywhere = model.everywhere.detach()
    assert everywhere.std().item() == pytest.approx(0.1, abs=4 * 0.1 / math.sqrt(2 * D))
    vectors = model.vectors.weight.detach()
    assert vectors.shape == (4999, D)
    centre = vectors.mean(dim=0)
    assert centre.norm().item() == pytest.approx(0.3, abs=4 * 0.05 * math.sqrt(D / 4999))
    assert (vectors - centre).std().item() == pytest.approx(0.05, rel=0.02)
    torch.manual_seed(1)
    other = NgramClassifier(4999, CLASSES, **SIZES).vectors.weight.detach().mean(dim=0)
    assert torch.cosine_similarity(centre, other, dim=0) < 0.9  # around which one is random


def test_the_gradient_of_the_runs_vectors_is_sparse():
    """It holds rows for the ids of the batch alone, and an optimiser changes only those."""
    model, (_, weights) = ngram_classifier(), runs(B, T)
    ids = 3 * tokens(7, B, T, K)
    before = model.vectors.weight.detach().clone()
    optimizer = torch.optim.SparseAdam(model.vectors.parameters())
    model(ids, weights).square().sum().backward()
    gradient = model.vectors.weight.grad
    assert gradient.is_sparse
    used = ids.unique()
    assert gradient.coalesce().indices()[0].equal(used)
    optimizer.step()
    changed = (model.vectors.weight != before).any(dim=1)
    assert changed.nonzero().flatten().equal(used)


def test_defaults_and_where_options_go():
    model = TransformerClassifier(V, CLASSES, **SIZES)
    assert model.embedding.positions.table.shape == (512, D)
    assert model.word_dropout == 0
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.1}
    model = NgramClassifier(G, CLASSES, **SIZES)
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.0}
    assert all(layer.norm_first for layer in model.encoder.layers)
    model = NgramClassifier(G, CLASSES, **SIZES, dropout=0.2)
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.2}
    model = TransformerClassifier(V, CLASSES, **SIZES, dropout=0.2)
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.2}


# Dropout


def test_dropout_is_for_training_only():
    options = {"dropout": 0.3, "word_dropout": 0.3}
    for noisy, plain, args in (
        (classifier(**options), classifier(), (tokens(V, B, T),)),
        (ngram_classifier(dropout=0.3), ngram_classifier(), runs(B, T)),
    ):
        plain.load_state_dict(noisy.state_dict())
        assert (noisy(*args) - noisy(*args)).abs().max() > 1e-3
        assert torch.equal(noisy.eval()(*args), plain(*args))


def test_word_dropout_hides_its_share_of_the_words_and_only_those():
    p, texts, words = 0.3, 101, 53
    model = classifier(word_dropout=p)
    ids = tokens(V, texts, words)
    real = padding_mask(torch.tensor([words] * (texts - 1) + [11]))
    _, *weights = with_weights(model, ids, real)
    seen = weights[0][:, 0, 0] > 0  # (B, T): what the first query of the first head may see
    assert (weights[1][:, 0, 0] > 0).equal(seen)  # the same words in every layer
    assert not seen[~real].any()
    spread = math.sqrt(p * (1 - p) / int(real.sum()))
    assert 1 - seen[real].double().mean().item() == pytest.approx(p, abs=4 * spread)
    logits = model.eval()(ids, seen)  # as if the hidden words were padding
    torch.manual_seed(0)
    again = model.train()(ids, real)
    torch.manual_seed(0)
    _, *weights = with_weights(model, ids, real)
    assert_close(again, model.eval()(ids, weights[0][:, 0, 0] > 0), 1e-12)
    assert (again - logits).abs().max() > 1e-6
    _, *weights = with_weights(model, ids, real)
    assert (weights[0][:, 0, 0] > 0).equal(real)  # none in evaluation


def test_word_dropout_does_not_write_into_the_mask():
    real = torch.ones(B, T, dtype=torch.bool)
    classifier(word_dropout=NEARLY_ONE)(tokens(V, B, T), real)
    assert real.all()


def test_word_dropout_is_drawn_where_the_ids_are():
    ids, real = tokens(V, B, T), torch.ones(B, T, dtype=torch.bool)
    model = classifier(word_dropout=0.3)
    with torch.device("meta"):  # elsewhere, for what is made without a word on where
        assert model(ids, real).device == model(ids).device == ids.device


def test_a_text_whose_words_are_all_hidden():
    model = classifier(word_dropout=NEARLY_ONE)
    assert_close(model(tokens(V, B, T)), model.output.bias.expand(B, CLASSES), 0)


# Errors


# Single precision, saved weights


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_saved_weights_give_the_same_outputs(dtype):
    torch.set_default_dtype(dtype)
    for make, args in (
        (classifier, (tokens(V, B, T), random_mask(B, T))),
        (ngram_classifier, (*runs(B, T), random_mask(B, T))),
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
        assert all(p.grad.to_dense().isfinite().all() for p in model.parameters())
