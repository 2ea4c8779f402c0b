"""The benchmark of sentiment classifiers: committees, changes of the recipe, and the two pages."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch

from benchmarks.sentiment import ablation, contest
from benchmarks.sentiment.linear import LINEAR
from benchmarks.sentiment.ngrams import Recipe, build, optimizers, prepare, train, train_prepared
from benchmarks.sentiment.recipes import RECIPES
from helpers.data import Ngrams, ReviewSplit, contiguous_folds, held_out_ratios, log_count_ratios
from helpers.training import predict
from helpers.transformer import sinusoidal_encoding
from tests.benchmarks.made_up import texts_for

IDS = 19
RATIOS = ("held out", "all", "none")


def reviews(count, seed):
    """Texts as tokens, the negative ones first."""
    labels = [int(i >= count // 2) for i in range(count)]
    return texts_for(labels, seed), labels


@pytest.fixture
def data(monkeypatch):
    """A small set of reviews in the place of the real one."""
    (train, train_labels), (test, test_labels) = reviews(320, 0), reviews(38, 1)
    train, test = [[" ".join(tokens) for tokens in part] for part in (train, test)]
    small = ReviewSplit(train, train_labels, test, test_labels)
    monkeypatch.setattr(contest, "load_imdb", lambda source="packaged": small)
    monkeypatch.setattr(ablation, "load_imdb", lambda: small)
    return small


def inputs(recipe, seed=0):
    draws = torch.Generator().manual_seed(seed)
    ids = torch.randint(IDS, (2, 7, recipe.longest), generator=draws)
    return ids, torch.randn(ids.shape, generator=draws)


# The recipe and its changes


def test_every_change_is_one_change():
    base = asdict(Recipe())
    for name, recipe in ablation.CHANGES.items():
        changed = [key for key, value in asdict(recipe).items() if value != base[key]]
        assert len(changed) == (name != ablation.BASE), name


def test_without_layers_words_do_not_meet_before_the_mean():
    torch.manual_seed(0)
    recipe = Recipe(layers=0, maximum=False)
    model = build(IDS, recipe)
    ids, weights = inputs(recipe)
    x = model.everywhere + (model.vectors.weight[ids] * weights.unsqueeze(-1)).sum(dim=2)
    normed = torch.nn.functional.layer_norm(x, (recipe.width,))
    expected = normed.mean(dim=1) @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(predict(model, ids, weights), expected.detach())


def test_positions_are_sines_times_their_factor():
    torch.manual_seed(0)
    recipe = Recipe(position_scale=0.3)
    model = build(IDS, recipe)
    ids, weights = inputs(recipe)
    seen = []
    model.encoder.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    predict(model, ids, torch.zeros_like(weights))
    expected = model.everywhere + 0.3 * sinusoidal_encoding(7, recipe.width)
    torch.testing.assert_close(seen[0][0], expected.detach())


def learned(model):
    groups = [group for optimizer in optimizers(model) for group in optimizer.param_groups]
    return [parameter for group in groups for parameter in group["params"]]


def test_without_the_shared_vector_nothing_is_added_or_learned():
    model = build(IDS, Recipe(everywhere=False))
    assert not model.everywhere.any()
    assert not any(p is model.everywhere for p in learned(model))
    model = build(IDS, Recipe())
    held = learned(model)
    assert sum(p is model.everywhere for p in held) == 1
    assert len(held) == len(list(model.parameters()))


def test_ratios_are_held_out_all_or_none():
    tokens, labels = reviews(60, 0)
    made = {kind: prepare(tokens, labels, Recipe(ratios=kind)) for kind in RATIOS}
    first = made["all"]
    rows, size = first.rows, len(first.ngrams)
    table = log_count_ratios(rows, labels, size)
    wanted = {
        "held out": held_out_ratios(rows, labels, size, contiguous_folds(labels, 5)),
        "all": [table[row] for row in rows],
        "none": [(row > 0).astype(float) for row in rows],
    }
    for kind, prepared in made.items():
        assert all(map(np.array_equal, prepared.weights, wanted[kind]))
        expected = np.arange(size) > 0 if kind == "none" else table
        assert np.array_equal(prepared.table, expected)
        assert all(map(np.array_equal, prepared.rows, rows))
    assert [len(row) for row in rows] == [len(text) for text in tokens]


def test_rare_runs_have_no_id():
    tokens, labels = reviews(60, 0)
    sizes = [len(prepare(tokens, labels, Recipe(min_texts=n)).ngrams) for n in (2, 3)]
    assert sizes[0] > sizes[1] == len(Ngrams(tokens, longest=3, min_texts=3))


def test_it_learns_scores_in_order_and_repeats_itself():
    tokens, labels = reviews(160, 0)
    new, truth = reviews(31, 1)
    fitted = train(tokens, labels, 3)
    scores = fitted.score(new)
    assert np.array_equal(scores > 0, np.array(truth) == 1)
    again = train(tokens, labels, 3).score(new[::-1])
    np.testing.assert_allclose(again[::-1], scores, rtol=1e-4, atol=1e-4)
    assert fitted.parameters > 64 * len({word for text in tokens for word in text})


def test_a_review_is_read_from_its_end():
    fitted = train(*reviews(160, 0), 3, Recipe(last=5))
    ending = ["the", "plot", "was", "it", "film", "scene", "actor"]
    assert fitted.score([["good", *ending]]) == fitted.score([["bad", *ending]])
    assert fitted.score([["good", *ending[:4]]]) > fitted.score([["bad", *ending[:4]]])


# Contending


@pytest.mark.parametrize("name", ["TF-IDF, words", contest.MEMBER])
def test_a_contestant_learns_from_one_part_and_scores_the_other(data, name):
    run = contest.contend(name, 1, "packaged", 2)
    assert (run["name"], run["seed"], len(run["scores"])) == (name, 1, 19)
    right = (np.array(run["scores"]) > 0) == np.array(data.test_labels[::2])
    assert right.mean() > 0.9
    assert run["parameters"] > 10
    assert min(run["seconds"], run["scoring"]) > 0
    assert json.loads(json.dumps(run)) == run


def run(name, seed, scores, seconds=10.0, memory=1.0):
    return {
        **{"name": name, "seed": seed, "scores": scores, "seconds": seconds, "memory": memory},
        **{"scoring": 2.0, "parameters": 100},
    }


def some_runs(seeds):
    members = [
        run(contest.MEMBER, seed, [seed - 2.0, 1.0, -1.0, 1.0], 60.0 + seed, 1 + seed / 10)
        for seed in range(contest.COMMITTEE * seeds)
    ]
    recipes = [run(name, s, [1.0, -1.0, -1.0, 1.0]) for name in RECIPES for s in range(seeds)]
    linear = [run(name, 0, [-1.0, -1.0, -1.0, 1.0]) for name in LINEAR]
    linear[-1]["scores"] = [-1.5, 1.0, 2.0, -0.25]
    return members + recipes + linear


def test_committees_are_means_of_scores():
    made = {(r["name"], r["seed"]): r for r in contest.committees(some_runs(seeds=2))}
    assert set(made) == {
        *(("committee of 3", seed) for seed in (0, 1)),
        *(("committee of 3, with the linear model", seed) for seed in (0, 1)),
        *((f"committee of 6{more}", 0) for more in ("", ", with the linear model")),
    }
    second, both = made["committee of 3", 1], made["committee of 3, with the linear model", 1]
    assert second["scores"].tolist() == [2.0, 1.0, -1.0, 1.0]
    assert second["seconds"] == 63 + 64 + 65
    assert (second["scoring"], second["parameters"], second["memory"]) == (6.0, 300, 1.5)
    assert both["scores"].tolist() == [0.5, 2.0, 1.0, 0.75]
    assert (both["seconds"], both["parameters"]) == (63 + 64 + 65 + 10, 400)
    assert made["committee of 6", 0]["scores"].tolist() == [0.5, 1.0, -1.0, 1.0]


def test_one_committee_is_made_once():
    names = [r["name"] for r in contest.committees(some_runs(seeds=1))]
    assert names == ["committee of 3", "committee of 3, with the linear model"]


def test_runs_are_judged_by_the_truth_and_the_mark():
    truth = np.array([0, 1, 1, 1])
    runs = [run(contest.MARK, 0, [-1, -1, -1, 1]), run("x", 5, [-1.0, 2.0, 0.0, 0.1])]
    mark, other = contest.judged(runs, truth)
    assert (mark["accuracy"], mark["lead"], mark["error"]) == (0.5, 0, 0)
    assert (other["accuracy"], other["lead"]) == (0.75, 0.25)
    assert other["error"] == pytest.approx(0.5 / math.sqrt(4))  # leads 0, 1, 0, 0
    assert "scores" not in other
    assert other["seed"] == 5


def results(seeds=3):
    runs = some_runs(seeds)
    runs += contest.committees(runs)
    truth = np.array([0, 1, 0, 1])
    judged = contest.judged(runs, truth)
    return {"source": "packaged", "trained": 20_000, "tested": 4, "runs": judged}


def test_the_page_says_whom_the_transformers_beat(tmp_path):
    page = contest.tell(results(), tmp_path)
    assert page.startswith("## Sentiment\n")
    assert "| committee of 9 | 75.00 | 0.00 | 0 | 576 | 18.0 | 900 | 1.80 |" in page
    assert "| lesson 04 | 50.00 ± 0.00 | -25.00 ± 0.00 | 0, 1, 2 | 10 ± 0 |" in page
    assert "- committee of 9: +0.00 points from NB-SVM, pairs" in page
    assert "takes 4.8 minutes on two threads" in page
    assert "within the 10 minutes meant" in page
    assert "better: none." in page
    (picture,) = tmp_path.iterdir()
    assert f"({picture.name})" in page
    assert "majority" not in page.partition("![")[2]


def test_the_page_of_the_official_halves_says_so(tmp_path):
    page = contest.tell(results() | {"source": "official"}, tmp_path)
    assert page.startswith("## Sentiment on the official halves\n")
    assert "(sentiment-official.png)" in page


# Ablation


def test_changes_are_validated_on_the_block_that_is_left_out(data, monkeypatch):
    seen = []

    def watched(prepared, labels, seed, recipe):
        seen.append((prepared, labels, seed, recipe))
        return train_prepared(prepared, labels, seed, recipe)

    monkeypatch.setattr(ablation, "train_prepared", watched)
    changes = {"narrow": Recipe(width=16), "deep": Recipe(layers=2), "words": Recipe(longest=1)}
    plain = {name: asdict(recipe) for name, recipe in changes.items()}
    found = ablation.validate(plain, 1, False, 1)
    block = contiguous_folds(data.train_labels, 4)[1]
    rest = [i for i in range(320) if i not in set(block)]
    assert list(found) == list(changes)
    for (prepared, labels, seed, recipe), wanted in zip(seen, changes.values(), strict=True):
        assert (seed, recipe) == (1, wanted)
        assert labels == [data.train_labels[i] for i in rest]
        assert [len(row) for row in prepared.rows] == [
            len(data.train_texts[i].split()) for i in rest
        ]
        assert prepared.ngrams.longest == recipe.longest
    assert seen[0][0] is seen[1][0]
    assert found["words"]["accuracy"] > 0.8
    ablation.validate({"words": plain["words"]}, 1, True, 1)
    labels = seen[-1][1]
    assert (len(labels), sum(labels)) == (240, 120)
    assert [len(row) for row in seen[-1][0].rows] != [len(row) for row in seen[0][0].rows]


def test_every_change_is_measured_on_every_block(monkeypatch):
    def answer(jobs, side_by_side):
        assert side_by_side == 2
        for job in jobs:
            a = job.arguments
            yield {
                name: {"place": (change, a["block"], a["shuffled"], a["every"])}
                for name, change in a["changes"].items()
            }

    monkeypatch.setattr(ablation, "run_jobs", answer)
    rows = ablation.measure(quick=False)["rows"]
    assert list(rows) == [*ablation.CHANGES, ablation.SHUFFLED]
    for name, runs in rows.items():
        change = asdict(ablation.CHANGES.get(name, Recipe()))
        wanted = [(change, block, name == ablation.SHUFFLED, ablation.EVERY) for block in range(3)]
        assert [run["place"] for run in runs] == wanted
    quick = ablation.measure(quick=True)["rows"]
    assert list(quick) == [*list(ablation.CHANGES)[: ablation.QUICK], ablation.SHUFFLED]


def test_the_table_takes_changes_block_by_block(tmp_path):
    def made(*accuracies):
        return [{"accuracy": a, "seconds": 40.0, "parameters": 1000} for a in accuracies]

    rows = {ablation.BASE: made(0.88, 0.90, 0.92), "narrow": made(0.87, 0.89, 0.91)}
    page = ablation.tell({"rows": rows}, tmp_path)
    assert "Blocks validated on: 3," in page
    assert f"| {ablation.BASE} | 90.00 ± 2.00 |  | 40 ± 0 | 1,000 |" in page
    assert "| narrow | 89.00 ± 2.00 | -1.00 ± 0.00 | 40 ± 0 | 1,000 |" in page
