"""The benchmark of the text pipeline: both ways give the same reviews, and its sentences follow."""

import pytest
import torch

from benchmarks import text
from helpers.data import encode, text_batches, tokenize

TEXTS = [
    'A "great" film, isn\'t it?',
    "Boring; <br /><br />so boring: I left!",
    "(No words.)",
    "It is a film. I saw it, and it was great great great.",
    "What?",
]
LABELS = [1, 0, 0, 1, 0]


def rows_of(batches) -> list[tuple[int, tuple[int, ...]]]:
    """Return label and ids of every row of every batch, without the padding, sorted."""
    rows = []
    for ids, lengths_or_mask, labels in batches:
        mask = lengths_or_mask
        if mask.dtype != torch.bool:
            mask = torch.arange(ids.shape[1]) < lengths_or_mask[:, None]
        found = zip(labels.tolist(), ids, mask, strict=True)
        rows += [(label, tuple(row[kept].tolist())) for label, row, kept in found]
    return sorted(rows)


def test_both_ways_give_the_same_ids_and_labels():
    vocab, prepared, parts = text.course_ids(TEXTS[1:])  # the first brings unknown words
    ids = [encode(tokenize(each), vocab) for each in TEXTS]
    assert vocab.unk_id in ids[0]
    assert [row.tolist() for row in prepared] == ids[1:]
    assert list(parts) == list(text.PARTS)
    dataset = text.NotesDataset(TEXTS, LABELS, vocab)
    assert [dataset[i][0].tolist() for i in range(len(dataset))] == ids
    expected = sorted(zip(LABELS, map(tuple, ids), strict=True))
    assert rows_of(text.notes_batches(dataset, 2, vocab.pad_id, seed=3)) == expected
    assert rows_of(text_batches(ids, LABELS, 2, pad_id=vocab.pad_id)) == expected


def test_the_notes_way_keeps_the_last_ids_when_asked():
    vocab, ids, _ = text.course_ids(TEXTS)
    cut = text.NotesDataset(TEXTS, LABELS, vocab, kept=3)
    assert [cut[i][0].tolist() for i in range(len(cut))] == [row[-3:].tolist() for row in ids]


def test_padding_is_what_no_token_fills():
    mask = torch.tensor([[True, True, True], [True, False, False]])
    batches = [(torch.zeros(2, 3), mask, None), (torch.zeros(1, 2), torch.tensor([2]), None)]
    measured = text.timed_epochs(lambda: batches)
    assert measured["padding"] == pytest.approx(2 / 8)  # of 6 + 2 places, 4 + 2 hold tokens
    assert measured["epoch"] >= 0


def results(course_epoch: float, padding: float) -> dict:
    parts = dict.fromkeys(text.PARTS, 1.0)
    course = {"epoch": course_epoch, "padding": padding}
    notes = {"epoch": 5.0, "padding": 0.5}
    return {
        "reviews": 1000,
        "course": [
            {"preparation": 3.0, "parts": parts, "ways": {text.COURSE: course}, "memory": 1}
        ],
        "notes": [{"preparation": 2.0, "ways": dict.fromkeys(text.NOTES, notes), "memory": 1}],
    }


def test_the_ratio_is_told_for_every_span(tmp_path):
    told = text.tell(results(0.25, 0.03), tmp_path)
    rows = [line for line in told.splitlines() if line.startswith("| notes: 8 whole reviews |")]
    # Reviews a second: 1000 / 5, 1000 / 7, 3000 / 17, 5000 / 27; against 1000 / 0.25 and so on.
    assert rows[1].endswith("| 200 | 143 | 176 | 185 |")
    assert rows[2].endswith("| 20.0 | 2.2 | 4.5 | 6.4 |")
    # (2 + 5 n) / (3 + 0.25 n) is 9.9 for 11 epochs, 10.3 for 12.
    assert "8 whole reviews: 10 times as fast is reached in a further epoch, and" in told
    assert "and with the preparation over 12 epochs or more." in told
    assert "padding to 3.0%, at most the 5% meant" in told


def test_what_is_missed_is_told_as_missed(tmp_path):
    told = text.tell(results(0.6, 0.07), tmp_path)
    assert "8 whole reviews: 10 times as fast is missed in a further epoch, and" in told
    assert "and with the preparation never." in told
    assert "padding to 7.0%, more than the 5% meant" in told
