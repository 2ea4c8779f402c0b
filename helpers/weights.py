"""Weights on disk, as safetensors: a format that holds arrays and never code.

Scope: saving what a model has learned and loading it again; each happens whole or not at all.

Source: https://huggingface.co/docs/safetensors
"""

import os
import uuid
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from helpers.contracts import guard
from helpers.refusals import refusal, told

__all__ = ["load_weights", "save_weights"]


def save_weights(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write the parameters and buffers of ``model`` to ``path`` as safetensors.

    The file is complete or it is not there: the weights are written beside it under another name,
    which then takes its place. An interrupted save leaves the file of before. A tensor that the
    model uses under several names is stored once, under the first.
    """
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():  # the system would name another file
        raise refusal("path", "name a file in a folder that exists", str(path), FileNotFoundError)
    tensors = {
        names[0]: tensor.detach().clone(memory_format=torch.contiguous_format)
        for names, tensor in _named_tensors(model)
    }
    data = safetensors.torch.save(tensors)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Fill ``model`` with the weights that `save_weights` wrote.

    Names, shapes and dtypes must be those of the model; all are checked before the first is
    changed, so that a failure leaves the model as it was.

    Raises:
        ValueError: no safetensors file, or not the weights of such a model.
    """
    path = Path(path)
    try:
        stored = safetensors.torch.load(path.read_bytes())
    except SafetensorError as error:
        raise refusal("path", "name a complete safetensors file", path.name) from error

    weights, problems = {}, []
    for names, tensor in _named_tensors(model):
        found = [name for name in names if name in stored]
        if not found:
            problems.append(f"missing {names[0]}")
            continue
        value = stored.pop(found[0])
        if (value.shape, value.dtype) != (tensor.shape, tensor.dtype):
            problems.append(f"{found[0]} is {_kind(value)} where the model has {_kind(tensor)}")
        weights.update(dict.fromkeys(names, value))
    problems += [f"unexpected {name}" for name in sorted(stored)]
    if problems:
        listed = "; ".join(problems[:10]) + ("; ..." if len(problems) > 10 else "")
        raise told(str(path), f" does not hold the weights of this model: {listed}")
    model.load_state_dict(weights)


def _named_tensors(model: nn.Module) -> list[tuple[list[str], Tensor]]:
    """List what `state_dict` holds, each tensor once with all names that the model has for it."""
    groups: dict[int, tuple[list[str], Tensor]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        groups.setdefault(id(tensor), ([], tensor))[0].append(name)
    return list(groups.values())


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


guard(globals())
