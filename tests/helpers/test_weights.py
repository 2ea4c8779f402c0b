"""helpers.weights: what is saved comes back, and nothing is ever half-written or half-loaded."""

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from helpers import weights
from helpers.weights import load_weights, save_weights
from tests.small_model import (
    CLASSES,
    FEATURES,
    HIDDEN,
    LENGTH,
    ROWS,
    assert_same_weights,
    make_model,
)


class Varied(nn.Module):
    """Tied weights, buffers of two dtypes, a half-precision and a non-contiguous parameter."""

    def __init__(self, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Embedding(CLASSES, FEATURES).double()
        self.norm = nn.BatchNorm1d(FEATURES)
        self.output = nn.Linear(FEATURES, CLASSES, bias=False).double()
        self.output.weight = self.embedding.weight  # tied
        self.short = nn.Parameter(torch.rand(FEATURES, generator=generator).bfloat16())
        self.turned = nn.Parameter(torch.rand(LENGTH, FEATURES, generator=generator).T)
        nn.init.uniform_(self.embedding.weight, generator=generator)
        self.norm(torch.rand(ROWS, FEATURES, generator=generator))  # moves its statistics


@pytest.fixture
def path(tmp_path):
    return tmp_path / "the weights 权重.safetensors"


@pytest.mark.parametrize("load", [load_weights, safetensors.torch.load_model])
@pytest.mark.parametrize("save", [save_weights, safetensors.torch.save_model])
def test_ties_buffers_and_dtypes_survive_in_the_files_of_safetensors(path, save, load):
    one, other = Varied(seed=1), Varied(seed=2)
    save(one, str(path))  # a string will do
    load(other, path)
    assert_same_weights(other, one.state_dict())
    assert other.norm.num_batches_tracked.item() == 1
    assert other.output.weight is other.embedding.weight
    stored = safetensors.torch.load_file(path)
    assert "embedding.weight" in stored
    assert "output.weight" not in stored  # stored once


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_save_leaves_the_old_file(path, monkeypatch, moment, error):
    old, new = make_model(seed=1), make_model(seed=2)
    save_weights(old, path)

    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(weights.os, moment, fail)
        with pytest.raises(type(error)):
            save_weights(new, path)
    assert list(path.parent.iterdir()) == [path]
    load_weights(new, path)
    assert_same_weights(new, old.state_dict())


def test_the_file_is_complete_before_it_takes_the_name(path, monkeypatch):
    model, moves, replace = make_model(), [], os.replace

    def watched(source, target):
        assert set(safetensors.torch.load_file(source)) == set(model.state_dict())
        moves.append((Path(source).parent, Path(target)))
        replace(source, target)

    monkeypatch.setattr(weights.os, "replace", watched)
    save_weights(model, path)
    assert moves == [(path.parent, path)]


def test_a_saved_file_has_the_permissions_of_any_other(path):
    save_weights(make_model(), path)
    other = path.with_name("other")
    other.write_bytes(b"")
    assert path.stat().st_mode == other.stat().st_mode


def a_truncated_file(path):
    save_weights(make_model(), path)
    path.write_bytes(path.read_bytes()[:-1])


def another_architecture(path):
    save_weights(nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, 2)).double(), path)


def another_shape(path):
    save_weights(nn.Sequential(*make_model()[:3], nn.Linear(HIDDEN, CLASSES + 2).double()), path)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: torch.save({}, path), "complete safetensors file"),
        (a_truncated_file, "complete safetensors file"),
        (
            another_architecture,
            "missing 3.weight; missing 3.bias; unexpected 1.bias; unexpected 1.weight$",
        ),
        (
            another_shape,
            r"model: 3.weight is \(5, 13\) float64 where the model has \(3, 13\) float64; "
            r"3.bias is \(5,\) float64 where the model has \(3,\) float64$",
        ),
        (
            lambda path: save_weights(make_model().float(), path),
            r"0.weight is \(13, 5\) float32 where the model has \(13, 5\) float64; ",
        ),
    ],
)
def test_a_load_that_fails_leaves_the_model_as_it_was(path, prepare, message):
    model = make_model(seed=37)
    with pytest.raises(FileNotFoundError, match=path.name):
        load_weights(model, path)
    prepare(path)
    with pytest.raises(ValueError, match=message):
        load_weights(model, path)
    assert_same_weights(model, make_model(seed=37).state_dict())


def test_weights_stored_apart_do_not_fit_a_model_that_ties_them(path):
    apart = {name: tensor.clone().contiguous() for name, tensor in Varied().state_dict().items()}
    safetensors.torch.save_file(apart, path)
    with pytest.raises(ValueError, match=r"model: unexpected output\.weight$"):
        load_weights(Varied(), path)


def test_saving_names_the_folder_that_is_wrong(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"^path must name a file in a folder that exists, got '/"
    ):
        save_weights(make_model(), tmp_path / "nowhere" / "model.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        save_weights(make_model(), tmp_path / "folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]
