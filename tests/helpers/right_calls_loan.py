"""A right call of everything public in ``helpers.loan``."""

from datetime import date
from decimal import Decimal

from helpers import loan

LOAN = {"principal": 30000, "annual_rate": Decimal("0.0499")}

FIRST = date(2025, 1, 31)

CALLS = {
    "Schedule": lambda: (loan.Schedule, {"payments": ()}),
    "Schedule.payoff_date": lambda: (loan.schedule(1000, 0, 100).payoff_date, {"first": FIRST}),
    "to_cents": lambda: (loan.to_cents, {"amount": 1.005}),
    "exact_payment": lambda: (loan.exact_payment, {**LOAN, "months": 120}),
    "exact_months": lambda: (loan.exact_months, {**LOAN, "payment": 125.5}),
    "exact_balance": lambda: (loan.exact_balance, {**LOAN, "payment": 125, "months": 7}),
    "payment_for_term": lambda: (loan.payment_for_term, {**LOAN, "months": 120}),
    "schedule": lambda: (
        loan.schedule,
        {**LOAN, "payment": 250, "extra": 7, "lump_sums": {3: 11}, "annual_raise": 0.02},
    ),
    "payment_date": lambda: (loan.payment_date, {"first": FIRST, "number": 14}),
}
