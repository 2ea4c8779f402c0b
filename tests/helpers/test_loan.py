"""Loans: published tables to the cent, numpy-financial over drawn loans, and laws.

Published tables are quoted with their addresses. Where a table comes from a pocket calculator, the
maker states that amounts are rounded to the cent at each payment (HP 12C Platinum owner's handbook,
footnote 13), which is the rule of ``helpers.loan``.
"""

import dataclasses
import decimal
import math
import os
import re
import subprocess
import sys
from datetime import date, datetime
from decimal import ROUND_DOWN, Context, Decimal, getcontext, localcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy_financial as npf
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from helpers.loan import (
    MAX_AMOUNT,
    MAX_MONTHS,
    MAX_RATE,
    MIN_RATE,
    Payment,
    exact_balance,
    exact_months,
    exact_payment,
    payment_date,
    payment_for_term,
    schedule,
    to_cents,
)

ROOT = Path(__file__).resolve().parents[2]
CENT = Decimal("0.01")


# published tables

# The loan is a principal, an annual rate and a payment; a row is a first and a last payment, the
# interest and the principal between them, and the balance afterwards.
PUBLISHED_TABLES = {
    # HP 12C Platinum owner's handbook, section 3, page 56.
    "https://www.easymanua.ls/hp/12c-platinum/manual/491174?p=54": [
        (50000, 0.1325, 573.35),
        (1, 1, 552.08, 21.27, None),
        (2, 2, 551.85, 21.50, None),
        (13, 24, 6_570.72, 309.48, 49_419.21),
    ],
    # HP 12C Platinum user's guide, section 3, page 70; the two single payments are on page 71.
    "https://www.manualslib.com/manual/1582109/Hp-12c-Platinum.html?page=70": [
        (250000, 0.0525, 1498.12),
        (1, 12, 13_006.53, 4_970.91, 245_029.09),
        (13, 24, 12_739.18, 5_238.26, 239_790.83),
        (1, 1, 1_093.75, 404.37, None),
        (2, 2, 1_091.98, 406.14, None),
    ],
    # HP learning module "HP 12C Loan Amortizations", examples 1 and 2 (the second on page 4). Its
    # payment is the one that HP's amounts add up to: (13,894.66 + 1,579.82) / 12.
    "https://www.formsbirds.com/free-hp-12c-loan-amortizations-3": [
        (180000, 0.0775, 1289.54),
        (1, 12, 13_894.66, 1_579.82, 178_420.18),
        (13, 24, 13_767.79, 1_706.69, 176_713.49),
    ],
    # Texas Instruments, BA II Plus guidebook, pages 54 and 55.
    "https://www.easymanua.ls/texas-instruments/ba-ii-plus/manual?p=61": [
        (120000, 0.09125, 976.36),
        (1, 9, 8_194.70, 592.54, 119_407.46),
        (10, 21, 10_860.71, 855.61, 118_551.85),
        (22, 33, 10_779.33, 936.99, 117_614.86),
    ],
    # Texas Instruments, knowledge base, solution 11219.
    "https://education.ti.com/en/customer-support/knowledge-base/financial-calculators/"
    "product-usage/11219": [(150000, 0.07, 997.95), (1, 60, 51_074.64, 8_802.36, 141_197.64)],
}


@pytest.mark.parametrize("address", PUBLISHED_TABLES)
def test_published_tables_come_out_to_the_cent(address):
    borrowed, *rows = PUBLISHED_TABLES[address]
    payments = schedule(*borrowed).payments
    for first, last, interest, principal, balance in rows:
        part = payments[first - 1 : last]
        assert (part[0].number, part[-1].number) == (first, last)
        assert float(sum(payment.interest for payment in part)) == interest
        assert float(sum(payment.principal for payment in part)) == principal
        assert balance is None or float(part[-1].balance) == balance


