"""Classifiers of IMDb reviews side by side: accuracy, seconds, parameters and memory.

Scope: every contestant is trained on the training part of ``load_imdb()``, the reviews before the
last fifth, and tested on that last fifth, in a process of one thread, two processes at a time. The
reviews are tokenised before the clock starts; a vocabulary, counting and encoding are part of the
training. What is random is repeated with other seeds.

A committee's score is the mean score of Transformers that differ in their seeds; the last one adds
the score of a linear model, so the sum of two log-odds. Their members are trained once, and counted
in each committee that they belong to.

Nothing here was chosen by the test part: see ``ablation`` for what was.
"""

import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.jobs import Job, run_jobs
from benchmarks.report import spread, table
from benchmarks.sentiment import ngrams
from benchmarks.sentiment.linear import LINEAR
from benchmarks.sentiment.recipes import RECIPES
from benchmarks.sentiment.rules import Contestant
from helpers.data import load_imdb, tokenize
from helpers.figures import finish, panels

MEMBER = "Transformer on weighed runs"
CONTESTANTS: dict[str, Contestant] = LINEAR | RECIPES | {MEMBER: ngrams.train}
MARK = "NB-SVM, pairs"  # the linear model to be beaten
PARTNER = "naive Bayes ratios, logistic regression, triples"
COMMITTEE = 3  # members
SEEDS = 3
WANTED = 600  # s on two threads
TITLES = {"packaged": "", "official": " on the official halves"}


def contend(name: str, seed: int, source: str, every: int) -> dict:
    """Train and test one contestant on every so-manieth review."""
    data = load_imdb(source=source)
    train, test = (
        [tokenize(text) for text in part[::every]] for part in (data.train_texts, data.test_texts)
    )
    start = perf_counter()
    fitted = CONTESTANTS[name](train, data.train_labels[::every], seed)
    trained = perf_counter()
    scores = fitted.score(test)
    return {
        "name": name,
        "seed": seed,
        "seconds": trained - start,
        "scoring": perf_counter() - trained,
        "parameters": fitted.parameters,
        "scores": scores.tolist(),
    }


def measure(quick: bool, source: str = "packaged") -> dict:
    """Let all contestants contend, the slow ones first."""
    every, seeds = (20, 1) if quick else (1, SEEDS)
    arguments = [{"name": name, "seed": seed} for name in RECIPES for seed in range(seeds)]
    arguments += [{"name": MEMBER, "seed": seed} for seed in range(COMMITTEE * seeds)]
    arguments += [{"name": name, "seed": 0} for name in LINEAR]
    jobs = [Job(contend, {**each, "source": source, "every": every}) for each in arguments]
    runs = run_jobs(jobs, side_by_side=2)
    runs += committees(runs)
    data = load_imdb(source=source)
    truth = np.array(data.test_labels[::every])
    trained = len(data.train_labels[::every])
    runs = judged(runs, truth)
    return {"source": source, "trained": trained, "tested": len(truth), "runs": runs}


def committees(runs: Sequence[dict]) -> list[dict]:
    """Put the members together: by threes, all, and each of these with the linear model."""
    members = [run for run in runs if run["name"] == MEMBER]
    (partner,) = (run for run in runs if run["name"] == PARTNER)
    groups = [members[i : i + COMMITTEE] for i in range(0, len(members), COMMITTEE)]
    if len(groups) > 1:
        groups.append(members)
    made = []
    for number, group in enumerate(groups):
        scores = np.mean([member["scores"] for member in group], axis=0)
        own = {
            "name": f"committee of {len(group)}",
            "seed": number if len(group) == COMMITTEE else 0,
            **{key: sum(m[key] for m in group) for key in ("seconds", "scoring", "parameters")},
            "memory": max(member["memory"] for member in group),
        }
        made.append(own | {"scores": scores})
        both = {key: own[key] + partner[key] for key in ("seconds", "scoring", "parameters")}
        made.append(
            own
            | both
            | {
                "name": f"committee of {len(group)}, with the linear model",
                "scores": scores + partner["scores"],
                "memory": max(own["memory"], partner["memory"]),
            }
        )
    return made


