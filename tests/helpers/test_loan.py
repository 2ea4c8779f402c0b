"""Loans: published tables to the cent, numpy-financial over drawn loans, and laws.

Published tables are quoted with their addresses. Where a table comes from a pocket calculator, the
maker states that amounts are rounded to the cent at each payment (HP 12C Platinum owner's handbook,
footnote 13), which is the rule of ``helpers.loan``.
"""

import dataclasses
import decimal
import math
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
from hypothesis import example, given
from hypothesis import strategies as st

from helpers import loan
from helpers.loan import (
    MAX_AMOUNT,
    MAX_MONTHS,
    MAX_RATE,
    MIN_RATE,
    Payment,
    Schedule,
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


def dec(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


# --------------------------------------------------------------------------- published tables

# (principal, annual rate, payment) -> rows (first payment, last payment, interest, principal,
# balance afterwards).
PUBLISHED_TABLES = {
    # HP 12C Platinum owner's handbook, section 3, page 56.
    "https://www.easymanua.ls/hp/12c-platinum/manual/491174?p=54": (
        ("50000", "0.1325", "573.35"),
        [
            (1, 1, "552.08", "21.27", None),
            (2, 2, "551.85", "21.50", None),
            (13, 24, "6,570.72", "309.48", "49,419.21"),
        ],
    ),
    # HP 12C Platinum user's guide, section 3, page 70; the two single payments are on page 71.
    "https://www.manualslib.com/manual/1582109/Hp-12c-Platinum.html?page=70": (
        ("250000", "0.0525", "1498.12"),
        [
            (1, 12, "13,006.53", "4,970.91", "245,029.09"),
            (13, 24, "12,739.18", "5,238.26", "239,790.83"),
            (1, 1, "1,093.75", "404.37", None),
            (2, 2, "1,091.98", "406.14", None),
        ],
    ),
    # HP learning module "HP 12C Loan Amortizations", examples 1 and 2 (the second on page 4). Its
    # payment is the one that HP's amounts add up to: (13,894.66 + 1,579.82) / 12.
    "https://www.formsbirds.com/free-hp-12c-loan-amortizations-3": (
        ("180000", "0.0775", "1289.54"),
        [
            (1, 12, "13,894.66", "1,579.82", "178,420.18"),
            (13, 24, "13,767.79", "1,706.69", "176,713.49"),
        ],
    ),
    # Texas Instruments, BA II Plus guidebook, pages 54 and 55.
    "https://www.easymanua.ls/texas-instruments/ba-ii-plus/manual?p=61": (
        ("120000", "0.09125", "976.36"),
        [
            (1, 9, "8,194.70", "592.54", "119,407.46"),
            (10, 21, "10,860.71", "855.61", "118,551.85"),
            (22, 33, "10,779.33", "936.99", "117,614.86"),
        ],
    ),
    # Texas Instruments, knowledge base, solution 11219.
    "https://education.ti.com/en/customer-support/knowledge-base/financial-calculators/"
    "product-usage/11219": (
        ("150000", "0.07", "997.95"),
        [(1, 60, "51,074.64", "8,802.36", "141,197.64")],
    ),
}


@pytest.mark.parametrize("address", PUBLISHED_TABLES)
def test_published_tables_come_out_to_the_cent(address):
    loan_terms, rows = PUBLISHED_TABLES[address]
    payments = schedule(*map(Decimal, loan_terms)).payments
    for first, last, interest, principal, balance in rows:
        part = payments[first - 1 : last]
        assert (part[0].number, part[-1].number) == (first, last)
        assert sum(payment.interest for payment in part) == dec(interest)
        assert sum(payment.principal for payment in part) == dec(principal)
        assert balance is None or part[-1].balance == dec(balance)


@pytest.mark.parametrize(
    ("extra", "months", "interest", "total", "end"),
    [
        (0, 360, "409,094.17", "649,094.17", date(2022, 12, 1)),
        (500, 184, "183,650.70", "423,650.70", date(2008, 4, 1)),
    ],
)
def test_sas_reports_the_same_totals_with_and_without_prepayments(
    extra, months, interest, total, end
):
    """SAS/ETS user's guide, PROC LOAN, example "Prepayments on a Loan": whole loans, with dates.

    https://support.sas.com/documentation/cdl/en/etsug/66840/HTML/default/etsug_loan_examples03.htm
    The loan starts in December 1992, so the first payment falls in January 1993.
    """
    whole = schedule(240000, 0.0825, 1803.04, extra=extra)
    assert whole.months == months
    assert whole.total_interest == dec(interest)
    assert whole.total_paid == dec(total)
    assert whole.payoff_date(date(1993, 1, 1)) == end


@pytest.mark.parametrize(
    ("principal", "rate", "months", "payment"),
    [
        (50000, 0.1325, 360, "562.89"),  # HP 12C Platinum owner's handbook, page 56
        (250000, 0.0525, 360, "1380.51"),  # HP 12C Platinum user's guide, page 71
        (150000, 0.07, 360, "997.95"),  # TI, solution 11219
        (120000, 0.09125, 360, "976.36"),  # TI, BA II Plus guidebook, page 54
        (240000, 0.0825, 360, "1803.04"),  # SAS, PROC LOAN, as above
        # https://support.microsoft.com/zh-hk/excel/functions/pmt-function
        (10000, 0.08, 10, "1037.03"),
        # https://help.claris.com/en/pro-help/content/pmt.html
        (21000, 0.069, 48, "501.90"),
        # numpy_financial.pmt, its own documentation
        (200000, 0.075, 180, "1854.02"),
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
    assert whole.payments[0] == Payment(1, dec("125"), dec("124.75"), dec("0.25"), dec("29999.75"))
    expected = math.log(500) / math.log1p(0.0499 / 12)
    assert float(exact_months(30000, 0.0499, 125)) == pytest.approx(expected, rel=1e-12)
    assert whole.months == math.ceil(expected) == 1498
    assert whole.payoff_date(date(2025, 1, 31)) == date(2025 + 124, 10, 31)


# --------------------------------------------------------------------------- numpy-financial

LOANS = 4000


@pytest.fixture(scope="module")
def drawn():
    """Thousands of loans: principal, annual rate, number of payments, one payment's number."""
    rng = np.random.default_rng(0)
    principal = rng.integers(100_00, 1_000_000_00, LOANS) / 100
    rate = rng.integers(1, 4000, LOANS) / 10_000
    months = rng.integers(1, 601, LOANS)
    return principal, rate, months, rng.integers(1, months + 1)


def rows_of(*columns):
    """Plain Python numbers, one tuple a loan."""
    return zip(*(column.tolist() for column in columns), strict=True)


def closed_form(function, *columns):
    return np.array([float(function(*row)) for row in rows_of(*columns)])


def test_payments_of_drawn_loans_agree_with_numpy_financial(drawn):
    principal, rate, months, _ = drawn
    ours = closed_form(exact_payment, principal, rate, months)
    np.testing.assert_allclose(ours, -npf.pmt(rate / 12, months, principal), rtol=1e-11)


def test_terms_of_drawn_loans_agree_with_numpy_financial(drawn):
    principal, rate, _, _ = drawn
    above = 10 ** np.random.default_rng(1).uniform(-3, 2, LOANS)  # from a thousandth above it
    payment = principal * rate / 12 * (1 + above)
    ours = closed_form(exact_months, principal, rate, payment)
    np.testing.assert_allclose(ours, npf.nper(rate / 12, -payment, principal), rtol=1e-8)
    assert ours.max() > 1000 * ours.min()  # the draw reaches from the cliff to a single payment


def test_shares_of_drawn_payments_agree_with_numpy_financial(drawn):
    principal, rate, months, number = drawn
    before, after = np.array(
        [
            [float(exact_balance(P, R, exact_payment(P, R, n), t)) for t in (k - 1, k)]
            for P, R, n, k in rows_of(principal, rate, months, number)
        ]
    ).T
    interest = -npf.ipmt(rate / 12, number, months, principal)
    repaid = -npf.ppmt(rate / 12, number, months, principal)
    # numpy-financial subtracts large doubles here and loses up to 8 of their 16 digits.
    np.testing.assert_allclose(before * rate / 12, interest, rtol=1e-7, atol=1e-4)
    np.testing.assert_allclose(before - after, repaid, rtol=1e-7, atol=1e-4)


def test_total_interest_of_drawn_loans_agrees_with_numpy_financial(drawn):
    for principal, rate, months in rows_of(*(column[:1000] for column in drawn[:3])):
        reference = -npf.ipmt(rate / 12, np.arange(1, months + 1), months, principal).sum()
        total = exact_payment(principal, rate, months) * months - Decimal(repr(principal))
        assert float(total) == pytest.approx(reference, rel=1e-9, abs=1e-6)


def test_schedules_of_drawn_loans_stay_within_the_rounding_of_numpy_financial(drawn):
    """Half a cent a month, with interest on it, is all that rounding can do to a balance."""
    for P, R, n, t in rows_of(*(column[:300] for column in drawn)):
        payment = payment_for_term(P, R, n)
        rows = schedule(P, R, payment).payments
        t = min(t, len(rows) - 1)
        if t:
            reference = -npf.fv(R / 12, t, -float(payment), P)
            bound = 0.005 * ((1 + R / 12) ** t - 1) / (R / 12)
            assert abs(float(rows[t - 1].balance) - reference) <= bound + 1e-6


@pytest.mark.parametrize("months", [1, 7, 120])
def test_without_interest_everything_is_division(months):
    payment = exact_payment(4200, 0, months)
    assert float(payment) == pytest.approx(-npf.pmt(0, months, 4200), rel=1e-14)
    # (npf.nper of numpy-financial 1.0.0 has the wrong sign for a rate of 0, so it is no witness.)
    assert exact_months(4200, 0, payment) == pytest.approx(months, rel=Decimal("1e-40"))
    assert exact_balance(4200, 0, 11, months) == 4200 - 11 * months
    whole = schedule(4200, 0, payment_for_term(4200, 0, months))
    assert (whole.months, whole.total_interest, whole.total_paid) == (months, 0, 4200)


# --------------------------------------------------------------------------- laws

cents = st.integers(1, 50_000_00).map(lambda value: Decimal(value) / 100)
rates = st.one_of(
    st.just(Decimal(0)), st.integers(1, 4000).map(lambda value: Decimal(value) / 10000)
)
terms = st.integers(1, 130)


@st.composite
def loans(draw):
    """Principal, annual rate and a payment that repays the loan within 130 months."""
    principal, rate = draw(cents), draw(rates)
    more = Decimal(draw(st.integers(0, 100_00))) / 100
    return principal, rate, payment_for_term(principal, rate, draw(terms)) + more


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def reference_schedule(principal, rate, payment, extra=0, lump_sums=None, annual_raise=0):
    """The same schedule, in integer cents and fractions: (paid, interest, balance) a month."""
    balance, rows = int(100 * principal), []
    while balance:
        years, number = divmod(len(rows), 12)[0], len(rows) + 1
        regular = half_up(Fraction(100 * payment) * (1 + Fraction(annual_raise)) ** years)
        interest = half_up(balance * Fraction(rate) / 12)
        due = regular + int(100 * extra) + int(100 * (lump_sums or {}).get(number, 0))
        paid = min(due, balance + interest)
        balance += interest - paid
        rows.append((paid, interest, balance))
    return rows


extras = st.integers(0, 50_00).map(lambda value: Decimal(value) / 100)
raises = st.integers(0, 1000).map(lambda value: Decimal(value) / 1000)
lumps = st.dictionaries(st.integers(1, 140), cents, max_size=3)


@given(loans(), extras, lumps, raises)
def test_a_schedule_is_the_one_worked_out_in_integer_cents(terms, extra, lump_sums, annual_raise):
    options = {"extra": extra, "lump_sums": lump_sums, "annual_raise": annual_raise}
    rows = schedule(*terms, **options).payments
    ours = [tuple(int(100 * x) for x in (row.paid, row.interest, row.balance)) for row in rows]
    assert ours == reference_schedule(*terms, **options)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.paid == row.interest + row.principal for row in rows)
    assert {
        value.as_tuple().exponent
        for row in rows
        for value in (row.paid, row.interest, row.principal, row.balance)
    } == {-2}


@given(loans())
def test_the_principal_is_repaid_to_the_cent_and_the_balance_falls(terms):
    principal, _, payment = terms
    whole = schedule(*terms)
    assert sum(row.principal for row in whole.payments) == principal
    assert whole.total_paid == principal + whole.total_interest
    balances = [principal, *(row.balance for row in whole.payments)]
    assert all(after < before for before, after in pairwise(balances))
    assert balances[-1] == 0
    *regular, last = (row.paid for row in whole.payments)
    assert set(regular) <= {payment}
    assert 0 < last <= payment


@given(loans(), extras, lumps, raises)
def test_paying_more_never_takes_longer_and_never_costs_more(terms, extra, lump_sums, annual_raise):
    plain = schedule(*terms)
    for options in ({"extra": extra}, {"lump_sums": lump_sums}, {"annual_raise": annual_raise}):
        faster = schedule(*terms, **options)
        assert faster.months <= plain.months
        assert faster.total_interest <= plain.total_interest


@given(loans(), rates)
def test_a_higher_rate_never_costs_less(terms, other):
    principal, rate, payment = terms
    low, high = sorted((rate, other))
    dear = (principal, high, payment + to_cents(principal * high / 12))  # enough for both rates
    cheap = (principal, low, dear[2])
    assert schedule(*cheap).months <= schedule(*dear).months
    assert schedule(*cheap).total_interest <= schedule(*dear).total_interest


@given(loans(), extras)
def test_an_extra_is_a_larger_payment(terms, extra):
    principal, rate, payment = terms
    assert schedule(*terms, extra=extra) == schedule(principal, rate, payment + extra)


@given(cents, rates, terms)
def test_from_term_to_payment_and_back(principal, rate, months):
    exact = exact_payment(principal, rate, months)
    assert exact_months(principal, rate, exact) == pytest.approx(months, abs=Decimal("1e-30"))
    assert exact_balance(principal, rate, exact, months) == pytest.approx(0, abs=Decimal("1e-30"))
    assert exact_balance(principal, rate, exact, 0) == pytest.approx(
        principal, rel=Decimal("1e-40")
    )


def test_the_closed_forms_carry_fifty_digits():
    for answer in (
        exact_payment(30000, 0.0499, 120),
        exact_months(30000, 0.0499, 125),
        exact_balance(30000, 0.0499, 125, 77),
    ):
        assert len(answer.as_tuple().digits) == 50


@given(cents, rates, terms)
def test_payment_for_term_is_the_smallest_that_keeps_the_term(principal, rate, months):
    payment = payment_for_term(principal, rate, months)
    assert schedule(principal, rate, payment).months <= months
    assert len(reference_schedule(principal, rate, payment)) <= months
    less = payment - CENT
    if less > to_cents(principal * rate / 12):
        assert schedule(principal, rate, less).months > months
    nearest = max(to_cents(exact_payment(principal, rate, months)), CENT)
    assert payment - nearest in (0, CENT)


def test_both_answers_of_payment_for_term_occur():
    """The nearest cent is enough for one loan and a cent short for the other."""
    exact = exact_payment(150000, 0.07, 360)
    assert schedule(150000, 0.07, to_cents(exact)).months == 361  # so says TI's payment above
    assert payment_for_term(150000, 0.07, 360) == to_cents(exact) + CENT
    assert payment_for_term(240000, 0.0825, 360) == to_cents(exact_payment(240000, 0.0825, 360))


@given(loans(), st.integers(0, 200))
def test_the_exact_balance_obeys_its_recursion(terms, months):
    _, rate, payment = terms
    with localcontext(Context(prec=45)):
        step = exact_balance(*terms, months) * (1 + rate / 12) - payment
        assert exact_balance(*terms, months + 1) == pytest.approx(step, rel=Decimal("1e-35"))


def test_a_payment_below_the_interest_makes_the_exact_balance_grow():
    """120 against 124.75: the debt grows by 4.75, and by ever more."""
    assert exact_balance(30000, 0.0499, 120, 1) == pytest.approx(
        dec("30004.75"), abs=Decimal("1e-30")
    )
    growth = [exact_balance(30000, 0.0499, 120, n) for n in range(4)]
    assert growth[1] - growth[0] < growth[2] - growth[1] < growth[3] - growth[2]


# --------------------------------------------------------------------------- up to the limits

amounts = st.decimals(Decimal("0.000001"), MAX_AMOUNT, places=6)
all_rates = st.just(Decimal(0)) | st.decimals(MIN_RATE, MAX_RATE, places=8)
all_terms = st.integers(1, MAX_MONTHS)
DIGITS = Context(prec=600)


def balance_after(principal, rate, payment, months):
    """``P q^n - p (q^n - 1) / (q - 1)`` with ``q = 1 + r``, in the digits of the caller."""
    growth = (1 + rate / 12) ** months
    annuities = (growth - 1) / (rate / 12) if rate else Decimal(months)
    return principal * growth - payment * annuities


@example(Decimal("0.000001"), MAX_RATE, MAX_MONTHS)
@example(MAX_AMOUNT, MIN_RATE, MAX_MONTHS)
@example(MAX_AMOUNT, MIN_RATE, 1)
@given(amounts, all_rates, all_terms)
def test_exact_payments_agree_with_six_hundred_digits(principal, rate, months):
    with localcontext(DIGITS):
        growth = (1 + rate / 12) ** months
        expected = principal * rate / 12 * growth / (growth - 1) if rate else principal / months
        assert abs(exact_payment(principal, rate, months) / expected - 1) < Decimal("1e-40")


@given(amounts, all_rates, amounts, all_terms)
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


# --------------------------------------------------------------------------- rules, by hand


def test_half_a_cent_of_interest_is_rounded_up():
    """5% of 30.00 is 0.125 a month, of 6.00 it is 0.025; half to even would say 0.12 and 0.02."""
    assert schedule(30, 0.05, 1).payments[0].interest == dec("0.13")
    assert schedule(6, 0.05, 1).payments[0].interest == dec("0.03")
    assert schedule(30, 0.04999, 1).payments[0].interest == dec("0.12")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (1.005, "1.01"),
        (0.125, "0.13"),
        (0.124, "0.12"),
        (7, "7.00"),
        (0, "0.00"),
        (0.05 * 2500, 125),
    ],
)
def test_to_cents_rounds_what_is_printed_not_what_is_stored(amount, expected):
    """The double that prints as 1.005 lies below it; ``round(1.005, 2)`` is 1.0."""
    assert to_cents(amount) == Decimal(expected)
    assert to_cents(amount).as_tuple().exponent == -2


def test_numbers_mean_the_same_however_they_are_given():
    whole = schedule(Decimal(30000), Decimal("0.0499"), Decimal(125))
    assert schedule(30000.0, 0.0499, 125.0) == whole
    assert schedule(np.float64(30000), np.float64(0.0499), 125) == whole
    assert exact_months(30000, np.float64(0.0499), 125) == exact_months(30000, 0.0499, 125)


NUMPY = """
from datetime import date
import numpy as np
from helpers.loan import exact_balance, exact_payment, payment_date, payment_for_term, schedule

amount, rate, n = np.int64(30000), np.float32(0.0499), np.int64(120)
assert schedule(amount, rate, np.int32(125), lump_sums={n: amount}) == schedule(
    30000, 0.0499, 125, lump_sums={120: 30000}
)
for call in (exact_payment, payment_for_term):
    assert call(amount, rate, n) == call(30000, 0.0499, 120)
assert exact_balance(amount, rate, n, n) == exact_balance(30000, 0.0499, 120, 120)
assert payment_date(date(2025, 1, 31), n) == payment_date(date(2025, 1, 31), 120)
"""


def test_numbers_of_numpy_mean_the_same():
    """In a process of its own: beartype, which holds the annotations in the tests, takes none."""
    subprocess.run([sys.executable, "-c", NUMPY], cwd=ROOT, check=True, timeout=300)


def test_a_payment_grows_once_a_year_from_the_thirteenth_on():
    """100.00 with 10%: 100.00, then 110.00, then 121.00. 33.33 with 5%: 35.00 (34.9965)."""
    paid = [row.paid for row in schedule(3500, 0, 100, annual_raise=0.1).payments]
    assert paid == [100] * 12 + [110] * 12 + [121] * 8 + [12]
    assert schedule(1000, 0, 33.33, annual_raise=0.05).payments[12].paid == 35
    # Each year's payment is worked out from the first, so that rounding does not add up: 0.05 with
    # 10% is 0.055 -> 0.06 in year 1 and 0.0605 -> 0.06 in year 2, not 0.066 -> 0.07.
    paid = [row.paid for row in schedule(2, 0, 0.05, annual_raise=0.1).payments]
    assert paid[:36:12] == [dec("0.05"), dec("0.06"), dec("0.06")]


def test_an_extra_does_not_grow():
    paid = [row.paid for row in schedule(2000, 0, 100, extra=7, annual_raise=0.5).payments]
    assert paid == [107] * 12 + [157] * 4 + [88]


def test_a_lump_sum_is_paid_once_on_top_and_never_more_than_is_owed():
    paid = [row.paid for row in schedule(1000, 0, 100, lump_sums={2: 250, 3: 0.5, 99: 7}).payments]
    assert paid == [100, 350, dec("100.50"), 100, 100, 100, 100, dec("49.50")]
    (only,) = schedule(1000, 0.12, 100, lump_sums={1: 5000}).payments
    assert (only.paid, only.interest, only.balance) == (1010, 10, 0)


@given(st.dates(date(1, 1, 1), date(8900, 1, 1)), st.integers(1, MAX_MONTHS))
def test_payments_fall_on_the_same_day_of_each_month(first, number):
    day = payment_date(first, number)
    assert 12 * day.year + day.month == 12 * first.year + first.month + number - 1
    assert day.day <= first.day
    if day.day < first.day:  # only because the month ends
        assert date.fromordinal(day.toordinal() + 1).day == 1


def test_the_end_of_a_month_does_not_move_the_payments_after_it():
    first = date(2023, 1, 31)
    days = [payment_date(first, number) for number in (1, 2, 3, 4, 12, 13, 14, 15)]
    assert [(d.month, d.day) for d in days] == [
        (1, 31), (2, 28), (3, 31), (4, 30), (12, 31), (1, 31), (2, 29), (3, 31),
    ]  # fmt: skip
    assert days[5].year == 2024
    assert payment_date(datetime(2023, 1, 31, 9), 2) == date(2023, 2, 28)
    assert type(payment_date(datetime(2023, 1, 31, 9), 1)) is date


def test_a_schedule_cannot_be_changed_and_says_what_it_is():
    whole = schedule(30000, 0.0499, 125)
    assert repr(whole) == "Schedule(months=1498, total_interest=157188.00)"
    assert isinstance(whole, Schedule)
    assert isinstance(whole.payments, tuple)
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole.payments = ()
    with pytest.raises(AttributeError, match="can't set"):
        whole.payments[0].paid = 0


# --------------------------------------------------------------------------- refusals


def test_a_payment_that_does_not_cover_the_interest_is_told_what_would():
    with pytest.raises(
        ValueError, match=r"^payment must be above .* 124\.75, .*got 124\.75, the sm"
    ):
        schedule(30000, 0.0499, 124.75)
    with pytest.raises(ValueError, match=r"got 120\.00, the smallest that would do is 124\.76$"):
        schedule(30000, 0.0499, 120)
    assert schedule(30000, 0.0499, 124.76).months > 2000
    with pytest.raises(ValueError, match=r"^payment plus extra must .*got 124\.50, .* is 124\.76$"):
        schedule(30000, 0.0499, 100, extra=24.5)
    # The first month decides: neither a raise nor a lump sum in the future counts.
    with pytest.raises(ValueError, match="first month's interest"):
        schedule(30000, 0.0499, 100, annual_raise=1, lump_sums={1: 29000})
    with pytest.raises(
        ValueError, match=r"first month's interest of 124\.750000, .*, got 124\.75$"
    ):
        exact_months(30000, 0.0499, 124.75)
    assert exact_months(30000, 0.0499, Decimal("124.7501")) > 2000


def test_a_loan_beyond_any_use_is_told_what_would_do():
    with pytest.raises(
        ValueError, match=r"within 12000 months \(1000 years\): got 0\.01, 0\.09 would"
    ):
        schedule(1000, 0, 0.01)
    assert schedule(1000, 0, 0.09).months <= MAX_MONTHS
    with pytest.raises(
        ValueError, match=r"payment plus extra must repay .* got 0\.02, 0\.09 would"
    ):
        schedule(1000, 0, 0.01, extra=0.01)
    assert schedule(120, 0, 0.01).months == MAX_MONTHS
    with pytest.raises(ValueError, match="within 12000 months"):
        schedule(120.01, 0, 0.01)


def test_amounts_at_the_limits_are_let_through():
    assert schedule(MAX_AMOUNT, 1, MAX_AMOUNT).months == 2
    assert schedule(CENT, 1, CENT).months == 1
    assert exact_payment(Decimal("0.000001"), 0, 1) == Decimal("0.000001")
    assert to_cents(MAX_AMOUNT) == MAX_AMOUNT
    assert schedule(10, 0, 1, annual_raise=1, extra=0).months == 10


def test_rates_at_the_limits_are_let_through():
    assert exact_payment(1000, MIN_RATE, 1) == pytest.approx(1000, rel=Decimal("1e-6"))
    assert exact_payment(1000, MAX_RATE, 1) == pytest.approx(1000 * (1 + Decimal(1) / 12))


def test_terms_at_the_limits_are_let_through():
    assert exact_payment(MAX_MONTHS, 0, MAX_MONTHS) == 1
    assert exact_balance(1000, 0.05, 10, 0) == 1000
    assert payment_date(date(9999, 1, 31), 12) == date(9999, 12, 31)


def test_no_lump_sum_is_none():
    assert schedule(1000, 0, 100, lump_sums={}) == schedule(1000, 0, 100, lump_sums=None)


# --------------------------------------------------------------------------- the caller's context


def everything():
    whole = schedule(
        30000, 0.0499, 150, extra=Decimal("7.77"), lump_sums={3: 0.5}, annual_raise=0.02
    )
    return (
        whole,
        whole.total_interest,
        whole.total_paid,
        exact_payment(30000, 0.0499, 120),
        exact_months(30000, 0.0499, 125),
        exact_balance(30000, 0.0499, 125, 77),
        payment_for_term(30000, 0.0499, 120),
        to_cents(1.005),
    )


def test_the_caller_s_decimal_context_has_no_effect_and_is_not_changed():
    expected = everything()
    traps = [decimal.Inexact, decimal.Rounded, decimal.FloatOperation, decimal.Subnormal]
    with localcontext(Context(prec=3, rounding=ROUND_DOWN, traps=traps)) as context:
        before = repr(context)
        answers = everything()
        messages = []
        for call in (
            lambda: schedule(30000, 0.0499, 120),
            lambda: schedule(1000, 0, 0.01),
            lambda: exact_months(30000, 0.0499, 120),
            lambda: schedule(30000, 4.99, 120),
        ):
            with pytest.raises(ValueError, match="must") as caught:
                call()
            messages.append(str(caught.value))
        assert repr(getcontext()) == before
    assert answers == expected
    assert "124.75," in messages[0]
    assert "0.09" in messages[1]
    assert "124.750000" in messages[2]


def test_what_is_public_is_listed():
    assert sorted(loan.__all__) == loan.__all__
    assert all(hasattr(loan, name) for name in loan.__all__)
