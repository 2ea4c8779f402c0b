"""What a reader gets wrong with figures: rows of ``test_wrong_calls``, written by hand."""

import numpy as np
import torch

from helpers import figures

LOG = {"xscale": "log", "yscale": "log"}
flat, points = torch.full((3, 5), 0.2), np.ones((5, 2))
nan, inf = float("nan"), float("inf")
LONG = {"tokens": ["x" * 60] * 34, "weights": [0] * 34, "title": "", "xlabel": ""}
LONG["ax"] = figures.panels(1, 2, width=7, height=3)[0, 1]

HOLD = "and hold a number, got "
REAL = "must be an array of real numbers, got "
TWO = "limits must be two numbers, the smaller one first, got "
ENTRIES = "series must hold 1 to 7 entries, got "
WHOLE = "counts must be whole numbers from 0, got "
ABOVE = "must be above 0 on a log scale, got "
SIGNED = "must not be negative without signed=True"
WEIGHTS, SOFTMAX = "weights must lie in", "as after a softmax, got "

VALUES = [
    ("plot_heatmap", {"values": np.ones(5)}, f"values must have rank 2 {HOLD}(5,)"),
    ("plot_heatmap", {"values": np.ones((0, 5))}, f"values must have rank 2 {HOLD}(0, 5)"),
    ("plot_images", {"images": flat}, f"images must have rank 3 {HOLD}(3, 5)"),
    ("plot_lines", {"series": {"loss": []}}, f"series['loss'] must have rank 1 {HOLD}(0,)"),
    ("plot_scatter", {"series": {"a": [1, 2]}}, f"series['a'] must have rank 2 {HOLD}(2,)"),
    ("plot_lines", {"hlines": {"low": [3.0]}}, f"hlines['low'] must have rank 0 {HOLD}(1,)"),
    ("plot_lines", {"series": {"loss": [1.0, nan]}}, "series['loss'] must be finite, got nan"),
    ("plot_lines", {"x": np.array([1.0, inf])}, "x must be finite, got inf"),
    ("plot_lines", {"vlines": {"best": nan}}, "vlines['best'] must be finite, got nan"),
    ("plot_heatmap", {"limits": (0, nan)}, "limits must be finite, got nan"),
    ("plot_scatter", {"series": {"b": flat}}, "series['b'] must have shape (N, 2), got (3, 5)"),
    ("plot_lines", {"series": {"a": [1, 2]}}, "series['a'] must hold 7 values like x, got 2"),
    ("plot_confusion_matrix", {"counts": flat}, "counts must be square, got (3, 5)"),
    (
        "plot_heatmap",
        {"cells": [["a"] * 3] * 5},
        "cells must have shape (3, 5), got (5, 3)",
    ),
    ("plot_heatmap", {"rows": ["a", "b"]}, "rows must hold 3 texts, got 2"),
    ("plot_attention", {"queries": ["a"]}, "queries must hold 3 texts, got 1"),
    ("plot_images", {"captions": ["a", "b"]}, "captions must hold 5 texts, got 2"),
    ("plot_images", {"rows": ["a"]}, "rows must hold 2 texts, got 1"),
    ("plot_attention", {"weights": flat - 0.7}, f"{WEIGHTS} 0..1, {SOFTMAX}-0.5"),
    ("plot_attention", {"weights": 5 * flat, "vmax": 0.5}, f"{WEIGHTS} 0..0.5, {SOFTMAX}1.0"),
    ("plot_heatmap", {"limits": (5, 2)}, f"{TWO}(5, 2)"),
    ("plot_scatter", {"limits": (5, 5)}, f"{TWO}(5, 5)"),
    ("plot_heatmap", {"limits": (1, 2, 3)}, f"{TWO}(1, 2, 3)"),
    ("plot_histogram", {"series": {}}, f"{ENTRIES}0"),
    ("plot_scatter", {"series": dict.fromkeys("abcdefgh", points)}, f"{ENTRIES}8"),
    ("plot_lines", LOG | {"x": range(7)}, f"x {ABOVE}0.0"),
    ("plot_lines", LOG | {"series": {"loss": range(-2, 5)}}, f"series {ABOVE}-2.0"),
    ("plot_lines", LOG | {"hlines": {"a": 0}}, f"hlines {ABOVE}0.0"),
    ("plot_lines", LOG | {"vlines": {"a": 0}}, f"vlines {ABOVE}0.0"),
    ("plot_confusion_matrix", {"counts": [[1, 0.5], [0, 1]]}, f"{WHOLE}0.5"),
    ("plot_confusion_matrix", {"counts": [[-1]]}, f"{WHOLE}-1.0"),
    ("plot_images", {"images": -np.ones((5, 2, 2))}, f"images {SIGNED}, got -1.0"),
    ("plot_token_weights", {"limit": 1}, "limit must be at least 1.3, got 1"),
    ("plot_token_weights", LONG, "ax must have room for 34 lines of tokens, got 9"),
]
KINDS = [
    ("plot_heatmap", {"values": [[1, 2], [3]]}, f"values {REAL}[[1, 2], [3]]"),
    ("plot_heatmap", {"values": flat.to("meta")}, f"values {REAL}{flat.to('meta')}"),
    ("plot_bars", {"values": ["1", "2"]}, f"values {REAL}['1', '2']"),
    ("plot_histogram", {"bins": "auto"}, f"bins {REAL}'auto'"),
    ("plot_lines", {"hlines": {"low": "3"}}, "hlines['low'] must be a real number, got '3'"),
    ("plot_lines", {"xlabel": None}, "xlabel must be a text, got None"),
]
UNHOOKED = [("plot_bars", {"labels": [0, 1, 2]}, "labels must be a list of texts, got [0, 1, 2]")]
