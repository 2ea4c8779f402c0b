"""The contestants of the sentiment benchmark: counted by hand, and each learns a task."""

import math
from collections import Counter
from itertools import chain, pairwise

import numpy as np
import pytest
import torch

from benchmarks.sentiment import linear, recipes
from benchmarks.sentiment.linear import LINEAR, n_grams, nb_svm
from benchmarks.sentiment.recipes import RECIPES, KerasClassifier, NotesClassifier, pre_padded
from helpers.data import build_vocabulary, pad
from helpers.running import seed_everything
from helpers.training import predict
from tests.benchmarks.made_up import texts_for

BOTH = LINEAR | RECIPES
LEARNERS = [name for name in BOTH if name != "majority"]

# Two positive texts, then three negative ones.
FIVE = [t.split() for t in ("good fun good", "good plot", "bad plot", "bad bad fun", "bad plot")]
FIVE_LABELS = [1, 1, 0, 0, 0]

LABELS, TRUTH = [[i % 2 for i in range(count)] for count in (80, 37)]
TRAIN, TEST = texts_for(LABELS, 0), texts_for(TRUTH, 1)


@pytest.fixture(autouse=True, scope="module")
def small():
    """Take more steps than the recipes would with so few texts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "KERAS_EPOCHS", 20)
        patch.setattr(recipes, "KERAS_BATCH", 4)
        patch.setattr(recipes, "NOTES_EPOCHS", 5)
        patch.setattr(recipes, "LESSON_EPOCHS", 25)
        patch.setattr(recipes, "LESSON_BATCH", 16)
        yield


@pytest.fixture(scope="module")
def trained(small):
    return {name: train(TRAIN, LABELS, 3) for name, train in BOTH.items()}


def presence_by_hand(text):
    return set(text) | {f"{a} {b}" for a, b in pairwise(text)}


def by_hand(texts, labels):
    """Naive Bayes' ratio of every word and pair, as a dictionary, in plain Python."""
    sets = [presence_by_hand(text) for text in texts]
    terms = sorted(set.union(*sets))
    of = [[s for s, label in zip(sets, labels, strict=True) if label == k] for k in (0, 1)]
    q, p = ({w: 1 + sum(w in s for s in own) for w in terms} for own in of)
    return {w: math.log((p[w] / sum(p.values())) / (q[w] / sum(q.values()))) for w in terms}


def test_n_grams_are_the_words_then_longer_ones():
    words, pairs = ["a", "b", "c", "d"], ["a b", "b c", "c d"]
    assert n_grams(words, 1) == words
    assert n_grams(words, 2) == words + pairs
    assert n_grams(words, 3) == [*words, *pairs, "a b c", "b c d"]
    assert (n_grams(["a"], 3), n_grams([], 3)) == (["a"], [])


def test_nb_svm_of_five_texts(monkeypatch):
    ratios = by_hand(FIVE, FIVE_LABELS)
    seen = {}

    class Known(linear.LinearSVC):
        """Keep the features, and learn these weights instead."""

        def fit(self, features, labels):
            seen.update(features=features.toarray(), labels=labels, options=self.get_params())
            self.coef_ = np.array([[(-1) ** i * (i + 1) for i in range(features.shape[1])]])
            return self

    monkeypatch.setattr(linear, "LinearSVC", Known)
    fitted = nb_svm(FIVE, FIVE_LABELS, 0, most=2)
    features = [[ratios[w] * (w in presence_by_hand(text)) for w in ratios] for text in FIVE]
    assert seen["features"] == pytest.approx(np.array(features))
    assert seen["labels"] == FIVE_LABELS
    assert (seen["options"]["C"], seen["options"]["fit_intercept"]) == (1, False)

    mean = (1 + len(ratios)) / 2  # of the magnitudes 1, 2, 3 and so on
    weights = {w: 0.75 * mean + 0.25 * (-1) ** i * (i + 1) for i, w in enumerate(ratios)}
    for text in (["good"], ["bad"], ["unheard"], ["good", "plot"], ["bad", "bad"]):
        known = ratios.keys() & presence_by_hand(text)  # a word that comes twice counts once
        expected = sum(ratios[w] * weights[w] for w in known)
        assert fitted.score([text]) == pytest.approx([expected])
    assert fitted.parameters == len(ratios) == 10  # four words, six pairs


def test_majority_is_the_commonest_label():
    for labels, sign in (([1, 1, 0], 1), ([0, 1, 0], -1)):
        fitted = LINEAR["majority"](TRAIN[:3], labels, 0)
        assert (np.sign(fitted.score(TEST)) == sign).all()
        assert len(fitted.score(TEST)) == len(TEST)
        assert fitted.parameters == 1


def test_parameters_of_linear_models_are_their_weights(trained):
    words = {w for t in TRAIN for w in t}
    assert trained["TF-IDF, words"].parameters == len(words) + 1
    pairs = {p for t in TRAIN for p in pairwise(t)}
    assert trained["NB-SVM, pairs"].parameters == len(words) + len(pairs)
    triples = {p for t in TRAIN for p in zip(t, t[1:], t[2:], strict=False)}
    assert trained["NB-SVM, triples"].parameters == len(words) + len(pairs) + len(triples)
    texts_with = Counter(chain.from_iterable(set(n_grams(t, 3)) for t in TRAIN))
    often = [term for term, texts in texts_with.items() if texts > 1]
    name = "naive Bayes ratios, logistic regression, triples"
    assert trained[name].parameters == len(often) + 1


