"""A right call of everything public in ``helpers.figures``; all sizes are distinct primes."""

import numpy as np
import torch
from matplotlib.axes import Axes

from helpers.figures import (
    TransformerWords,
    draw_transformer,
    finish,
    panels,
    plot_attention,
    plot_attention_heads,
    plot_bars,
    plot_confusion_matrix,
    plot_heatmap,
    plot_histogram,
    plot_images,
    plot_lines,
    plot_positional_encoding,
    plot_scatter,
    plot_token_weights,
)

H, T, S, D, N = 2, 3, 5, 7, 11
WORDS = {"title": "A finding about $d_k$", "xlabel": "right", "ylabel": "up"}


def small() -> Axes:
    return panels(width=3.0, height=2.0)[0, 0]


def numbers(*shape: int) -> np.ndarray:
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def names(count: int) -> list[str]:
    return [f"n{index}" for index in range(count)]


def attention(*shape: int) -> torch.Tensor:
    return torch.from_numpy(numbers(*shape)).softmax(dim=-1)


CALLS = {
    "panels": lambda: (panels, {"rows": H, "columns": T, "width": 6.0, "height": 4}),
    "finish": lambda: (finish, {"ax": small(), **WORDS}),
    "plot_lines": lambda: (
        plot_lines,
        {
            "x": range(1, N + 1),
            "series": {"a": numbers(N), "b": torch.ones(N)},
            "xscale": "log",
            "yscale": "linear",
            "hlines": {"floor": 3},
            "vlines": {"best": 2.5},
            "ax": small(),
            **WORDS,
        },
    ),
    "plot_scatter": lambda: (
        plot_scatter,
        {"series": {"a": numbers(N, 2)}, "limits": (0, 9.0), "ax": small(), **WORDS},
    ),
    "plot_bars": lambda: (
        plot_bars,
        {
            "labels": np.array(names(S)),
            "values": numbers(S).tolist(),
            "digits": 2,
            "vlines": {"cut": 2.5},
        }
        | {"ax": small(), **WORDS},
    ),
    "plot_histogram": lambda: (
        plot_histogram,
        {"series": {"a": numbers(N)}, "bins": 5, "vlines": {"cut": 2}, "ax": small(), **WORDS},
    ),
    "plot_heatmap": lambda: (
        plot_heatmap,
        {
            "values": numbers(T, S),
            "rows": names(T),
            "columns": names(S),
            "cells": [names(S)] * T,
            "limits": [0, 20.0],
            "colormap": "Blues",
            "square": True,
            "colorbar": "size",
            "ax": small(),
            **WORDS,
        },
    ),
    "plot_attention": lambda: (
        plot_attention,
        {"weights": attention(T, S), "queries": names(T), "keys": names(S), "vmax": 1}
        | {"colorbar": None, "ax": small(), **WORDS},
    ),
    "plot_attention_heads": lambda: (
        plot_attention_heads,
        {"weights": attention(H, T, S), "queries": names(T), "keys": names(S)}
        | {"titles": names(H), "vmax": 1.0, "colorbar": "weight", "xlabel": "", "ylabel": ""},
    ),
    "plot_positional_encoding": lambda: (
        plot_positional_encoding,
        {"encoding": numbers(T, D), "ax": small(), **WORDS},
    ),
    "plot_confusion_matrix": lambda: (
        plot_confusion_matrix,
        {"counts": numbers(T, T), "classes": names(T), "colorbar": None, "ax": small(), **WORDS},
    ),
    "plot_images": lambda: (
        plot_images,
        {"images": numbers(N, T, S), "columns": 3, "captions": names(N), "rows": names(4)}
        | {"signed": False, "ax": small(), **WORDS},
    ),
    "TransformerWords": lambda: (TransformerWords, {"inputs": "Inputs", "value": "V"}),
    "draw_transformer": lambda: (
        draw_transformer,
        {"title": "words", "words": TransformerWords(), "ax": small()},
    ),
    "plot_token_weights": lambda: (
        plot_token_weights,
        {"tokens": names(S), "weights": numbers(S), "limit": 7, "ax": small()}
        | {"title": "words", "xlabel": "effect"},
    ),
}