@pytest.mark.parametrize(
    ("extra", "months", "interest", "total", "end"),
    [
        (0, 360, 409_094.17, 649_094.17, date(2022, 12, 1)),
        (500, 184, 183_650.70, 423_650.70, date(2008, 4, 1)),
    ],
)
def test_sas_reports_the_same_totals_and_end(extra, months, interest, total, end):
    """SAS/ETS user's guide, PROC LOAN, example "Prepayments on a Loan": whole loans, with dates.

    https://support.sas.com/documentation/cdl/en/etsug/66840/HTML/default/etsug_loan_examples03.htm
    The loan starts in December 1992, so the first payment falls in January 1993.
    """
    whole = schedule(240000, 0.0825, 1803.04, extra=extra)
    assert whole.months == months
    assert float(whole.total_interest) == interest
    assert float(whole.total_paid) == total
    assert whole.payoff_date(date(1993, 1, 1)) == end


@pytest.mark.parametrize(
    ("principal", "rate", "months", "payment"),
    [
        (50000, 0.1325, 360, "562.89"),  # HP 12C Platinum owner's handbook, page 56
        (250000, 0.0525, 360, "1380.51"),  # HP 12C Platinum user's guide, page 71
        (150000, 0.07, 360, "997.95"),  # TI, solution 11219
        (120000, 0.09125, 360, "976.36"),  # TI, BA II Plus guidebook, page 54
        (240000, 0.0825, 360, "1803.04"),  # SAS, PROC LOAN, as above
        (10000, 0.08, 10, "1037.03"),  # support.microsoft.com/zh-hk/excel/functions/pmt-function
        (21000, 0.069, 48, "501.90"),  # https://help.claris.com/en/pro-help/content/pmt.html
        (200000, 0.075, 180, "1854.02"),  # numpy_financial.pmt, its own documentation
    ],
)
def test_published_payments(principal, rate, months, payment):
    assert to_cents(exact_payment(principal, rate, months)) == Decimal(payment)
    assert payment_for_term(principal, rate, months) - Decimal(payment) in (0, CENT)


def test_the_last_smaller_payment_in_hp_s_example():
    """35,000 at 10.5%, 325 a month: 328 payments, one being left of 141.87 after 327.

    HP 12C user's guide, pages 40 and 41; 328 full payments would be 181.89 too much.
    http://www.manualowl.com/m/Hewlett-Packard/HP12C/Manual/244345?page=41
    (For this, HP does not round the interest of each month.)
    """
    assert math.ceil(exact_months(35000, 0.105, 325)) == 328
    assert to_cents(exact_balance(35000, 0.105, 325, 327)) == Decimal("141.87")
    assert to_cents(-exact_balance(35000, 0.105, 325, 328)) == Decimal("181.89")
    assert schedule(35000, 0.105, 325).months == 328


def test_the_loan_of_the_lesson():
    """The first month's interest is 30,000 * 0.0499 / 12 = 124.75; the loan needs 1498 payments.

    The number follows from ``n = ln 500 / ln(1 + 0.0499 / 12)``, where 500 = 125 / (125 - 124.75).
    """
    whole = schedule(30000, 0.0499, 125)
    first = Payment(1, 125, Decimal("124.75"), Decimal("0.25"), Decimal("29999.75"))
    assert whole.payments[0] == first
    expected = math.log(500) / math.log1p(0.0499 / 12)
    assert float(exact_months(30000, 0.0499, 125)) == pytest.approx(expected, rel=1e-12)
    assert whole.months == math.ceil(expected) == 1498
    assert whole.payoff_date(date(2025, 1, 31)) == date(2025 + 124, 10, 31)


# numpy-financial

LOANS = 4000
rng = np.random.default_rng(0)
PRINCIPAL = rng.integers(100_00, 1_000_000_00, LOANS) / 100
RATE = rng.integers(1, 4000, LOANS) / 10_000
MONTHS = rng.integers(1, 601, LOANS)
NUMBER = rng.integers(1, MONTHS + 1)  # of one payment of each


def closed_form(function, *columns):
    """Of each loan, computed from plain Python numbers."""
    answers = np.frompyfunc(function, len(columns), 1)
    return answers(*(column.astype(object) for column in columns))


def test_payments_of_drawn_loans_agree_with_numpy_financial():
    ours = closed_form(exact_payment, PRINCIPAL, RATE, MONTHS).astype(float)
    np.testing.assert_allclose(ours, -npf.pmt(RATE / 12, MONTHS, PRINCIPAL), rtol=1e-11)


