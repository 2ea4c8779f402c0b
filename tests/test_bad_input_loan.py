"""Bad input for loans; the law and its harness are in ``bad_input``.

Right answers are worked out anew in Decimal with 600 digits, by other forms of the formulas.
"""

import calendar
import math
from datetime import date
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from itertools import pairwise
from numbers import Integral

from bad_input import (
    Entry,
    Kind,
    Law,
    instance,
    integer,
)
from helpers.loan import (
    MAX_AMOUNT,
    MAX_MONTHS,
    exact_balance,
    exact_months,
    exact_payment,
    payment_date,
    payment_for_term,
    schedule,
    to_cents,
)

MODULES = ["loan"]
CENT = Decimal("0.01")
DIGITS = Context(prec=600)


def money(low: str, high: Decimal = MAX_AMOUNT) -> Kind:
    """An int, a float or a Decimal from ``low`` to ``high``."""

    def takes(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral | float | Decimal):
            return False
        return not exact(value).is_nan() and Decimal(low) <= exact(value) <= high

    return Kind(f"an amount from {low} to {high}", takes)


def exact(value: object) -> Decimal:
    """Return a number as the decimal that Python prints."""
    if isinstance(value, float):
        return Decimal(repr(float(value)))
    return value if isinstance(value, Decimal) else Decimal(int(value))


def balance_after(principal: Decimal, rate: Decimal, payment: Decimal, months: int) -> Decimal:
    """``P q^n - p (q^n - 1) / (q - 1)`` with ``q = 1 + r``."""
    growth = (1 + rate / 12) ** months
    annuities = (growth - 1) / (rate / 12) if rate else Decimal(months)
    return principal * growth - payment * annuities


def terms(given: dict) -> list[Decimal]:
    return [exact(given[name]) for name in ("principal", "annual_rate")]


def check_cents(result, given):
    with localcontext(DIGITS):
        assert result == (exact(given["amount"]) * 100 + CENT * 50).to_integral_value(
            ROUND_FLOOR
        ) / Decimal(100)
    assert result.as_tuple().exponent == -2


def check_payment(result, given):
    with localcontext(DIGITS):
        principal, rate = terms(given)
        n = given["months"]
        growth = (1 + rate / 12) ** n
        expected = principal * rate / 12 * growth / (growth - 1) if rate else principal / n
        assert abs(result / expected - 1) < Decimal("1e-40")


def check_months(result, given):
    with localcontext(DIGITS):
        principal, rate = terms(given)
        payment, last = exact(given["payment"]), math.ceil(result)
        close = principal * Decimal("1e-25")
        assert balance_after(principal, rate, payment, last) <= close
        assert balance_after(principal, rate, payment, last - 1) >= -close


def check_balance(result, given):
    with localcontext(DIGITS):
        principal, rate = terms(given)
        payment, n = exact(given["payment"]), given["months"]
        expected = balance_after(principal, rate, payment, n)
        size = (principal + payment * n) * (1 + rate / 12) ** n  # of what cancels
        assert abs(result - expected) <= size * Decimal("1e-40")


def check_for_term(result, given):
    principal, rate = terms(given)
    assert result == result.quantize(CENT) > 0
    assert schedule(principal, rate, result).months <= given["months"]
    if result > CENT:
        try:
            assert schedule(principal, rate, result - CENT).months > given["months"]
        except ValueError as error:  # a cent less never repays it
            assert "payment must" in str(error)  # noqa: PT017 - both ways are right


