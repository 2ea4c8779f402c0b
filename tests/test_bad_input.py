"""The harness of bad input sees what it is there to see."""

import math
import time

import pytest
import torch

import bad_input
from bad_input import Entry, each_bad_value, good_call, integer, size, tensor, variations
from helpers.checks import check_floats, check_int


def entry(function, kind=None, good=3, check=lambda result, given: None, **options):
    return Entry(
        "module.function", lambda: (function, {"value": good}), {"value": kind}, check, **options
    )


def right(result, given):
    assert result == given["value"]


def hang(value):
    check_int("value", value)
    time.sleep(0.2)
    return value


def own_error(value):
    if not isinstance(value, int):
        raise TypeError(f"value must be an integer, got {value!r}")
    return value


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (lambda value: value, "value: None: accepted, though value takes an integer from 1"),
        (lambda value: check_int("value", value) + 1, r"np.int64\(7\): not the right answer"),
        (lambda value: check_int("width", value), "value: None: names none of .'value',."),
        (lambda value: {3: 3}[value], "value: 0: another kind of error: KeyError"),
        (lambda value: torch.zeros(value).shape[0], "another kind of error: RuntimeError"),
        (lambda value: 3 - (3 - value), "value: None: not raised by a raise statement of helpers"),
        (own_error, "value: None: not raised by a raise statement of helpers"),
        (lambda value: check_int("value " * 60, value), r"value: None: \d+ characters in 1 lines"),
        (lambda value: check_int("value\n", value), r"value: None: \d+ characters in 2 lines"),
    ],
)
def test_a_broken_law_is_seen(function, complaint):
    with pytest.raises(AssertionError, match=complaint):
        each_bad_value(entry(function, size(), check=right), "value")


def test_a_call_that_hangs_is_seen(monkeypatch):
    monkeypatch.setattr(bad_input, "SECONDS", 0.1)
    complaint = "value: next: another kind of error: TimeoutError: took more than 0.1 seconds"
    with pytest.raises(AssertionError, match=complaint):
        each_bad_value(entry(hang, size(), check=right), "value")


def test_the_law_is_kept_by_a_function_that_checks():
    each_bad_value(entry(lambda value: check_int("value", value), size(), check=right), "value")


def test_a_swallowed_nan_is_seen():
    def finite(result, given):
        assert result.is_meta or not given["value"].isnan().any() or result.isnan().any()

    def relu(value):
        return check_floats("value", value, ("A", 5)).nan_to_num()

    with pytest.raises(AssertionError, match=r"2 of .* values:\n.* value: with nan: not the right"):
        each_bad_value(entry(relu, tensor("A", 5), torch.ones(3, 5), finite), "value")


def test_a_documented_exception_is_let_through_once_it_is_declared():
    def refuse(value):
        try:
            return check_int("value", value)
        except ValueError as error:
            raise OSError("value") from error

    with pytest.raises(AssertionError, match="another kind of error: OSError"):
        each_bad_value(entry(refuse, integer(1), check=right), "value")


def test_a_good_call_that_is_wrong_is_seen():
    with pytest.raises(AssertionError, match="good arguments that their kinds do not take"):
        good_call(entry(lambda value: value, integer(1, 2)))
    with pytest.raises(AssertionError, match="assert 4 == 3"):
        good_call(entry(lambda value: value + 1, integer(1), check=right))


def test_a_callable_without_entry_is_seen():
    missing = bad_input.without_entry("attention", [])
    assert missing == [
        "attention.MultiHeadAttention",
        "attention.MultiHeadAttention.forward",
        "attention.causal_mask",
        "attention.padding_mask",
        "attention.scaled_dot_product_attention",
    ]
    assert bad_input.without_entry("gan", [])[:2] == [
        "gan.Discriminator",
        "gan.Discriminator.forward",
    ]


def test_variations_of_a_tensor_are_bad_in_every_way():
    good = torch.arange(6.0).reshape(2, 3)
    values = {label: make() for label, make in variations(good).items()}
    assert values["strided"].equal(good)
    assert not values["strided"].is_contiguous()
    assert values["on meta"].is_meta
    assert values["sparse"].is_sparse
    assert values["with gradients"].requires_grad
    assert values["no axis 1"].shape == (2, 0)
    assert math.isnan(values["with nan"][1, 2])
    assert values["with nan"].isnan().sum() == 1
    assert good.equal(torch.arange(6.0).reshape(2, 3))