def test_terms_of_drawn_loans_agree_with_numpy_financial():
    above = 10 ** np.random.default_rng(1).uniform(-3, 2, LOANS)  # from a thousandth above it
    payment = PRINCIPAL * RATE / 12 * (1 + above)
    ours = closed_form(exact_months, PRINCIPAL, RATE, payment).astype(float)
    np.testing.assert_allclose(ours, npf.nper(RATE / 12, -payment, PRINCIPAL), rtol=1e-8)
    assert ours.max() > 1000 * ours.min()  # the draw reaches from the cliff to a single payment


def test_shares_of_drawn_payments_agree_with_numpy_financial():
    payment = closed_form(exact_payment, PRINCIPAL, RATE, MONTHS)
    before = closed_form(exact_balance, PRINCIPAL, RATE, payment, NUMBER - 1).astype(float)
    after = closed_form(exact_balance, PRINCIPAL, RATE, payment, NUMBER).astype(float)
    interest = -npf.ipmt(RATE / 12, NUMBER, MONTHS, PRINCIPAL)
    repaid = -npf.ppmt(RATE / 12, NUMBER, MONTHS, PRINCIPAL)
    # numpy-financial subtracts large doubles here and loses up to 8 of their 16 digits.
    np.testing.assert_allclose(before * RATE / 12, interest, rtol=1e-7, atol=1e-4)
    np.testing.assert_allclose(before - after, repaid, rtol=1e-7, atol=1e-4)


def test_schedules_of_drawn_loans_stay_within_the_rounding_of_numpy_financial():
    """Half a cent a month, with interest on it, is all that rounding can do to a balance."""
    columns = (column[:300].tolist() for column in (PRINCIPAL, RATE, MONTHS, NUMBER))
    for P, R, n, t in zip(*columns, strict=True):
        payment = payment_for_term(P, R, n)
        rows = schedule(P, R, payment).payments
        t = min(t, len(rows) - 1)
        if t:
            reference = -npf.fv(R / 12, t, -float(payment), P)
            bound = 0.005 * ((1 + R / 12) ** t - 1) / (R / 12)
            assert abs(float(rows[t - 1].balance) - reference) <= bound + 1e-6


# laws


def decimals(low: int, high: int, parts: int) -> st.SearchStrategy[Decimal]:
    """From ``low`` to ``high`` such parts of one."""
    return st.integers(low, high).map(lambda value: Decimal(value) / parts)


cents = decimals(1, 50_000_00, 100)
extras, raises = decimals(0, 50_00, 100), decimals(0, 1000, 1000)
rates = st.just(Decimal(0)) | decimals(1, 4000, 10_000)
terms = st.integers(1, 130)
lumps = st.dictionaries(st.integers(1, 140), cents, max_size=3)


@st.composite
def loans(draw):
    """Principal, annual rate and a payment that repays the loan within 130 months."""
    principal, rate = draw(cents), draw(rates)
    more = draw(decimals(0, 100_00, 100))
    return principal, rate, payment_for_term(principal, rate, draw(terms)) + more


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def reference_schedule(principal, rate, payment, extra=0, lump_sums=None, annual_raise=0):
    """The same schedule, in integer cents and fractions: (paid, interest, balance) a month."""
    balance, rows = int(100 * principal), []
    while balance:
        years, number = len(rows) // 12, len(rows) + 1
        regular = half_up(Fraction(100 * payment) * (1 + Fraction(annual_raise)) ** years)
        interest = half_up(balance * Fraction(rate) / 12)
        due = regular + int(100 * extra) + int(100 * (lump_sums or {}).get(number, 0))
        paid = min(due, balance + interest)
        balance += interest - paid
        rows.append((paid, interest, balance))
    return rows