@pytest.mark.parametrize("name", LEARNERS)
def test_every_contestant_learns_and_scores_in_order(name, trained):
    scores = trained[name].score(TEST)
    assert scores.shape == (len(TEST),)
    assert np.issubdtype(scores.dtype, np.floating)
    assert ((scores > 0) == np.array(TRUTH)).mean() > 0.9
    assert trained[name].score(TEST[::-1])[::-1] == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("name", BOTH)
def test_scores_do_not_depend_on_the_company(name, trained):
    score = trained[name].score
    long = [*TEST[0], *TEST[1]] * 9
    together = score([*TEST[:5], long])
    assert np.concatenate([score([t]) for t in TEST[:5]]) == pytest.approx(together[:5], abs=1e-4)
    assert np.isfinite(score([[], ["unheard"]])).all()


@pytest.mark.parametrize("name", BOTH)
def test_the_same_seed_gives_the_same_scores(name):
    first, again, other = (BOTH[name](TRAIN[:12], LABELS[:12], s).score(TEST) for s in (3, 3, 4))
    assert (first == again).all()
    if name in RECIPES:
        assert (first != other).all()


def test_keras_counts_its_parameters(trained):
    embeddings = 20_000 * 32 + 200 * 32
    projections = 3 * (32 * 2 * 32 + 2 * 32) + (2 * 32 * 32 + 32)
    feed_forward, norms = 2 * (32 * 32 + 32), 2 * 2 * 32
    head = (32 * 20 + 20) + (20 * 2 + 2)
    expected = embeddings + projections + feed_forward + norms + head
    assert trained["Keras example"].parameters == expected


def test_keras_pads_in_front_and_keeps_the_end():
    vocab = build_vocabulary([["a", "b", "c"]])
    short, lengthy, empty = pre_padded([["a", "b"], ["a"] * 7 + ["b"] * 199 + ["c"], []], vocab)
    assert short.tolist() == [vocab.pad_id] * 198 + [vocab["a"], vocab["b"]]
    assert lengthy.tolist() == [vocab["b"]] * 199 + [vocab["c"]]
    assert empty.tolist() == [vocab.pad_id] * 200


def test_keras_starts_with_the_bounds_of_keras():
    seed_everything(0)
    model = KerasClassifier()
    # Glorot's sqrt(6 / (in + out)), in and out as Keras's compute_fans has them.
    fans = {
        **dict.fromkeys(("query", "key", "value"), 64 + 1024),
        **dict.fromkeys(("feed_forward.0", "feed_forward.2"), 32 + 32),
        **{"joined": 64 + 64, "head.1": 32 + 20, "head.4": 20 + 2},
    }
    bounds = {name: math.sqrt(6 / fan) for name, fan in fans.items()}
    bounds |= {"tokens": 0.05, "positions": 0.05}
    for name, bound in bounds.items():
        module = model.get_submodule(name)
        assert 0.85 * bound < module.weight.abs().max() <= bound, name
        assert not hasattr(module, "bias") or not module.bias.any()


def test_keras_computes_what_the_example_says():
    # The example once more, with kernels of three axes as Keras keeps them.
    seed_everything(0)
    model = KerasClassifier().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) / 5)
    part = dict(model.named_parameters())
    ids = torch.randint(0, 20_000, (3, 200))

    def dense(x, name):
        return x @ part[f"{name}.weight"].T + part[f"{name}.bias"]

    def heads(x, name):
        kernel = part[f"{name}.weight"].T.reshape(32, 2, 32)
        return torch.einsum("btd,dhk->bthk", x, kernel) + part[f"{name}.bias"].reshape(2, 32)

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        return centred / scale * part[f"{name}.weight"] + part[f"{name}.bias"]

    x = part["tokens.weight"][ids] + part["positions.weight"][torch.arange(200)]
    q, k, v = (heads(x, name) for name in ("query", "key", "value"))
    weights = (torch.einsum("bthk,bshk->bhts", q, k) / 32**0.5).softmax(-1)
    mixed = torch.einsum("bhts,bshk->bthk", weights, v)
    kernel = part["joined.weight"].T.reshape(2, 32, 32)
    x = norm(x + torch.einsum("bthk,hkd->btd", mixed, kernel) + part["joined.bias"], "norm1")
    hidden = dense(x, "feed_forward.0").relu()
    x = norm(x + dense(hidden, "feed_forward.2"), "norm2")
    expected = dense(dense(x.mean(dim=1), "head.1").relu(), "head.4")
    torch.testing.assert_close(predict(model, ids), expected)


def test_notes_count_their_parameters(trained):
    words = len({w for t in TRAIN for w in t}) + 2
    attention = 3 * (128 * 128 + 128) + (128 * 128 + 128)
    feed_forward, norms = 2 * (128 * 128 + 128), 2 * 2 * 128
    expected = words * 128 + attention + feed_forward + norms + (128 * 2 + 2)
    assert trained["original notes, repaired"].parameters == expected


def test_notes_do_not_see_padding():
    seed_everything(0)
    model = NotesClassifier(31)
    rows = [list(range(2, 2 + n)) for n in (3, 11, 29)]
    alone = torch.cat([predict(model, *pad([row], 1)) for row in rows])
    ids, mask = pad(rows, 1)
    torch.testing.assert_close(predict(model, ids, mask), alone, rtol=0, atol=1e-5)
    other = ids.masked_fill(~mask, 7)  # whatever fills up
    torch.testing.assert_close(predict(model, other, mask), alone, rtol=0, atol=1e-5)
