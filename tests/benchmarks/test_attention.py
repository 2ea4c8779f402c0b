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
from benchmarks.attention.growth import fitted_exponent, tell
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


def measured(ratio, memory, forward=0.9):
    return {
        "training": {"seconds": [ratio / 1e3, 1e-3], "ratio": ratio, "error": 0.011, "pairs": 17},
        "memory": memory,
        "forward": {"seconds": [forward, 1.0], "ratio": forward, "error": 0.012, "pairs": 17},
    }


def test_the_section_tells_the_numbers(tmp_path):
    subjects = {"`A`": measured(0.97, [3_000_000, 4_000_000]), "`B`": measured(1.07, [5, 4])}
    price = [measured(1.5, [6, 2]), measured(1.25, [5, 2], 2.5)]
    growth = {
        "lengths": [64, 128, 256, 512],
        "time": [[t * 1e-6 * t, t * 0.5e-6 * t] for t in (64, 128, 256, 512)],
        "bytes": [[t * t * 4, t * 4] for t in (64, 128, 256, 512)],
    }
    results = {
        "sizes": {"tiny": vars(SMALL)},
        "runs": [{"size": "tiny", "threads": 1, "subjects": subjects, "price": price}],
        "growth": growth,
    }
    told = tell(results, tmp_path)
    assert "| `A` | 1 | 0.97 | 1.00 | 0.970 ± 0.011 | 3.00 | 4.00 | 0.750 | 0.900 ± 0.012 |" in told
    assert "highest for `B`, tiny, 1 thread; 1 of 2 are at most 1.05" in told
    assert "not: `B`, tiny, 1 thread (1.0700)." in told
    assert "0.750 to 1.250, highest for `B`" in told
    assert "| tiny | 1 | 1.50 | 3.00 | 0.90 | 1.25 | 2.50 | 2.50 |" in told
    assert "| memory, weights not requested | 1 | 1.00 |" in told
    assert "takes 2.00 times the time and 512.0 times the memory" in told
    assert (tmp_path / "attention.png").stat().st_size > 0