# The interest of a month is 0.125 and 0.025; half to even would say 0.12 and 0.02.
@example((30, Decimal("0.05"), 1), 0, {}, 0)
@example((6, Decimal("0.05"), 1), 0, {}, 0)
@example((1000, Decimal("0.12"), 100), 0, {1: 5000}, 0)  # more than is owed with its interest
@example((2, Decimal(0), CENT), 0, {}, Decimal("0.5"))  # raised from the first, not the last
@settings(max_examples=200)
@given(loans(), extras, lumps, raises)
def test_a_schedule_is_the_one_worked_out_in_integer_cents(terms, extra, lump_sums, annual_raise):
    options = {"extra": extra, "lump_sums": lump_sums, "annual_raise": annual_raise}
    whole = schedule(*terms, **options)
    rows = whole.payments
    ours = [tuple(int(100 * x) for x in (row.paid, row.interest, row.balance)) for row in rows]
    assert ours == reference_schedule(*terms, **options)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.paid == row.interest + row.principal for row in rows)
    assert {amount.as_tuple().exponent for _, *amounts in rows for amount in amounts} == {-2}
    assert sum(row.principal for row in rows) == terms[0]
    assert whole.total_paid == terms[0] + whole.total_interest
    balances = [terms[0], *(row.balance for row in rows)]
    assert all(after < before for before, after in pairwise(balances))
    assert balances[-1] == 0


def assert_no_dearer(one, other):
    assert one.months <= other.months
    assert one.total_interest <= other.total_interest


@given(loans(), extras, lumps, raises)
def test_paying_more_never_takes_longer_and_never_costs_more(terms, extra, lump_sums, annual_raise):
    plain = schedule(*terms)
    assert_no_dearer(schedule(*terms, extra=extra), plain)
    assert_no_dearer(schedule(*terms, lump_sums=lump_sums), plain)
    assert_no_dearer(schedule(*terms, annual_raise=annual_raise), plain)


@st.composite
def plans_below_the_interest(draw):
    """Loans whose first regular payment is less than the interest, with what may save them."""
    principal, rate = draw(decimals(1_000_00, 50_000_00, 100)), draw(decimals(100, 3000, 10_000))
    payment = to_cents(principal * rate / 12 * draw(decimals(10, 99, 100)))
    raised = draw(st.just(0) | decimals(1, 1000, 10_000))
    return principal, rate, payment, draw(lumps), raised


