"""The boxes, arrows and words of the diagrams stand where they belong, measured on the canvas."""

import dataclasses
import io
from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.transforms import Bbox

from helpers.figures.canvas import panels
from helpers.figures.diagrams import ENGLISH, TransformerWords, draw_transformer, plot_token_weights

GERMAN = TransformerWords(
    **dict.fromkeys(vars(ENGLISH), "ein ziemlich langer Name dafür")
    | {"encoder": "Kodierer", "decoder": "Dekodierer", "repeat": "N mal"}
    | {"query": "Q", "key": "K", "value": "V"}
)
REVIEW = "i had no hopes at all and it is a wonderful , wonderful surprise !"
TOKENS = REVIEW.split()


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


def inside(inner, outer, slack=0.5):
    return (
        inner.x0 >= outer.x0 - slack
        and inner.y0 >= outer.y0 - slack
        and inner.x1 <= outer.x1 + slack
        and inner.y1 <= outer.y1 + slack
    )


def shrunk(box, by):
    return Bbox.from_extents(box.x0 + by, box.y0 + by, box.x1 - by, box.y1 - by)


def test_every_word_is_drawn_as_often_as_in_the_paper(picture):
    ax, words = picture
    drawn = sorted(text.get_text().replace("\n", " ") for text in ax.texts)
    twice = {
        "attention": 2,
        "feed_forward": 2,
        "add_norm": 5,
        "positional_encoding": 2,
        "repeat": 2,
    }
    often = twice | {"query": 3, "key": 3, "value": 3}
    names = [field.name for field in dataclasses.fields(words)]
    wanted = sorted(word for n in names for word in [getattr(words, n)] * often.get(n, 1))
    assert drawn == wanted
    assert ax.get_title() == "A Transformer"


def test_long_names_are_folded_and_not_just_shrunk():
    texts = draw_transformer(title="").texts
    assert "Masked Multi-Head\nAttention" in [text.get_text() for text in texts]
    assert min(text.get_size() for text in texts) > 6.5


def test_boxes_and_words_do_not_overlap(picture):
    ax, _ = picture
    boxes = [patch.get_window_extent() for patch in parts(ax, "box")]
    assert len(boxes) == 14
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    words = [text.get_window_extent() for text in ax.texts]
    for one, other in combinations(words, 2):
        assert not one.overlaps(other)
    figure = ax.figure.bbox
    for word in words:
        assert inside(word, figure)
        assert sum(word.overlaps(box) for box in boxes) == sum(inside(word, box) for box in boxes)
    assert sum(inside(word, box) for word in words for box in boxes) == len(boxes)
    assert not ax.title.get_window_extent().overlaps(Bbox.union(words))


def test_arrows_meet_boxes_at_the_edge_and_miss_every_word(picture):
    ax, _ = picture
    boxes = [shrunk(patch.get_window_extent(), 1) for patch in parts(ax, "box")]
    words = [text.get_window_extent() for text in ax.texts]
    for arrow in parts(ax, "arrow"):
        corners = ax.transData.transform(arrow._path_original.vertices)
        for start, end in pairwise(corners):
            assert np.isclose(start, end, atol=1e-6).any()  # straight up or across
            line = Bbox([np.minimum(start, end), np.maximum(start, end)])
            assert not any(line.overlaps(box) for box in [*boxes, *words])


def test_residuals_lead_around_each_sublayer(picture):
    ax, _ = picture
    norms = 5  # two in the encoder, three in the decoder
    frames = [patch.get_window_extent() for patch in parts(ax, "frame")]
    assert len(frames) == 2
    around = [arrow for arrow in parts(ax, "arrow") if len(arrow._path_original.vertices) == 4]
    assert len(around) == norms
    for arrow in around:
        corners = ax.transData.transform(arrow._path_original.vertices)
        assert sum(all(frame.contains(x, y) for x, y in corners) for frame in frames) == 1


def place(text):
    box = text.get_window_extent()
    return box.x0, box.y0, box.x1, box.y1


def test_token_weights_read_like_a_text():
    weights = np.linspace(-1, 1, 3 * len(TOKENS))
    ax = plot_token_weights(TOKENS * 3, weights, title="A review", xlabel="effect")
    ax.figure.savefig(io.BytesIO())
    assert [text.get_text() for text in ax.texts] == TOKENS * 3
    frame = ax.get_window_extent()
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts]
    assert all(inside(box, frame) for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    middles = [(-round(box.y0 + box.y1) // 20, box.x0) for box in boxes]
    assert middles == sorted(middles)
    assert ax.child_axes == []
    bar = next(other for other in ax.figure.axes if other is not ax)
    assert bar.get_xlabel() == "effect"


def test_token_colours_show_sign_and_size():
    ax = plot_token_weights(["bad", "the", "good"], [-2, 0, 1], title="", xlabel="")
    bad, the, good = (to_rgb(text.get_bbox_patch().get_facecolor()) for text in ax.texts)
    assert bad[0] > bad[2]
    assert good[2] > good[0]
    assert max(the) - min(the) < 0.02
    assert sum(bad) < sum(good) < sum(the)  # the scale is the same on both sides


def test_a_token_wider_than_the_line_is_cut():
    ax = plot_token_weights(["short", "x" * 400, "end"], [0, 1, 0], title="", xlabel="")
    ax.figure.savefig(io.BytesIO())
    assert ax.texts[1].get_text().endswith("x\N{HORIZONTAL ELLIPSIS}")
    assert inside(ax.texts[1].get_window_extent(), ax.get_window_extent())


def test_token_weights_in_given_axes():
    left, _ = panels(1, 2, width=7, height=3)[0]
    assert plot_token_weights(TOKENS, np.zeros(15), title="", xlabel="", ax=left) is left
