"""What everything public in ``helpers.loan`` may be given."""

from datetime import date
from decimal import Decimal

from helpers import loan

LOAN = {"principal": 30000, "annual_rate": Decimal("0.0499")}
FIRST = date(2025, 1, 31)

GIVEN = {
    "Schedule": {"payments": loan.schedule(1000, 0, 100).payments},
    "Schedule.payoff_date": {"first": FIRST},
    "to_cents": {"amount": 1.005},
    "exact_payment": {**LOAN, "months": 120},
    "exact_months": {**LOAN, "payment": 125.5},
    "exact_balance": {**LOAN, "payment": 125, "months": 7},
    "payment_for_term": {**LOAN, "months": 120},
    "schedule": {**LOAN, "payment": 250, "extra": 7, "lump_sums": {3: 11}, "annual_raise": 0.02},
    "payment_date": {"first": FIRST, "number": 14},
}
