"""A loan repaid in monthly payments: exact formulas, and a schedule in whole cents.

The annual rate is nominal, as lenders quote it: 0.0499 stands for 4.99% a year, and each month a
twelfth of it is charged on the balance, before the payment of that month is taken off.

``exact_payment``, ``exact_months`` and ``exact_balance`` are closed forms. They know no cents; the
answers have 50 significant digits. ``schedule`` and ``payment_for_term`` are about money that can
be paid: **the interest of each month is rounded to whole cents, a half cent upwards**, and the rest
is addition. (``ROUND_HALF_UP`` is the rule of everyday arithmetic. With it the tables printed by
HP, Texas Instruments and SAS come out to the cent: see ``tests/helpers/test_loan.py``.)

Numbers may be int, float or Decimal. A float stands for the shortest decimal that Python prints for
it, so 0.0499 is exactly 4.99%. The arithmetic is Decimal in a context of its own: what the caller
has set in ``decimal`` has no effect here and is not changed.

Symbols: ``P`` principal, ``p`` payment, ``r`` monthly rate, ``n`` number of payments.

Source: the closed forms are derived in lesson 06 and solve the equation between present value,
payment and rate of OpenDocument v1.2, part 2 (OpenFormula), which spreadsheets implement.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from numbers import Real
from typing import NamedTuple

from helpers.contracts import Count, Finite, Size, guard
from helpers.refusals import refusal

__all__ = [
    "MAX_AMOUNT",
    "MAX_MONTHS",
    "MAX_RATE",
    "MIN_RATE",
    "Payment",
    "Schedule",
    "exact_balance",
    "exact_months",
    "exact_payment",
    "payment_date",
    "payment_for_term",
    "schedule",
    "to_cents",
]

Number = Finite | Decimal

MAX_AMOUNT = Decimal("1000000000000")  # a million millions
MAX_MONTHS = 12_000  # a thousand years
MIN_RATE = Decimal("0.000001")  # of a rate that is not zero
MAX_RATE = Decimal(1)  # 100% a year
_CENT = Decimal("0.01")
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_UP)


class Payment(NamedTuple):
    """One line of a schedule, all amounts in whole cents.

    Attributes:
        number: 1 for the first payment.
        paid: what is paid this month, extras included.
        interest: the part of it that is interest.
        principal: the part of it that repays the loan, ``paid - interest``.
        balance: what is owed afterwards.
    """

    number: int
    paid: Decimal
    interest: Decimal
    principal: Decimal
    balance: Decimal


@dataclass(frozen=True)
class Schedule:
    """All payments of a loan, from the first to the one that brings the balance to zero."""

    payments: tuple[Payment, ...]

    def __repr__(self) -> str:
        return f"Schedule(months={self.months}, total_interest={self.total_interest})"

    @property
    def months(self) -> int:
        """The number of payments."""
        return len(self.payments)

    @property
    def total_paid(self) -> Decimal:
        """The sum of all payments."""
        with localcontext(_CONTEXT):
            return sum((payment.paid for payment in self.payments), Decimal(0))

    @property
    def total_interest(self) -> Decimal:
        """The sum of all interest."""
        with localcontext(_CONTEXT):
            return sum((payment.interest for payment in self.payments), Decimal(0))

    def payoff_date(self, first: date) -> date:
        """Return the day of the last payment if the first falls on ``first``."""
        return payment_date(first, self.months)


def to_cents(amount: Number) -> Decimal:
    """Round an amount from 0 to ``MAX_AMOUNT`` to whole cents, a half cent upwards."""
    with localcontext(_CONTEXT):
        return _number("amount", amount, Decimal(0), MAX_AMOUNT).quantize(_CENT)


def exact_payment(principal: Number, annual_rate: Number, months: Size) -> Decimal:
    """Return the payment that repays a loan in ``months`` equal payments, not rounded to cents.

    ``p = r P / (1 - (1 + r) ** -n)``, or ``P / n`` without interest.

    Args:
        principal: the amount borrowed, at most ``MAX_AMOUNT``.
        annual_rate: 0, or from ``MIN_RATE`` to ``MAX_RATE``; 0.0499 for 4.99%.
        months: at most ``MAX_MONTHS``.
    """
    months = _months("months", months)
    with localcontext(_CONTEXT):
        principal, r = _amount("principal", principal), _rate(annual_rate) / 12
        return principal * r / (1 - (1 + r) ** -months) if r else principal / months


def exact_months(principal: Number, annual_rate: Number, payment: Number) -> Decimal:
    """Return how many payments repay a loan, as a real number and without rounding to cents.

    ``n = ln(p / (p - r P)) / ln(1 + r)``, or ``P / p`` without interest. So many payments are made
    as the next whole number says, and the last of them is smaller.

    Principal and rate are as in ``exact_payment``; a payment that is not above the interest of the
    first month is refused.
    """
    with localcontext(_CONTEXT):
        principal, r = _amount("principal", principal), _rate(annual_rate) / 12
        payment = _amount("payment", payment)
        if not r:
            return principal / payment
        if payment <= principal * r:
            wanted = f"be above the first month's interest of {principal * r:.6f}"
            raise refusal("payment", f"{wanted}, or the debt never falls", payment)
        return (payment / (payment - principal * r)).ln() / (1 + r).ln()


def exact_balance(
    principal: Number, annual_rate: Number, payment: Number, months: Count
) -> Decimal:
    """Return what is owed after ``months`` payments, without rounding to cents.

    ``p / r + (P - p / r) (1 + r) ** n``, or ``P - n p`` without interest. A payment below the
    interest makes the balance grow. A negative balance is what has been paid too much.

    Principal, rate and months are as in ``exact_payment``.
    """
    months = _months("months", months)
    with localcontext(_CONTEXT):
        principal, r = _amount("principal", principal), _rate(annual_rate) / 12
        payment = _amount("payment", payment)
        if not r:
            return principal - months * payment
        return payment / r + (principal - payment / r) * (1 + r) ** months


def payment_for_term(principal: Number, annual_rate: Number, months: Size) -> Decimal:
    """Return the smallest payment in whole cents whose ``schedule`` takes at most ``months``.

    This is ``exact_payment`` rounded to the nearest cent, or one cent more: rounding the interest
    of a month changes the balance no more than half a cent of payment would.

    Rate and months are as in ``exact_payment``; the principal is in whole cents.
    """
    nearest = exact_payment(principal, annual_rate, months)
    with localcontext(_CONTEXT):
        balance, rate = _money("principal", principal), _rate(annual_rate)
        nearest = max(nearest.quantize(_CENT), _CENT)
        for _ in range(months):
            balance += _interest(balance, rate) - nearest
        return nearest if balance <= 0 else nearest + _CENT


def schedule(
    principal: Number,
    annual_rate: Number,
    payment: Number,
    *,
    extra: Number = 0,
    lump_sums: Mapping[int, Number] | None = None,
    annual_raise: Number = 0,
) -> Schedule:
    """Return every payment of a loan, in whole cents, until nothing is owed.

    Each month the interest is charged and rounded, then the payment is taken off. The last payment
    is what is left, never more than a regular one.

    Args:
        principal: the amount borrowed, in whole cents, at most ``MAX_AMOUNT``.
        annual_rate: as in ``exact_payment``.
        payment: the regular payment, in whole cents.
        extra: paid each month on top of it, in whole cents.
        lump_sums: number of a payment -> what is paid on top of that one, in whole cents.
        annual_raise: from 0 to 1. The payments of year ``k = 0, 1, ...`` are ``payment`` times
            ``(1 + annual_raise) ** k``, rounded to cents; ``extra`` stays as it is.

    Raises:
        ValueError: the debt never ends, because all payments for ever are worth no more today than
            what is borrowed; or not in ``MAX_MONTHS``, or only after it has grown beyond
            ``MAX_AMOUNT``. The message states a payment that is high enough without other help.
    """
    with localcontext(_CONTEXT):
        principal, rate = _money("principal", principal), _rate(annual_rate)
        payment, extra = _money("payment", payment), _money("extra", extra, low=Decimal(0))
        growth = 1 + _number("annual_raise", annual_raise, Decimal(0), Decimal(1))
        lumps = {n: _money(f"lump_sums[{n}]", amount) for n, amount in (lump_sums or {}).items()}
        if stray := [n for n in lumps if n not in range(1, MAX_MONTHS + 1)]:
            raise refusal("lump_sums", f"be paid with payment 1 to {MAX_MONTHS}", stray[0])
        worth = _worth(payment, rate, growth) + _worth(extra, rate)
        worth += sum(amount / (1 + rate / 12) ** n for n, amount in lumps.items())
        balance = principal
        payments: list[Payment] = []
        while worth > principal and len(payments) < MAX_MONTHS and balance <= MAX_AMOUNT:
            number = len(payments) + 1
            if number % 12 == 1:
                regular = (payment * growth ** (number // 12)).quantize(_CENT)
            interest = _interest(balance, rate)
            paid = min(regular + extra + lumps.get(number, 0), balance + interest)
            balance += interest - paid
            payments.append(Payment(number, paid, interest, paid - interest, balance))
            if not balance:
                return Schedule(tuple(payments))
        name = "payment plus extra" if extra else "payment"
        enough = payment_for_term(principal, rate, MAX_MONTHS)
        limits = f"to end the debt in {MAX_MONTHS} months and never owe more than {MAX_AMOUNT}"
        why = limits if payments else "or the debt never ends"
        raise refusal(name, f"be higher, such as {enough}, {why}", payment + extra)


def payment_date(first: date, number: Size) -> date:
    """Return the day of payment ``number`` if payment 1 falls on ``first``.

    Payments fall on the same day of each month, or on the last day of a month that is too short for
    it. So 31 January is followed by 28 February (29 in a leap year) and 31 March.
    """
    number = _months("number", number)
    years, month = divmod(first.month - 1 + number - 1, 12)
    year, month = first.year + years, month + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def _interest(balance: Decimal, rate: Decimal) -> Decimal:
    """Return the interest of a month in whole cents."""
    return (balance * rate / 12).quantize(_CENT)


def _worth(payment: Decimal, rate: Decimal, growth: Decimal = Decimal(1)) -> Decimal:
    """Return what a payment a month for ever is worth today: ``p / r`` if it does not grow.

    What falls due in ``n`` months is worth ``(1 + r) ** -n`` of it. If the payment grows by
    ``growth`` each year, so do the years' worths, which are then a geometric series.
    """
    year = (1 + rate / 12) ** 12
    if growth >= year:
        return Decimal("inf") if payment else payment
    return payment / (rate / 12) * (1 - 1 / year) / (1 - growth / year)


def _number(name: str, value: Number, low: Decimal, high: Decimal, hint: str = "") -> Decimal:
    """Return ``value`` as a Decimal of at most 50 digits with ``low <= value <= high``."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise refusal(name, "be a number", value, TypeError)
    number = value if isinstance(value, Decimal) else Decimal(str(value))  # as Python prints it
    if not number.is_finite() or not low <= number <= high:
        raise refusal(name, f"be from {low} to {high}{hint}", value)
    return +number


def _amount(name: str, value: Number) -> Decimal:
    """Return ``value`` as an amount that may be finer than a cent."""
    return _number(name, value, _CENT, MAX_AMOUNT)


def _money(name: str, value: Number, *, low: Decimal = _CENT) -> Decimal:
    """Return ``value`` as an amount in whole cents."""
    number = _number(name, value, low, MAX_AMOUNT)
    cents = number.quantize(_CENT)
    if cents != number:
        raise refusal(name, "be in whole cents (see to_cents)", value)
    return cents


def _rate(value: Number) -> Decimal:
    """Return ``value`` as an annual rate."""
    number = _number("annual_rate", value, Decimal(0), MAX_RATE, " (4.99% is written 0.0499)")
    if 0 < number < MIN_RATE:
        raise refusal("annual_rate", f"be 0 or at least {MIN_RATE}", value)
    return number


def _months(name: str, value: Count) -> int:
    """Return ``value`` as Python's int, at most ``MAX_MONTHS``."""
    if value > MAX_MONTHS:
        raise refusal(name, f"be at most {MAX_MONTHS}", value)
    return int(value)


guard(globals())
