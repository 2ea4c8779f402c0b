"""Attention and the Transformer beside ``torch.nn``: time and memory, and how both grow.

Scope: one training step (forward and backward) and the forward pass alone of
``MultiHeadAttention``, both layers and the whole ``Transformer``, in float32, at three sizes, with
one thread and with two; the price of asking for weights; how attention grows with the length ``T``.
``counterparts`` says what is compared, ``stopwatch`` how.

Sources: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, table 1 (cost in ``T``);
Dao et al. 2022, https://arxiv.org/abs/2205.14135 (attention without a ``T x T`` matrix).
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.attention.counterparts import (
    SUBJECTS,
    Side,
    Sizes,
    attention,
    inference,
    training_step,
)
from benchmarks.attention.stopwatch import compare, peak_bytes
from benchmarks.jobs import Job, run_jobs
from benchmarks.report import table
from helpers.figures import panels, plot_lines

THREADS = (1, 2)
LIMIT = 1.05  # on the time, ours divided by torch.nn's
# The words that lesson 03 reverses; the classifier and batch of lesson 04; the paper's base width.
# The vocabulary is small: the output layer is the same on both sides and would dilute the ratio.
SIZES = {
    "lesson 03": Sizes(64, 10, 64, 1, 128, vocab=27),
    "IMDb": Sizes(64, 256, 32, 2, 64, vocab=100, padded=True),
    "large": Sizes(2, 512, 512, 8, 2048, vocab=100),
}
GROWTH = Sizes(2, 64, 64, 2, 128, vocab=100)  # its length is doubled again and again
THEORY = {"time": (2, 2), "memory": (2, 1)}  # exponents of long T: weights returned, or not

INTRODUCTION = """\
Our modules beside `torch.nn`'s doing the same work, both sides in turn in one process: a training
step (forward and backward, float32, no dropout) and the forward pass alone (evaluation, no
gradients, where `torch.nn` by default takes its fast path). Times are medians; a ratio is ours
divided by `torch.nn`'s, with its standard error. Memory is the most that torch's allocator held
during a training step, above parameters and inputs. Weights are not requested. The `Transformer`
has one encoder layer and one decoder layer."""

PRICE = """\
Multi-head attention that returns the weights of every head, divided by the same module without:
time and peak memory of a training step, and the time of the forward pass alone."""


def measure_pair(a: Side, b: Side, seconds: float) -> dict:
    """Compare a training step of both, its memory, and the forward pass alone."""
    steps = training_step(a), training_step(b)
    training = compare(*steps, seconds=seconds)
    memory = [peak_bytes(step) for step in steps]
    forward = compare(inference(a), inference(b), seconds=seconds / 4)
    return {"training": training, "memory": memory, "forward": forward}


def measure_size(sizes: dict, seconds: float) -> dict:
    """Measure every subject against torch.nn, and on both sides the price of the weights."""
    torch.manual_seed(0)
    sizes = Sizes(**sizes)
    subjects = {name: measure_pair(*make(sizes), seconds) for name, make in SUBJECTS.items()}
    asked, unasked = attention(sizes, need_weights=True), attention(sizes)
    price = [measure_pair(*sides, seconds) for sides in zip(asked, unasked, strict=True)]
    return {"threads": torch.get_num_threads(), "subjects": subjects, "price": price}


def measure_growth(lengths: Sequence[int], seconds: float) -> dict:
    """Measure a training step of our attention, with weights and without, at each length."""
    torch.manual_seed(0)
    times, memory = [], []
    for length in lengths:
        sizes = replace(GROWTH, length=length)
        sides = [attention(sizes, need_weights=asked)[0] for asked in (True, False)]
        steps = [training_step(side) for side in sides]
        times.append(compare(*steps, seconds=seconds)["seconds"])
        memory.append([peak_bytes(step) for step in steps])
    return {"lengths": list(lengths), "time": times, "bytes": memory}


def measure(quick: bool) -> dict:
    """Measure everything, each size and number of threads in a process of its own."""
    sizes = {name: _shrunk(size) if quick else size for name, size in SIZES.items()}
    seconds = 0.2 if quick else 3.0
    lengths = [GROWTH.length * 2**i for i in range(3 if quick else 6)]
    jobs, names = [Job(measure_growth, {"lengths": lengths, "seconds": seconds / 3})], []
    for name, size in sizes.items():
        for threads in THREADS:
            names.append(name)
            arguments = {"sizes": asdict(size), "seconds": seconds}
            jobs.append(Job(measure_size, arguments, threads))
    grown, *runs = run_jobs(jobs)
    return {
        "sizes": {name: asdict(size) for name, size in sizes.items()},
        "runs": [{"size": name, **run} for name, run in zip(names, runs, strict=True)],
        "growth": grown,
    }


def _shrunk(sizes: Sizes) -> Sizes:
    return replace(sizes, batch=max(sizes.batch // 8, 1), length=max(sizes.length // 4, 8))


# How it is told


def tell(results: dict, folder: Path) -> str:
    """Return the section, and save its picture as ``attention.png`` in ``folder``."""
    cells = [
        (f"{subject}, {run['size']}, {_threads(run)}", pair)
        for run in results["runs"]
        for subject, pair in run["subjects"].items()
    ]
    times = {name: pair["training"]["ratio"] for name, pair in cells}
    memory = {name: pair["memory"][0] / pair["memory"][1] for name, pair in cells}
    forward = {name: pair["forward"]["ratio"] for name, pair in cells}
    parts = ["## Attention", INTRODUCTION]
    parts.append(
        f"- Time of a training step, ours divided by `torch.nn`'s: {_extremes(times, LIMIT)}\n"
        f"- Peak memory of a training step: {_extremes(memory, 1.0)}\n"
        f"- Time of the forward pass alone: {_extremes(forward, LIMIT)}"
    )
    for name, sizes in results["sizes"].items():
        runs = [run for run in results["runs"] if run["size"] == name]
        parts += [f"**{name}**: {_described(sizes)}.", _size_table(runs)]
    parts += ["### The price of asking for weights", PRICE, _price_table(results["runs"])]
    parts += ["### Growth with length", _growth(results["growth"], folder)]
    return "\n\n".join(parts) + "\n"


def _threads(run: dict) -> str:
    return "1 thread" if run["threads"] == 1 else f"{run['threads']} threads"


def _described(sizes: dict) -> str:
    names = {"batch": "B", "length": "T", "width": "D", "heads": "H", "hidden": "hidden"}
    facts = [f"{short} = {sizes[name]}" for name, short in names.items()]
    padding = "random lengths, padding masked" if sizes["padded"] else "no padding"
    return f"{', '.join(facts)}, {sizes['vocab']} tokens, {padding}"


def _extremes(ratios: dict[str, float], limit: float) -> str:
    """Say between what the ratios lie, and which are above the limit."""
    worst = max(ratios, key=ratios.get)
    above = [f"{name} ({ratio:.4f})" for name, ratio in ratios.items() if ratio > limit]
    return (
        f"{min(ratios.values()):.3f} to {ratios[worst]:.3f}, highest for {worst}; "
        f"{len(ratios) - len(above)} of {len(ratios)} are at most {limit:.2f}"
        + (f", not: {'; '.join(above)}." if above else ".")
    )


def _ratio(compared: dict) -> str:
    return f"{compared['ratio']:.3f} ± {compared['error']:.3f}"


def _size_table(runs: Sequence[dict]) -> str:
    rows = []
    for subject in runs[0]["subjects"]:
        for run in runs:
            pair = run["subjects"][subject]
            times = [f"{seconds * 1e3:.2f}" for seconds in pair["training"]["seconds"]]
            memory = [f"{held / 1e6:.2f}" for held in pair["memory"]]
            ratio = f"{pair['memory'][0] / pair['memory'][1]:.3f}"
            measured = [*times, _ratio(pair["training"]), *memory, ratio, _ratio(pair["forward"])]
            rows.append([subject, str(run["threads"]), *measured])
    header = ["", "threads", "ours, ms", "`torch.nn`, ms", "**time, ratio**"]
    header += ["ours, MB", "`torch.nn`, MB", "**memory, ratio**", "forward alone, ratio"]
    return table(header, rows)


def _price_table(runs: Sequence[dict]) -> str:
    rows = []
    for run in runs:
        row = [run["size"], str(run["threads"])]
        for pair in run["price"]:
            memory = f"{pair['memory'][0] / pair['memory'][1]:.2f}"
            row += [f"{pair['training']['ratio']:.2f}", memory, f"{pair['forward']['ratio']:.2f}"]
        rows.append(row)
    columns = [
        f"{side}, {what}"
        for side in ("ours", "`torch.nn`")
        for what in ("time", "memory", "forward")
    ]
    return table(["", "threads", *columns], rows)


def _growth(growth: dict, folder: Path) -> str:
    """Fit the exponents, draw the picture and say both."""
    lengths, names = growth["lengths"], ("weights returned", "weights not requested")
    time, memory = np.array(growth["time"]), np.array(growth["bytes"])  # (lengths, 2)
    panel = {"time": (time * 1e3, "milliseconds"), "memory": (memory / 1e6, "MB")}
    rows, axes = [], panels(1, 2, width=9.0, height=3.8)[0]
    for (what, (values, unit)), ax in zip(panel.items(), axes, strict=True):
        lines = {}
        for name, column, theory in zip(names, values.T, THEORY[what], strict=True):
            exponent = fitted_exponent(lengths, column)
            rows.append([f"{what}, {name}", str(theory), f"{exponent:.2f}"])
            lines[f"{name}: $T^{{{exponent:.2f}}}$"] = column
        title = f"{what.capitalize()} of one training step"
        words = {"title": title, "xlabel": "length $T$", "ylabel": unit}
        plot_lines(lengths, lines, **words, xscale="log", yscale="log", ax=ax)
    axes[0].figure.savefig(folder / "attention.png", dpi=120)
    slower, larger = (values[-1, 0] / values[-1, 1] for values in (time, memory))
    caption = (
        f"*Our multi-head attention (B = {GROWTH.batch}, D = {GROWTH.width}, H = {GROWTH.heads}, "
        "one thread) and the exponents fitted over the larger half of the lengths. At "
        f"T = {lengths[-1]} returning the weights takes {slower:.2f} times the time and "
        f"{larger:.1f} times the memory.*"
    )
    picture = "![Time and memory against length, on logarithmic axes](attention.png)"
    return "\n\n".join([table(["exponent of T in", "theory", "fitted"], rows), picture, caption])


def fitted_exponent(lengths: Sequence[int], values: Sequence[float]) -> float:
    """Return the slope between the logarithms, over the larger half of the lengths."""
    half = len(lengths) // 2
    return float(np.polyfit(np.log(lengths[half:]), np.log(values[half:]), 1)[0])
