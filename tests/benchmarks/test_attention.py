"""benchmarks.attention: both sides do the same work, and its instruments read true."""

import types

import pytest
import torch

from benchmarks.attention import stopwatch
from benchmarks.attention.counterparts import (
    SUBJECTS,
    Sizes,
    attention,
    decoder_layer,
    encoder_layer,
    training_step,
    transformer,
)
from benchmarks.attention.growth import _extremes as extremes
from benchmarks.attention.growth import fitted_exponent
from benchmarks.attention.stopwatch import compare, peak_bytes
from tests.torch_reference import (
    assert_close,
    assert_same,
    attention_pairs,
    decoder_layer_pairs,
    encoder_layer_pairs,
    encoder_pairs,
    simple_pairs,
)

SMALL = Sizes(batch=3, length=5, width=14, heads=2, hidden=11, vocab=13)


def transformer_pairs(ours, reference):
    theirs = reference.transformer
    return [
        *simple_pairs(ours.source.vectors, reference.source),
        *simple_pairs(ours.target.vectors, reference.target),
        *simple_pairs(ours.output, reference.output),
        *encoder_pairs(ours.encoder, theirs.encoder),
        *decoder_layer_pairs(ours.decoder[0], theirs.decoder.layers[0]),
    ]


def assert_same_sides(ours, theirs, pairs):
    inputs = [x.detach() for x in ours.inputs]
    assert_same(ours.module, theirs.module, pairs, ours.call, theirs.call, inputs)


PAIRS = {
    attention: attention_pairs,
    encoder_layer: encoder_layer_pairs,
    decoder_layer: decoder_layer_pairs,
    transformer: transformer_pairs,
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("make", SUBJECTS.values(), ids=SUBJECTS)
def test_both_sides_do_the_same_work(make, padded):
    sizes = Sizes(**{**vars(SMALL), "padded": padded})
    ours, theirs = make(sizes)
    assert_same_sides(ours, theirs, PAIRS[make](ours.module, theirs.module))
    ours.module.eval(), theirs.module.eval()
    with torch.no_grad():  # the fast path of torch.nn
        assert_close(ours.call(*ours.inputs)[0], theirs.call(*ours.inputs)[0])


@pytest.mark.usefixtures("float64")
def test_both_sides_return_the_same_weights():
    ours, theirs = attention(SMALL, need_weights=True)
    assert ours.call(*ours.inputs)[1].shape == (3, 2, 5, 5)
    assert_same_sides(ours, theirs, attention_pairs(ours.module, theirs.module))


def test_a_training_step_leaves_no_gradient():
    side, _ = attention(SMALL)
    training_step(side)()
    assert all(leaf.grad is None for leaf in (*side.module.parameters(), *side.inputs))


def test_peak_memory_of_known_calls():
    matrix = torch.randn(103, 101)
    product = 103 * 103 * 4
    kept = []
    assert peak_bytes(lambda: kept.append(matrix @ matrix.T)) == product
    assert peak_bytes(lambda: (matrix @ matrix.T).softmax(-1).sum(0)) == 2 * product
    assert peak_bytes(lambda: [(matrix @ matrix.T).sum() for _ in range(3)]) < 1.01 * product


def test_a_matrix_of_weights_is_seen_in_the_memory():
    sizes = Sizes(batch=3, length=101, width=14, heads=2, hidden=11, vocab=13)
    sides = [attention(sizes, need_weights=asked)[0] for asked in (True, False)]
    returned, fused = [peak_bytes(training_step(side)) for side in sides]
    matrix = 3 * 2 * 101 * 101 * 4
    assert fused < matrix < returned - fused


def test_compare_reports_the_ratio_of_the_times(monkeypatch):
    clock, called = [0.0], []

    def takes(seconds):
        def call():
            clock[0] += seconds
            called.append(seconds)

        return call

    monkeypatch.setattr(stopwatch, "time", types.SimpleNamespace(perf_counter=lambda: clock[0]))
    compared = compare(takes(3.0), takes(2.0), seconds=1.0, least=7)
    assert compared == {"seconds": [3.0, 2.0], "ratio": 1.5, "error": 0.0, "pairs": 7}
    assert called[-4:] in ([3, 2, 2, 3], [2, 3, 3, 2])  # neither is always the first
    assert compare(takes(3.0), takes(2.0), seconds=52.0, least=7)["pairs"] == 11


def test_the_exponent_is_that_of_the_larger_half():
    assert fitted_exponent([1, 2, 4, 8], [7.0, 7.0, 5 * 4**3, 5 * 8**3]) == pytest.approx(3)


def test_ratios_above_the_limit_are_named():
    told = extremes({"`A`, tiny": 0.97, "`B`, tiny": 1.07}, 1.05)
    assert told.startswith("0.970 to 1.070, highest for `B`, tiny; 1 of 2 are at most 1.05")
    assert told.endswith(", not: `B`, tiny (1.0700).")
