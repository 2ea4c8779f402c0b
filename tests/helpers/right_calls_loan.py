"""A right call of everything public in ``helpers.loan``."""

from datetime import date
from decimal import Decimal

from helpers.loan import (
    Schedule,
    exact_balance,
    exact_months,
    exact_payment,
    payment_date,
    payment_for_term,
    schedule,
    to_cents,
)

LOAN = {"principal": 30000, "annual_rate": Decimal("0.0499")}

CALLS = {
    "Schedule": lambda: (Schedule, {"payments": ()}),
    "Schedule.payoff_date": lambda: (
        schedule(1000, 0, 100).payoff_date,
        {"first": date(2025, 1, 31)},
    ),
    "to_cents": lambda: (to_cents, {"amount": 1.005}),
    "exact_payment": lambda: (exact_payment, {**LOAN, "months": 120}),
    "exact_months": lambda: (exact_months, {**LOAN, "payment": 125.5}),
    "exact_balance": lambda: (exact_balance, {**LOAN, "payment": 125, "months": 7}),
    "payment_for_term": lambda: (payment_for_term, {**LOAN, "months": 120}),
    "schedule": lambda: (
        schedule,
        {**LOAN, "payment": 250, "extra": 7, "lump_sums": {3: 11}, "annual_raise": 0.02},
    ),
    "payment_date": lambda: (payment_date, {"first": date(2025, 1, 31), "number": 14}),
}
