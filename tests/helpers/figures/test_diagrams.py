"""The boxes, arrows and words of the diagrams stand where they belong, measured on the canvas."""

import io
from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from helpers.figures.canvas import panels
from helpers.figures.diagrams import (
    ENGLISH,
    TransformerWords,
    draw_towers,
    draw_transformer,
    plot_token_weights,
)
from tests.helpers.figures.drawn import box, inside, words

GERMAN = TransformerWords(
    **dict.fromkeys(vars(ENGLISH), "ein ziemlich langer Name dafür")
    | {"encoder": "Kodierer", "decoder": "Dekodierer", "repeat": "N mal"}
    | {"query": "Q", "key": "K", "value": "V"}
)
TOKENS = ENGLISH.masked_attention.split() * 5


@pytest.fixture(scope="module", params=["english", "german", "narrow"])
def picture(request):
    ax = panels(1, 2, width=8, height=4)[0, 1] if request.param == "narrow" else None
    words = GERMAN if request.param == "german" else ENGLISH
    drawn = draw_transformer(title="A Transformer", words=words, ax=ax)
    assert ax is None or drawn is ax
    drawn.figure.savefig(io.BytesIO())
    return drawn, words


def parts(ax, gid):
    return [patch for patch in ax.patches if patch.get_gid() == gid]


def overlap(boxes):
    return any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_every_word_is_drawn_as_often_as_in_the_paper(picture):
    ax, given = picture
    drawn = sorted(text.replace("\n", " ") for text in words(ax.texts))
    names = ("attention", "feed_forward", "positional_encoding", "repeat", "query", "key", "value")
    often = dict(zip(names, (2, 2, 2, 2, 3, 3, 3), strict=True)) | {"add_norm": 5}
    wanted = sorted(word for name, word in vars(given).items() for _ in range(often.get(name, 1)))
    assert drawn == wanted
    assert ax.get_title() == "A Transformer"


def test_long_names_are_folded_and_not_just_shrunk():
    texts = draw_transformer(title="").texts
    assert "Masked Multi-Head\nAttention" in words(texts)
    assert min(text.get_size() for text in texts) > 6.5


def test_boxes_and_words_do_not_overlap(picture):
    ax, _ = picture
    boxes, texts = list(map(box, parts(ax, "box"))), list(map(box, ax.texts))
    assert len(boxes) == 14
    assert not overlap(boxes)
    assert not overlap(texts)
    for word in texts:
        assert inside(word, ax.figure.bbox, 0.5)
        assert sum(map(word.overlaps, boxes)) == sum(inside(word, place, 0.5) for place in boxes)
    assert sum(inside(word, place, 0.5) for word in texts for place in boxes) == len(boxes)
    assert not box(ax.title).overlaps(Bbox.union(texts))


def test_arrows_meet_boxes_at_the_edge_and_miss_every_word(picture):
    ax, _ = picture
    obstacles = [box(patch).padded(-1) for patch in parts(ax, "box")] + list(map(box, ax.texts))
    for arrow in parts(ax, "arrow"):
        corners = ax.transData.transform(arrow._path_original.vertices)
        for start, end in pairwise(corners):
            assert np.isclose(start, end, atol=1e-6).any()  # straight up or across
            line = Bbox([np.minimum(start, end), np.maximum(start, end)])
            assert not any(map(line.overlaps, obstacles))


def test_residuals_lead_around_each_sublayer(picture):
    ax, _ = picture
    frames = list(map(box, parts(ax, "frame")))
    assert len(frames) == 2
    arrows = [arrow._path_original.vertices for arrow in parts(ax, "arrow")]
    around = [vertices for vertices in arrows if len(vertices) == 4]
    assert len(around) == 5  # two in the encoder, three in the decoder
    for vertices in around:
        corners = ax.transData.transform(vertices)
        assert sum(all(frame.contains(x, y) for x, y in corners) for frame in frames) == 1


def test_towers_show_which_layer_reads_what():
    given = {"source": "picture", "target": "scores", "crossing": [2], "title": "Two towers"}
    ax = draw_towers(["a", "b", "c"], ["d", "e", "f"], **given)
    ax.figure.savefig(io.BytesIO())
    boxes = list(map(box, parts(ax, "box")))
    assert not overlap(boxes)
    names = words(ax.texts)
    for word, text, place in zip(names, ax.texts, boxes, strict=True):
        assert inside(box(text), place, 0.5), word
        assert inside(place, ax.figure.bbox, 0.5), word
    read = set()
    for arrow in parts(ax, "arrow"):
        start, end = ax.transData.transform(arrow._path_original.vertices)
        read.add(
            "".join(
                next(
                    name
                    for name, place in zip(names, boxes, strict=True)
                    if place.padded(1).contains(*point)
                )
                + " "
                for point in (start, end)
            )
        )
    assert read == {
        f"{pair} "
        for pair in (
            "picture a",
            "picture d",
            "a b",
            "d e",
            "b c",
            "e f",
            "b f",
            "e c",
            "c scores",
            "f scores",
        )
    }
    with pytest.raises(ValueError, match="right must hold 3 texts, got 2"):
        draw_towers(["a", "b", "c"], ["d", "e"], **given)


def test_axes_may_stand_in_a_part_of_a_figure():
    left, right = Figure(figsize=(14, 8)).subfigures(1, 2)
    draw_transformer(title="x", ax=left.subplots())
    plot_token_weights(TOKENS, [0.5] * len(TOKENS), title="x", xlabel="y", ax=right.subplots())
    assert words(right.axes[0].texts) == TOKENS


def test_token_weights_read_like_a_text():
    weights = np.linspace(-1, 1, 3 * len(TOKENS))
    ax = plot_token_weights(TOKENS * 3, weights, title="A review", xlabel="effect")
    ax.figure.savefig(io.BytesIO())
    assert words(ax.texts) == TOKENS * 3
    boxes = [box(text.get_bbox_patch()) for text in ax.texts]
    assert all(inside(each, box(ax), 0.5) for each in boxes)
    assert not overlap(boxes)
    middles = [(-round(each.y0 + each.y1) // 20, each.x0) for each in boxes]
    assert middles == sorted(middles)
    assert ax.child_axes == []
    bar = next(other for other in ax.figure.axes if other is not ax)
    assert bar.get_xlabel() == "effect"


def test_a_token_wider_than_the_line_is_cut_and_axes_that_none_fits_into_are_refused():
    tokens, weights, given = ["short", "x" * 400, "end"], [0, 1, 0], {"title": "", "xlabel": ""}
    ax = plot_token_weights(tokens, weights, **given)
    ax.figure.savefig(io.BytesIO())
    assert ax.texts[1].get_text().endswith("x\N{HORIZONTAL ELLIPSIS}")
    assert inside(box(ax.texts[1]), box(ax), 0.5)
    narrow = panels(1, 2, width=0.8, height=3)[0, 0]
    with pytest.raises(ValueError, match=r"^ax must be at least 0.5 inches wide, got 0\.\d+$"):
        plot_token_weights(tokens, weights, **given, ax=narrow)