def check_schedule(result, given):
    rows = result.payments
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row.principal for row in rows) == exact(given["principal"])
    assert all(row.paid == row.interest + row.principal for row in rows)
    balances = [exact(given["principal"]), *(row.balance for row in rows)]
    assert balances[-1] == 0
    assert all(after < before for before, after in pairwise(balances))
    months = exact(given["annual_rate"]) / 12
    for before, row in zip(balances, rows, strict=False):
        assert abs(row.interest - before * months) <= Decimal("0.00501")
    lumps = given["lump_sums"] or {}
    growth = 1 + exact(given["annual_raise"])
    for row in rows[:-1]:
        extra = exact(given["extra"]) + exact(lumps.get(row.number, 0))
        regular = exact(given["payment"]) * growth ** ((row.number - 1) // 12)
        assert abs(row.paid - extra - regular) <= Decimal("0.00501")


def check_date(result, given):
    first, months = given["first"], given["number"] - 1
    year, month = first.year + (first.month - 1 + months) // 12, (first.month - 1 + months) % 12 + 1
    assert (result.year, result.month) == (year, month)
    assert result.day == min(first.day, calendar.monthrange(year, month)[1])


def lump_sums() -> Kind:
    number, amount = integer(1, MAX_MONTHS), money("0.01")

    def takes(value: object) -> bool:
        if value is None:
            return True
        return isinstance(value, dict) and all(
            number.takes(key) and amount.takes(paid) for key, paid in value.items()
        )

    return Kind("numbers of payments and amounts", takes)


AMOUNT, RATE, MONTHS = money("0.000001"), money("0", Decimal(1)), integer(1, MAX_MONTHS)
LOAN = {"principal": 30000, "annual_rate": 0.0499}
LIMITS = {
    "a hair": lambda: Decimal("1e-6"),
    "less than a hair": lambda: Decimal("9e-7"),
    "the most": lambda: MAX_AMOUNT,
    "more than the most": lambda: MAX_AMOUNT + CENT,
    "half a cent": lambda: Decimal("0.005"),
    "a signalling nan": lambda: Decimal("sNaN"),
    "a huge Decimal": lambda: Decimal("1e999999"),
    "a tiny Decimal": lambda: Decimal("1e-999999"),
}

ENTRIES = [
    Entry(
        "loan.to_cents",
        lambda: (to_cents, {"amount": 1.005}),
        {"amount": money("0")},
        check_cents,
        extra={"amount": LIMITS},
    ),
    Entry(
        "loan.exact_payment",
        lambda: (exact_payment, {**LOAN, "months": 120}),
        {"principal": AMOUNT, "annual_rate": RATE, "months": MONTHS},
        check_payment,
        extra={"principal": LIMITS, "annual_rate": LIMITS},
    ),
    Entry(
        "loan.exact_months",
        lambda: (exact_months, {**LOAN, "payment": 125}),
        {"principal": AMOUNT, "annual_rate": RATE, "payment": AMOUNT},
        check_months,
        extra={
            "principal": LIMITS,
            "annual_rate": LIMITS,
            "payment": LIMITS | {"the cliff": lambda: Decimal("124.75000000000000000001")},
        },
    ),
    Entry(
        "loan.exact_balance",
        lambda: (exact_balance, {**LOAN, "payment": 125, "months": 7}),
        {"principal": AMOUNT, "annual_rate": RATE, "payment": AMOUNT}
        | {"months": integer(0, MAX_MONTHS)},
        check_balance,
        extra={"principal": LIMITS, "annual_rate": LIMITS, "payment": LIMITS},
    ),
    Entry(
        "loan.payment_for_term",
        lambda: (payment_for_term, {**LOAN, "months": 120}),
        {"principal": money("0.01"), "annual_rate": RATE, "months": MONTHS},
        check_for_term,
        extra={"principal": LIMITS, "annual_rate": LIMITS},
    ),
    Entry(
        "loan.schedule",
        lambda: (
            schedule,
            {**LOAN, "payment": 250, "extra": 7, "lump_sums": {3: 11}, "annual_raise": 0.02},
        ),
        {
            "principal": money("0.01"),
            "annual_rate": RATE,
            "payment": money("0.01"),
            "extra": money("0"),
            "lump_sums": lump_sums(),
            "annual_raise": RATE,
        },
        check_schedule,
        extra=dict.fromkeys(("principal", "annual_rate", "payment", "extra"), LIMITS)
        | {
            "lump_sums": {
                "payment 0": lambda: {0: 7},
                "nan": lambda: {2: math.nan},
                "a long key": lambda: {"x" * 1000: 7},
                "a huge key": lambda: {10**5000: 7},
                "a fraction of a cent": lambda: {2: 0.001},
            }
        },
    ),
    Entry(
        "loan.payment_date",
        lambda: (payment_date, {"first": date(2025, 1, 31), "number": 14}),
        {"first": instance(date), "number": MONTHS},
        check_date,
        extra={
            "first": {"the last day": lambda: date.max, "the first day": lambda: date.min},
            "number": {"the last": lambda: MAX_MONTHS},
        },
    ),
    Entry(
        "loan.Schedule.payoff_date",
        lambda: (schedule(1000, 0, 100).payoff_date, {"first": date(2025, 1, 31)}),
        {"first": instance(date)},
        lambda result, given: check_date(result, {**given, "number": 10}),
        extra={"first": {"the last day": lambda: date.max, "the first day": lambda: date.min}},
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 30