def judged(runs: Sequence[dict], truth: np.ndarray) -> list[dict]:
    """Replace scores by accuracy, and by the lead over `MARK` with its standard error."""
    right = [(np.asarray(run["scores"]) > 0) == truth for run in runs]
    (mark,) = (own for run, own in zip(runs, right, strict=True) if run["name"] == MARK)
    done = []
    for run, own in zip(runs, right, strict=True):
        lead = own.astype(float) - mark
        facts = {
            "accuracy": own.mean().item(),
            "lead": lead.mean().item(),
            "error": lead.std(ddof=1).item() / len(truth) ** 0.5,
        }
        done.append({key: value for key, value in run.items() if key != "scores"} | facts)
    return done


def tell(results: dict, folder: Path) -> str:
    """Write the picture into ``folder`` and return the section of the page."""
    groups: dict[str, list[dict]] = {}
    for run in results["runs"]:
        groups.setdefault(run["name"], []).append(run)
    order = sorted(groups, key=lambda name: statistics.mean(r["accuracy"] for r in groups[name]))
    picture = folder / f"sentiment-{results['source']}.png"
    draw({name: groups[name] for name in order}, picture)
    header = (
        *("", "accuracy (%)", f"ahead of {MARK} (points)", "seeds"),
        *("training (s)", "scoring (s)", "parameters", "peak memory (GB)"),
    )
    rows = [_row(name, groups[name]) for name in order]
    return f"""## Sentiment{TITLES[results["source"]]}

Trained on {results["trained"]:,} reviews and tested on {results["tested"]:,}, on one thread; a
committee's seconds are those of its members one after the other. Means, ± the standard deviation
over the seeds where there are several; nothing is random in the linear models.

{table(header, rows)}

{_findings(groups)}

![Accuracy over seconds](sentiment-{results["source"]}.png)
"""


def _row(name: str, runs: list[dict]) -> list[str]:
    percent = partial(spread, digits=2)
    return [
        name,
        percent([100 * run["accuracy"] for run in runs]),
        percent([100 * run["lead"] for run in runs]),
        ", ".join(str(run["seed"]) for run in runs),
        spread([run["seconds"] for run in runs], 0),
        spread([run["scoring"] for run in runs], 1),
        f"{statistics.mean(run['parameters'] for run in runs):,.0f}",
        spread([run["memory"] for run in runs], 2),
    ]


def _findings(groups: dict[str, list[dict]]) -> str:
    """Say whom the Transformers beat, and how sure that is."""
    means = {
        name: statistics.mean(run["accuracy"] for run in runs) for name, runs in groups.items()
    }
    linear = {name: means[name] for name in LINEAR}
    teams = [name for name in groups if name.startswith("committee") and "linear" not in name]
    lines = []
    for name in (MEMBER, *teams):
        beaten = [other for other, accuracy in linear.items() if accuracy < means[name]]
        ahead = [other for other in linear if other not in beaten]
        lead = 100 * statistics.mean(run["lead"] for run in groups[name])
        error = 100 * statistics.mean(run["error"] for run in groups[name])
        lines.append(
            f"- {name}: {lead:+.2f} points from {MARK}; which reviews are in the test part makes "
            f"that uncertain by ± {error:.2f} (one standard error). Linear models that are "
            f"better: {', '.join(ahead) or 'none'}."
        )
    seconds = max(run["seconds"] for name in teams for run in groups[name]) / 2
    verdict = "within" if seconds <= WANTED else "more than"
    lines.append(
        f"- The largest committee takes {seconds / 60:.1f} minutes on two threads, two members at "
        f"a time: {verdict} the {WANTED // 60} minutes meant."
    )
    return "\n".join(lines)


def draw(groups: dict[str, list[dict]], picture: Path) -> None:
    """Draw accuracy over seconds of training; who always gives one answer is left out."""
    ax = panels(width=9.0, height=4.6)[0, 0]
    shown = [name for name in groups if name != "majority"]
    for number, name in enumerate(reversed(shown), 1):
        seconds = statistics.mean(run["seconds"] for run in groups[name])
        accuracy = 100 * statistics.mean(run["accuracy"] for run in groups[name])
        colour, marker = ("C1", "s") if name in LINEAR else ("C0", "o")
        ax.plot(seconds, accuracy, marker, color=colour, label=f"{number}  {name}")
        ax.annotate(f"{number}", (seconds, accuracy), (5, 4), textcoords="offset points")
    ax.set_xscale("log")
    ax.margins(0.1)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8)
    finish(
        ax,
        title="Accuracy over seconds (squares: linear models)",
        xlabel="training on one thread (s)",
        ylabel="accuracy on the test part (%)",
    )
    ax.figure.savefig(picture, dpi=100)