@example((Decimal(30000), Decimal("0.0499"), Decimal("122.50"), {}, Decimal("0.02")))
@example((Decimal(30000), Decimal("0.0499"), Decimal(124), {1: Decimal(1000)}, 0))
@given(plans_below_the_interest())
def test_a_debt_ends_exactly_if_its_payments_are_worth_more(plan):
    """Their worth is added up here, month by month for a thousand years."""
    principal, rate, payment, lump_sums, annual_raise = plan
    with localcontext(Context(prec=40)):
        worth, today = Decimal(0), Decimal(1)
        for number in range(1, MAX_MONTHS + 1):
            if number % 12 == 1:
                regular = payment * (1 + Decimal(annual_raise)) ** (number // 12)
            today /= 1 + rate / 12
            worth += today * (regular + lump_sums.get(number, 0))
    assume(abs(worth / principal - 1) > Decimal("0.01"))  # nearer, the rounding to cents decides
    options = {"lump_sums": lump_sums, "annual_raise": annual_raise}
    if worth < principal:
        with pytest.raises(ValueError, match=r"^payment must be higher"):
            schedule(principal, rate, payment, **options)
    else:
        assert schedule(principal, rate, payment, **options).total_paid > principal


def test_plans_that_begin_below_the_interest_and_end():
    """Found by an integer loop when the course still refused them: 387 and 868 payments."""
    raised = schedule(30_000, 0.0499, 122.50, annual_raise=0.02)
    assert (raised.months, raised.total_interest) == (387, Decimal("35595.26"))
    assert schedule(30_000, 0.0499, 124, lump_sums={1: 1000}).months == 868


@given(loans(), rates)
def test_a_higher_rate_never_costs_less(terms, other):
    principal, rate, payment = terms
    low, high = sorted((rate, other))
    payment += to_cents(principal * high / 12)  # enough for both rates
    assert_no_dearer(schedule(principal, low, payment), schedule(principal, high, payment))


@given(cents, rates, terms)
def test_payment_for_term_is_the_smallest_that_keeps_the_term(principal, rate, months):
    payment = payment_for_term(principal, rate, months)
    assert schedule(principal, rate, payment).months <= months
    less = payment - CENT
    if less > to_cents(principal * rate / 12):
        assert schedule(principal, rate, less).months > months
    nearest = max(to_cents(exact_payment(principal, rate, months)), CENT)
    assert payment - nearest in (0, CENT)


# up to the limits

amounts = st.decimals(CENT, MAX_AMOUNT, places=6)
all_rates = st.just(Decimal(0)) | st.decimals(MIN_RATE, MAX_RATE, places=8)
all_terms = st.integers(1, MAX_MONTHS)
DIGITS = Context(prec=600)


def balance_after(principal, rate, payment, months):
    """``P q^n - p (q^n - 1) / (q - 1)`` with ``q = 1 + r``, in the digits of the caller."""
    growth = (1 + rate / 12) ** months
    annuities = (growth - 1) / (rate / 12) if rate else Decimal(months)
    return principal * growth - payment * annuities


@example(CENT, MAX_RATE, MAX_MONTHS)
@example(MAX_AMOUNT, MIN_RATE, MAX_MONTHS)
@example(MAX_AMOUNT, MIN_RATE, 1)
@given(amounts, all_rates, all_terms)
def test_exact_payments_agree_with_six_hundred_digits(principal, rate, months):
    with localcontext(DIGITS):
        growth = (1 + rate / 12) ** months
        expected = principal * rate / 12 * growth / (growth - 1) if rate else principal / months
        assert abs(exact_payment(principal, rate, months) / expected - 1) < Decimal("1e-40")


@given(amounts, all_rates, amounts, all_terms | st.just(0))
def test_exact_balances_agree_with_six_hundred_digits(principal, rate, payment, months):
    with localcontext(DIGITS):
        expected = balance_after(principal, rate, payment, months)
        size = (principal + payment * months) * (1 + rate / 12) ** months  # of what cancels
        error = exact_balance(principal, rate, payment, months) - expected
        assert abs(error) <= size * Decimal("1e-40")


@example(Decimal(30000), Decimal("0.0499"), Decimal("1e-20"))
@given(amounts, all_rates, amounts)
def test_exact_months_bring_the_balance_to_zero_with_six_hundred_digits(principal, rate, above):
    payment = principal * rate / 12 + above
    with localcontext(Context(prec=50)):
        payment = +payment
    last = math.ceil(exact_months(principal, rate, payment))
    with localcontext(DIGITS):
        close = principal * Decimal("1e-25")
        assert balance_after(principal, rate, payment, last) <= close
        assert balance_after(principal, rate, payment, last - 1) >= -close


# rules, by hand


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(1.005, "1.01"), (0.125, "0.13"), (0.124, "0.12"), (7, "7.00"), (0, "0.00"), (125.0, 125)],
)
def test_to_cents_rounds_what_is_printed_not_what_is_stored(amount, expected):
    """The double that prints as 1.005 lies below it; ``round(1.005, 2)`` is 1.0."""
    assert to_cents(amount) == Decimal(expected)
    assert to_cents(amount).as_tuple().exponent == -2


def everything(amount=30000, rate=0.0499, months=120):
    options = {"extra": Decimal("7.77"), "lump_sums": {months: amount / 10}, "annual_raise": 0.02}
    whole = schedule(amount, rate, 150, **options)
    exact = (
        exact_payment(amount, rate, months),
        exact_months(amount, rate, 125),
        exact_balance(amount, rate, 125, months),
    )
    cents = payment_for_term(amount, rate, months), to_cents(amount), to_cents(1.005)
    day = payment_date(date(2025, 1, 31), months)
    return exact, whole, whole.total_interest, whole.total_paid, cents, day


NUMPY = """
import numpy as np
from test_loan import everything

assert everything(np.int64(30000), np.float32(0.0499), np.int64(120)) == everything()
"""


def test_numbers_mean_the_same_however_they_are_given():
    """NumPy's in a process of its own: beartype, which holds the annotations here, takes none."""
    assert everything(Decimal(30000), Decimal("0.0499")) == everything()
    assert everything(np.float64(30000), np.float64(0.0499)) == everything()
    paths = {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, ROOT / "tests/helpers"]))}
    subprocess.run([sys.executable, "-c", NUMPY], env=os.environ | paths, check=True, timeout=300)


