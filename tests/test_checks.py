"""Argument checks: what passes is returned, what does not is named."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from helpers.checks import (
    as_float,
    check_device,
    check_finite,
    check_flag,
    check_floats,
    check_generator,
    check_ids,
    check_in_range,
    check_int,
    check_mask,
    check_module,
    check_not_meta,
    check_path,
    check_sizes,
    check_tensor,
    shown,
)


@pytest.mark.parametrize("value", [3, np.int64(3)])
def test_check_int_returns_a_plain_int(value):
    assert type(check_int("width", value)) is int
    assert check_int("width", value, minimum=3) == 3


@pytest.mark.parametrize("value", [True, 3.0, "3", None, torch.tensor(3), np.float64(3)])
def test_check_int_takes_integers_only(value):
    with pytest.raises(TypeError, match="width must be an integer, got "):
        check_int("width", value)


def test_check_int_has_a_minimum():
    assert check_int("seed", 0, minimum=0) == 0
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        check_int("width", 0)
    with pytest.raises(ValueError, match="length must be at least 5, got 4"):
        check_int("length", 4, minimum=5)


@pytest.mark.parametrize("value", [0, 0.0, 0.25, Fraction(1, 4), np.float32(0.25)])
def test_check_in_range_returns_a_float(value):
    assert type(check_in_range("dropout", value, 0, 1)) is float
    assert check_in_range("dropout", value, 0, 1) == float(value)


@pytest.mark.parametrize("value", [-0.01, 1, 1.5, math.nan, math.inf, -math.inf])
def test_check_in_range_is_half_open_and_finite(value):
    with pytest.raises(ValueError, match="dropout must be at least 0 and below 1, got "):
        check_in_range("dropout", value, 0, 1)


@pytest.mark.parametrize("value", [False, "0.5", None, 1j])
def test_check_in_range_takes_numbers_only(value):
    with pytest.raises(TypeError, match="dropout must be a number, got "):
        check_in_range("dropout", value, 0, 1)


def test_check_tensor_returns_the_tensor_itself():
    x = torch.zeros(2, 3, 5)
    assert check_tensor("x", x, ("B", 3, "D")) is x
    assert check_tensor("x", torch.tensor(1.0), ()).dim() == 0


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [(("B", 5), r"\(B, 5\)"), (("B",), r"\(B,\)"), ((), r"\(\)"), (("B", 2, "C"), r"\(B, 2, C\)")],
)
def test_check_tensor_says_both_shapes(shape, wanted):
    with pytest.raises(ValueError, match=rf"x must have shape {wanted}, got \(2, 3\)"):
        check_tensor("x", torch.zeros(2, 3), shape)


def test_check_tensor_takes_tensors_only():
    with pytest.raises(TypeError, match="x must be a tensor, got ndarray"):
        check_tensor("x", np.zeros((2, 3)), ("B", "T"))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_check_ids_returns_ids_inside_the_vocabulary(dtype):
    ids = torch.tensor([[0, 6], [3, 3]], dtype=dtype)
    assert check_ids("ids", ids, 7) is ids


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (torch.tensor([[0, 7]]), ValueError, r"ids must lie in 0\.\.6, got the id 7"),
        (torch.tensor([[-1, 9]]), ValueError, r"ids must lie in 0\.\.6, got the id -1"),
        (
            torch.zeros(2, 0, dtype=torch.long),
            ValueError,
            r"at least one token, got shape \(2, 0\)",
        ),
        (torch.tensor([0, 1]), ValueError, r"ids must have shape \(B, T\), got \(2,\)"),
        (torch.zeros(2, 3), TypeError, "int64 or int32 token ids, got torch.float32"),
        (torch.zeros(2, 3, dtype=torch.bool), TypeError, "token ids, got torch.bool"),
        ([[0, 1]], TypeError, "ids must be a tensor, got list"),
    ],
)
def test_check_ids_turns_away(ids, error, message):
    with pytest.raises(error, match=message):
        check_ids("ids", ids, 7)


def test_check_generator_takes_a_generator_or_none():
    generator = torch.Generator()
    assert check_generator("generator", generator) is generator
    assert check_generator("generator", None) is None
    with pytest.raises(
        TypeError, match=r"generator must be a torch\.Generator or None, got 7; for"
    ):
        check_generator("generator", 7)


def test_check_module_takes_modules_only():
    module = torch.nn.Identity()
    assert check_module("model", module) is module
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, got builtin_function"):
        check_module("model", len)


X = torch.zeros(2, 3)
META = torch.zeros(2, 3, device="meta")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: check_int("n", 2**63),
            ValueError,
            r"n must be below 2\*\*63, got 92233720368547758",
        ),
        (
            lambda: check_in_range("p", 10**400, 0, 1),
            ValueError,
            "p must be at least 0 .* got 1000",
        ),
        (lambda: check_flag("bias", 1), TypeError, "bias must be True or False, got 1"),
        (lambda: check_path("path", 3), TypeError, "path must be a text or a path, got 3"),
        (lambda: check_path("path", "a\0b"), ValueError, "path must be a possible path, got 'a"),
        (lambda: check_path("path", "x" * 10_000), ValueError, r"possible path, got 'xxx.*\.\.\."),
        (lambda: check_tensor("x", X.to_sparse(), (2, 3)), TypeError, "x must be a dense tensor"),
        (lambda: check_floats("x", X.long(), (2, 3)), TypeError, "x must hold floating-point num"),
        (
            lambda: check_floats("x", X.double(), (2, 3), X),
            TypeError,
            "x must be torch.float32 like",
        ),
        (
            lambda: check_floats("x", X, (2, 5)),
            ValueError,
            r"x must have shape \(2, 5\), got \(2, 3\)",
        ),
        (
            lambda: check_floats("x", META, (2, 3), X, "y"),
            ValueError,
            "lie on cpu like y, got meta",
        ),
        (lambda: check_device("x", X, META, "y"), ValueError, "x must lie on meta like y, got cpu"),
        (lambda: check_not_meta("x", META), ValueError, "x must hold numbers, got .* device meta"),
        (lambda: check_finite("x", META), ValueError, "x must hold numbers, got .* device meta"),
        (lambda: check_finite("x", X - math.inf), ValueError, "x must be finite, got nan or inf"),
        (
            lambda: check_mask("m", X, (2, 3), X),
            TypeError,
            "m must be a boolean tensor, .* got torch",
        ),
        (lambda: check_mask("m", X.bool(), (2, 5), X), ValueError, r"m must have shape \(2, 5\)"),
        (lambda: check_mask("m", META.bool(), (2, 3), X), ValueError, "m must lie on cpu like the"),
        (lambda: check_ids("ids", META.long(), 7, X), ValueError, "ids must lie on cpu like the"),
        (lambda: check_ids("ids", META.long(), 7), ValueError, "ids must hold numbers"),
        (lambda: check_sizes("6", 3), TypeError, "ninp must be an integer, got '6'"),
        (lambda: check_sizes(6, 0), ValueError, "nhead must be at least 1, got 0"),
        (lambda: check_sizes(6, 3, nhid=0), ValueError, "nhid must be at least 1, got 0"),
        (lambda: check_sizes(9, 3), ValueError, r"ninp must be even \(sines .*\), got 9"),
        (
            lambda: check_sizes(9, 2, even=False),
            ValueError,
            "ninp must be divisible by nhead, got ninp=9 and nhead=2",
        ),
    ],
)
def test_each_check_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_each_check_returns_what_passes(tmp_path):
    for check in (
        lambda: check_floats("x", X, ("...",), X),
        lambda: check_device("x", X, X, "y"),
        lambda: check_not_meta("x", X),
        lambda: check_finite("x", X),
    ):
        assert check() is X
    mask = X.bool()
    assert check_mask("mask", mask, ("A", 3), X) is mask
    assert check_flag("bias", False) is False
    assert check_path("path", str(tmp_path / "new")) == tmp_path / "new"
    assert check_path("path", tmp_path) == tmp_path


def test_as_float_knows_numbers_from_the_rest():
    assert as_float(Fraction(1, 4)) == 0.25
    assert as_float(10**400) == math.inf
    assert as_float(-(10**400)) == -math.inf
    assert all(math.isnan(as_float(value)) for value in (True, "3", None, 1j, math.nan))


def test_what_is_shown_is_one_short_line():
    assert shown("three") == "'three'"
    assert shown(torch.zeros(2, 2)) == "tensor([[0., 0.], [0., 0.]])"
    assert shown("x" * 1000) == "'" + "x" * 56 + "..."
    assert shown(10**5000) == "a very large int"


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_a_nested_tensor_is_not_dense(layout):
    nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=layout)
    with pytest.raises(TypeError, match="x must be a dense tensor, got one of layout torch"):
        check_tensor("x", nested, (2, 3))
