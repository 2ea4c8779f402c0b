"""Lesson 05's GAN beside two that a reader would find first, after equal seconds of one thread.

Scope: the three contestants of ``players`` learn from the same 4,000 digits for the
same seconds of processor time, once for each of several seeds. What they make is measured as in
lesson 05: the Fréchet distance to 1,000 held-out digits in the features of one judge, the share of
pictures of which that judge is confident, and how often it sees each class. Measuring does not
count as time.

Source of the distance: Heusel et al., 2017, https://arxiv.org/abs/1706.08500.

Dimensions: ``B`` batch, ``F`` features.
"""

import base64
import statistics
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.gan.players import CONTESTANTS
from benchmarks.jobs import Job, run_jobs
from benchmarks.report import spread, table
from helpers.data import load_digits, random_shift, stratified_split
from helpers.figures import plot_images, plot_lines
from helpers.running import seed_everything
from helpers.training import fit
from helpers.vision import DigitClassifier, frechet_distance
from helpers.weights import load_weights, save_weights

MADE = 4000  # pictures measured each time, as many as there are digits to learn from
SHOWN = 40  # pictures kept to be looked at
ENOUGH = 0.04  # a class counts as made if the judge sees it in at least this share, as in lesson 05


def load_split() -> tuple[Tensor, Tensor, Tensor]:
    """Return the digits to learn from, their labels, and the held-out digits, as in lesson 05."""
    digits = load_digits()
    stay, held_out = stratified_split(digits.labels, per_class=100, seed=0)
    return digits.images[stay], digits.labels[stay], digits.images[held_out]


