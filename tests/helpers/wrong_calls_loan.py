"""What a reader gets wrong with loans: rows of ``test_wrong_calls``, written by hand."""

import math
from datetime import date
from decimal import Decimal

AMOUNT = "from 0.01 to 1000000000000"
CENTS = "in whole cents (see to_cents)"
SUM = "from 0 to 1000000000000"
RATE, LEAST = "from 0 to 1 (4.99% is written 0.0499)", "0 or at least 0.000001"
NTH = "paid with payment 1 to 12000"
OF_MONTHS = "exact_payment exact_balance payment_for_term"
FORMULAS = f"{OF_MONTHS} exact_months"
LUMP = "lump_sums[3] must be a number"

KINDS = [("to_cents", {"amount": "1"}, "amount must be a number or of type Decimal, got '1'")]
VALUES = [
    (FORMULAS, {"principal": 0}, f"principal must be {AMOUNT}, got 0"),
    (FORMULAS, {"principal": Decimal("nan")}, f"principal must be {AMOUNT}, got NaN"),
    (FORMULAS, {"principal": Decimal("snan")}, f"principal must be {AMOUNT}, got sNaN"),
    (FORMULAS, {"principal": math.nan}, "principal must be finite, got nan"),
    ("exact_months exact_balance", {"payment": 0}, f"payment must be {AMOUNT}, got 0"),
    (f"{FORMULAS} schedule", {"annual_rate": 4.99}, f"annual_rate must be {RATE}, got 4.99"),
    (FORMULAS, {"annual_rate": Decimal("9E-7")}, f"annual_rate must be {LEAST}, got 9E-7"),
    (OF_MONTHS, {"months": 12_001}, "months must be at most 12000, got 12001"),
    ("to_cents", {"amount": -0.01}, f"amount must be {SUM}, got -0.01"),
    ("to_cents", {"amount": Decimal("inf")}, f"amount must be {SUM}, got Infinity"),
    ("schedule", {"principal": -7}, f"principal must be {AMOUNT}, got -7"),
    ("schedule", {"principal": Decimal("1E+13")}, f"principal must be {AMOUNT}, got 1E+13"),
    ("schedule payment_for_term", {"principal": 1.005}, f"principal must be {CENTS}, got 1.005"),
    ("schedule", {"payment": 0}, f"payment must be {AMOUNT}, got 0"),
    ("schedule", {"payment": 0.1 + 0.2}, f"payment must be {CENTS}, got 0.30000000000000004"),
    ("schedule", {"extra": -1}, f"extra must be {SUM}, got -1"),
    ("schedule", {"extra": 2.3333}, f"extra must be {CENTS}, got 2.3333"),
    ("schedule", {"annual_raise": 1.01}, "annual_raise must be from 0 to 1, got 1.01"),
    ("schedule", {"lump_sums": {0: 10}}, f"lump_sums must be {NTH}, got 0"),
    ("schedule", {"lump_sums": {1: 10, 1.5: 10}}, f"lump_sums must be {NTH}, got 1.5"),
    ("schedule", {"lump_sums": {2: 0}}, f"lump_sums[2] must be {AMOUNT}, got 0"),
    ("schedule", {"lump_sums": {2: 1.005}}, f"lump_sums[2] must be {CENTS}, got 1.005"),
    ("payment_date", {"number": 12_001}, "number must be at most 12000, got 12001"),
    ("payment_date", {"first": date(9999, 1, 31)}, "year 10000 is out of range"),
]
UNHOOKED = [
    ("schedule", {"lump_sums": {3: "5"}}, f"{LUMP}, got '5'"),
    ("schedule", {"lump_sums": {3: True}}, f"{LUMP}, got True"),
]