@example(date(2023, 1, 31), 14)  # 29 February
@example(date(2023, 1, 31), 15)  # and 31 March
@given(st.dates(date(1, 1, 1), date(8900, 1, 1)), st.integers(1, MAX_MONTHS))
def test_payments_fall_on_the_same_day_of_each_month(first, number):
    day = payment_date(first, number)
    assert 12 * day.year + day.month == 12 * first.year + first.month + number - 1
    assert day.day <= first.day
    if day.day < first.day:  # only because the month ends
        assert date.fromordinal(day.toordinal() + 1).day == 1


def test_a_schedule_cannot_be_changed_and_says_what_it_is():
    whole = schedule(30000, 0.0499, 125)
    assert repr(whole) == "Schedule(months=1498, total_interest=157188.00)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole.payments = ()
    with pytest.raises(AttributeError, match="can't set"):
        whole.payments[0].paid = 0


# refusals and limits


NEVER = "must be higher, such as 124.76, or the debt never ends, got"
LIMITS = "to end the debt in 12000 months and never owe more than 1000000000000, got"
FOREIGN = Context(
    prec=3,
    rounding=ROUND_DOWN,
    traps=[decimal.Inexact, decimal.Rounded, decimal.FloatOperation, decimal.Subnormal],
)


@pytest.mark.parametrize("decimal_context", [Context(), FOREIGN])
@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: schedule(30000, 0.0499, 124.75), f"payment {NEVER} 124.75"),
        (lambda: schedule(30000, 0.0499, 122, annual_raise=0.0001), f"payment {NEVER} 122.00"),
        (lambda: schedule(30000, 0.0499, 100, extra=24.5), f"payment plus extra {NEVER} 124.50"),
        (
            lambda: exact_months(30000, 0.0499, 124.75),
            "payment must be above the first month's interest of 124.750000, or the debt never "
            "falls, got 124.75",
        ),
        (
            lambda: schedule(1000, 0, 0.01, extra=0.01),
            f"payment plus extra must be higher, such as 0.09, {LIMITS} 0.02",
        ),
        # The interest, 0.0083, is rounded to the payment, which would be enough without cents.
        (lambda: schedule(2, 0.05, 0.01), f"payment must be higher, such as 0.02, {LIMITS} 0.01"),
        (
            lambda: schedule(MAX_AMOUNT, 0.69, 0.01, annual_raise=1),
            f"payment must be higher, such as 57500000000.01, {LIMITS} 0.01",
        ),
    ],
)
def test_a_payment_that_is_too_small_is_told_what_would_do(call, sentence, decimal_context):
    with localcontext(decimal_context), pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        call()


def test_the_callers_decimal_context_has_no_effect_and_is_not_changed():
    expected = everything()
    with localcontext(FOREIGN):
        assert everything() == expected
        assert repr(getcontext()) == repr(FOREIGN)
    assert {len(answer.as_tuple().digits) for answer in expected[0]} == {50}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: schedule(MAX_AMOUNT, 1, MAX_AMOUNT).months, 2),
        (lambda: schedule(CENT, 1, CENT).months, 1),
        (lambda: schedule(120, 0, 0.01).months, MAX_MONTHS),
        (lambda: schedule(1000, 0, 0.09).months <= MAX_MONTHS, True),
        (lambda: schedule(30000, 0.0499, 124.76).months > 2000, True),
        (lambda: schedule(10, 0, 1, annual_raise=1, extra=0).months, 10),
        (lambda: schedule(1000, 0, 100, lump_sums={}), schedule(1000, 0, 100)),
        (lambda: exact_payment(0.01, 0, 1), CENT),
        (lambda: exact_payment(1000, MIN_RATE, 1), 1000 * (1 + MIN_RATE / 12)),
        (lambda: exact_payment(1000, MAX_RATE, 1), 1000 * (1 + MAX_RATE / 12)),
        (lambda: exact_payment(MAX_MONTHS, 0, MAX_MONTHS), 1),
        (lambda: to_cents(MAX_AMOUNT), MAX_AMOUNT),
        (lambda: payment_date(date(9999, 1, 31), 12), date(9999, 12, 31)),
        (lambda: type(payment_date(datetime(2023, 1, 31, 9), 1)), date),  # without an hour
    ],
)
def test_what_lies_at_the_limits_is_let_through(answer, expected):
    approximate = isinstance(expected, Decimal)
    assert answer() == (pytest.approx(expected, rel=CENT**10) if approximate else expected)
