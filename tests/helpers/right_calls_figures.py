"""A right call of everything public in ``helpers.figures``; all sizes are distinct primes."""

import numpy as np
import torch

from helpers import figures

H, T, S, D, N = 2, 3, 5, 7, 11


def small():
    return figures.panels(width=3.0, height=2.0)[0, 0]


def numbers(*shape):
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def names(count):
    return [f"n{index}" for index in range(count)]


def attention(*shape):
    return torch.from_numpy(numbers(*shape)).softmax(dim=-1)


def drawn(**given):
    """Words and axes, which almost every figure takes, and what is its own."""
    return {
        "title": "A finding about $d_k$",
        "xlabel": "right",
        "ylabel": "up",
        "ax": small(),
    } | given


TOKENS = {"queries": names(T), "keys": names(S)}
HEADS = TOKENS | {"titles": names(H), "vmax": 1.0, "colorbar": "w", "xlabel": "", "ylabel": ""}
LINES = {"xscale": "log", "yscale": "linear", "hlines": {"floor": 3}, "vlines": {"best": 2.5}}
GRID = {"rows": names(T), "columns": names(S), "cells": [names(S)] * T, "limits": [0, 20.0]}
LOOK = {"colormap": "Blues", "square": True, "colorbar": "size"}
ALBUM = {"columns": 3, "captions": names(N), "rows": names(4), "signed": False}

GIVEN = {
    "panels": lambda: {"rows": H, "columns": T, "width": 6.0, "height": 4},
    "finish": lambda: drawn(),
    "plot_lines": lambda: drawn(
        x=range(1, N + 1), series={"a": numbers(N), "b": torch.ones(N)}, **LINES
    ),
    "plot_scatter": lambda: drawn(series={"a": numbers(N, 2)}, limits=(0, 9.0)),
    "plot_bars": lambda: drawn(
        labels=np.array(names(S)), values=numbers(S).tolist(), digits=2, vlines={"cut": 2.5}
    ),
    "plot_histogram": lambda: drawn(series={"a": numbers(N)}, bins=5, vlines={"cut": 2}),
    "plot_heatmap": lambda: drawn(values=numbers(T, S), **GRID, **LOOK),
    "plot_attention": lambda: drawn(weights=attention(T, S), **TOKENS, vmax=1, colorbar=None),
    "plot_attention_heads": lambda: {"weights": attention(H, T, S), **HEADS},
    "plot_positional_encoding": lambda: drawn(encoding=numbers(T, D)),
    "plot_confusion_matrix": lambda: drawn(counts=numbers(T, T), classes=names(T), colorbar=None),
    "plot_images": lambda: drawn(images=numbers(N, T, S), **ALBUM),
    "TransformerWords": lambda: {"inputs": "Inputs", "value": "V"},
    "draw_transformer": lambda: {"title": "a", "words": figures.TransformerWords(), "ax": small()},
    "plot_token_weights": lambda: (
        {"tokens": names(S), "weights": numbers(S), "limit": 7}
        | {"title": "words", "xlabel": "effect", "ax": small()}
    ),
}


def call(name, given):
    return lambda: (getattr(figures, name), given())


CALLS = {name: call(name, given) for name, given in GIVEN.items()}