def endless_batches(images: Tensor, size: int, draws: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of ``images``, pass after pass, each in a new order."""
    while True:
        for ids in torch.randperm(len(images), generator=draws).split(size):
            yield images[ids]


class Judge:
    """Lesson 05's judge: what it thinks of made digits, beside the held-out ones."""

    def __init__(self, model: DigitClassifier, held_out: Tensor) -> None:
        self.model = model.eval()
        self.wanted, _ = self.look(held_out)

    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the judge's features ``(B, F)`` and logits ``(B, 10)`` of ``pictures``."""
        with torch.no_grad():
            features = torch.cat([self.model.features(part) for part in pictures.split(500)])
            return features, self.model.head(features)

    def __call__(self, pictures: Tensor) -> dict:
        """Return distance, share of confident digits, and the shares of the ten classes."""
        features, logits = self.look(pictures)
        counts = logits.argmax(dim=1).bincount(minlength=10)
        return {
            "distance": frechet_distance(features, self.wanted),
            "confident": (logits.softmax(dim=1).amax(dim=1) > 0.9).double().mean().item(),
            "shares": (counts.double() / len(pictures)).tolist(),
        }


def train_judge(path: str) -> dict:
    """Train the judge as in lesson 05, save it, and return its verdicts on the two extremes."""
    draws = seed_everything(4)
    images, labels, held_out = load_split()
    model = DigitClassifier()
    optimizer = AdamW(model.parameters(), lr=0.001)
    schedule = OneCycleLR(optimizer, max_lr=0.004, total_steps=10 * 63)

    def batches(_: int) -> Iterator[tuple[Tensor, Tensor]]:
        for ids in torch.randperm(len(images), generator=draws).split(64):
            yield random_shift(images[ids], generator=draws), labels[ids]

    fit(model, batches, optimizer, epochs=10, scheduler=schedule)
    save_weights(model, path)
    judge = Judge(model, held_out)
    noise = torch.rand(MADE, 1, 28, 28, generator=draws)
    return {"real digits": judge(images), "noise": judge(noise)}


def play(contestant: str, seed: int, seconds: float, moments: int, judge: str) -> dict:
    """Let a contestant learn for ``seconds`` of processor time and return what came of it.

    It is measured at so many moments, at equal distances in time; the last is the end.
    """
    images, _, held_out = load_split()
    model = DigitClassifier()
    load_weights(model, judge)
    verdict = Judge(model, held_out)
    draws = seed_everything(seed)
    players = CONTESTANTS[contestant](draws)
    batches = endless_batches(images, players.batch, draws)
    spent, steps, curve = 0.0, 0, []
    for moment in range(1, moments + 1):
        while spent < seconds * moment / moments:
            start = time.process_time()
            players.step(next(batches))
            spent += time.process_time() - start
            steps += 1
        made = players.pictures(MADE)
        found = verdict(made)
        curve.append(found["distance"])
    run = {"contestant": contestant, "seed": seed, "seconds": spent, "steps": steps}
    return run | found | {"curve": curve, "pictures": pack(made[:SHOWN])}


def pack(pictures: Tensor) -> str:
    """Return pictures from 0 to 1 as a string, in 256 shades of grey."""
    shades = (255 * pictures).round().to(torch.uint8)
    return base64.b64encode(zlib.compress(shades.numpy().tobytes())).decode()


def unpack(packed: str) -> np.ndarray:
    """Return the pictures ``(B, 28, 28)`` that `pack` was given, from 0 to 255."""
    shades = zlib.decompress(base64.b64decode(packed))
    return np.frombuffer(shades, dtype=np.uint8).reshape(-1, 28, 28)


def measure(quick: bool) -> dict:
    """Let every contestant play once a seed, two of them side by side."""
    seconds, moments, seeds = (4, 2, 1) if quick else (60, 6, 3)
    with tempfile.TemporaryDirectory() as folder:
        judge = str(Path(folder) / "judge.safetensors")
        (references,) = run_jobs([Job(train_judge, {"path": judge})])
        common = {"seconds": seconds, "moments": moments, "judge": judge}
        jobs = [
            Job(play, {"contestant": contestant, "seed": seed} | common)
            for seed in range(seeds)
            for contestant in CONTESTANTS
        ]
        runs = run_jobs(jobs, side_by_side=2)
    for run in runs[len(CONTESTANTS) :]:
        del run["pictures"]  # those of the first seed are enough to look at
    del references["memory"]
    return {"seconds": seconds, "references": references, "runs": runs}


def tell(results: dict, folder: Path) -> str:
    """Write two pictures into ``folder`` and return the section of the page."""
    groups: dict[str, list[dict]] = {}
    for run in results["runs"]:
        groups.setdefault(run["contestant"], []).append(run)
    references = {name: [found] for name, found in results["references"].items()}
    header = ("", "distance", "confident", "rarest class", "runs with all ten", "steps")
    rows = [_row(name, runs) for name, runs in (groups | references).items()]
    draw(groups, results, folder)
    seconds = results["seconds"]
    late = max(run["seconds"] for run in results["runs"]) - seconds
    return f"""## GAN

Three recipes learned from the same {MADE:,} digits for {seconds} s of processor time each, on one
thread, two trainings side by side; the last step ended up to {late:.1f} s later. {_seeds(groups)}
Each then made {MADE:,} pictures. *Distance* is the Fréchet distance of these to 1,000 held-out
digits in the features of lesson 05's judge. *Confident* is the share of pictures that the judge
gives more than 0.9 to one class. *Rarest class* is the share of the class that it sees least
often; a class counts as made from {ENOUGH} on.

{table(header, rows)}

{_findings(groups)}

Lesson 05's settings were chosen on these digits, by the distance to those it learns from. The other
two keep the settings of their sources, chosen for more digits and more time than {seconds} s on one
thread; the plain DCGAN has half its channels, so that it makes more steps (see
`benchmarks/gan/players.py`).

![Digits of each contestant](gan-digits.png)

![Distance over time](gan-distance.png)
"""


def _row(name: str, runs: list[dict]) -> list[str]:
    complete = sum(_complete(run) for run in runs)
    return [
        name,
        spread([run["distance"] for run in runs], 1),
        spread([run["confident"] for run in runs], 2),
        spread([min(run["shares"]) for run in runs], 3),
        f"{complete} of {len(runs)}",
        f"{statistics.mean(run['steps'] for run in runs):,.0f}" if "steps" in runs[0] else "",
    ]


def _complete(run: dict) -> bool:
    return min(run["shares"]) >= ENOUGH


def _seeds(groups: dict[str, list[dict]]) -> str:
    seeds = [str(run["seed"]) for run in next(iter(groups.values()))]
    if len(seeds) == 1:
        return f"Each was trained once, with the seed {seeds[0]}."
    told = f"the seeds {', '.join(seeds[:-1])} and {seeds[-1]}"
    return f"Each was trained with {told}: means, ± the standard deviation over these."


def _findings(groups: dict[str, list[dict]]) -> str:
    """Return who is nearest, who makes all ten classes and who spreads least, from the numbers."""
    distances = {name: [run["distance"] for run in runs] for name, runs in groups.items()}
    means = {name: statistics.mean(values) for name, values in distances.items()}
    first, *others = sorted(means, key=means.get)
    behind = ", ".join(f"{name} {means[name] / means[first]:.1f} times that" for name in others)
    lines = [f"- Lowest distance: {first}, {means[first]:.1f}; {behind}."]
    complete = [name for name, runs in groups.items() if all(map(_complete, runs))]
    lines.append(f"- All ten classes in every run: {', '.join(complete) or 'none of them'}.")
    if len(distances[first]) > 1:
        spreads = {name: statistics.stdev(values) for name, values in distances.items()}
        steady = min(spreads, key=spreads.get)
        lines.append(f"- Smallest spread of the distance over seeds: {steady}.")
    changes = [f"{name} {_late_change(runs):+d}%" for name, runs in groups.items()]
    lines.append(
        f"- Change of the distance since the last measurement but one: {', '.join(changes)}."
    )
    return "\n".join(lines)


def _late_change(runs: list[dict]) -> int:
    """Return by how many percent the mean distance changed between the last two measurements."""
    before, end = (statistics.mean(run["curve"][moment] for run in runs) for moment in (-2, -1))
    return round(100 * (end / before - 1))


def draw(groups: dict[str, list[dict]], results: dict, folder: Path) -> None:
    """Draw what each contestant made with its first seed, and all distances over time."""
    seconds = results["seconds"]
    album = np.concatenate([unpack(runs[0]["pictures"]) for runs in groups.values()])
    labels = [label for name in groups for label in (name, "")]
    title = f"Made digits, unchosen, after {seconds} s"
    ax = plot_images(album, columns=SHOWN // 2, rows=labels, title=title)
    ax.figure.savefig(folder / "gan-digits.png", dpi=100)
    curves = {
        name: np.mean([run["curve"] for run in runs], axis=0) for name, runs in groups.items()
    }
    moments = len(next(iter(curves.values())))
    ax = plot_lines(
        np.arange(1, moments + 1) * seconds / moments,
        curves,
        title="Distance to held-out digits, mean over the seeds",
        xlabel="processor time (s)",
        ylabel="Fréchet distance",
        yscale="log",
        hlines={name: found["distance"] for name, found in results["references"].items()},
    )
    ax.figure.savefig(folder / "gan-distance.png", dpi=100)
