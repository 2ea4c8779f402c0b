"""Where the numbers in the prose of lesson 06 come from."""

from decimal import Decimal

from course.prose.numbers import CITED, EXAMPLE, Table

LOAN = ("the-loan.code", r"annual_rate = (\S+), (\S+)\npayment = (\S+) \* (\S+) ")
PRINCIPAL = ("the-loan.code", r"annual_rate = (\S+), ")
RATE = ("the-loan.code", r"annual_rate = \S+, (\S+)$")
PAYMENT = ("the-loan.code", r"payment = (\S+) \* (\S+) ", lambda share, income: share * income)
COUNT = ("loop-mended", r"payments: (\d+) ")
YEARS = ("loop-mended", r"\((\S+) years\)")
BEATEN = ("first-month", r"repaid by the first payment: (\S+)$")
COUNTS = ("loop + loop-mended", r"^(\d+)$[\s\S]*payments: (\d+) ")
PAID = ("loop-mended + the-loan.code", r"paid in all (\S+), of[\s\S]*annual_rate = (\S+),")
HALF = ("slow-picture + loop-mended", r"repaid after (\d+) years[\s\S]*\((\S+) years\)")
FIRST_PAYMENT = ("first-month", r"payment: (\S+)\nrepaid by the first payment: (\S+)$")
TERMS = ("loop-mended + payment", r"payments: (\d+) [\s\S]*back: +(\S+) months")
ONE_CENT = ("cliff-table", r"^125\.00 a month: +(\d+) .*\n125\.01 a month: +(\d+) ")
EDGE = ("the-loan.code + sensitivity-picture", r"annual_rate = \S+, (\S+)\n[\s\S]*month at (\S+):")
DEBT = ("rule.code", r"schedule\((\d+), (\S+), 10\)")
ROUNDED = ("loop-mended + schedule", r"paid in all (\S+), of[\s\S]*, paid (\S+)$")
BELOW = (
    "below.code + the-loan.code",
    r"more a year\": \((\S+), [\s\S]*payment = \S+ \* (\S+) ",
)
EXTRA = (
    "plans.code + the-loan.code",
    r"0\.0499, (\d+), extra=(\d+)\)[\s\S]*payment = \S+ \* (\S+) ",
)
AT_ONCE = ("plans.code", r"lump_sums=\{1: (\S+)\}")
LATER = ("plans.code", r"lump_sums=\{1: (\S+)\}[\s\S]*lump_sums=\{(\d+): ")
SAVED = (
    "plans.code + plans",
    r"lump_sums=\{1: (\S+)\}[\s\S]*^1,000 at once .* (\S+) +\d+-\d+-\d+$",
)
BOTH = ("plans", r"^1,000 at once .* (\S+) +\d+-\d+-\d+\n1,000 in .* (\S+) +\d+-\d+-\d+$")

TABLE: Table = {
    "title": [
        ("owes {} at {} a year and pays back {} of an income of {} each month", *LOAN),
        ("about {} minutes to run", "README.md", r"06_loan.*\| (\S+) \|$"),
    ],
    "loop-prose": [("The notes' answer was {}.", "loop", r"^(\d+)$")],
    "loop-mended-prose": [("to borrow {} like this", *PRINCIPAL)],
    "loop-reading": [
        ("nearly {} years", *YEARS),
        ("more than {} times the loan", *PAID, lambda paid, principal: paid / principal),
        ("An error of one in {} looks", *COUNT),
    ],
    "first-month-reading": [
        ("payment is {} more than the interest, and {} is", *BEATEN, lambda cents: (cents, cents)),
        (
            "Try {} as well",
            "first-month",
            r"first month: (\S+),",
            lambda edge: edge - Decimal("0.01"),
        ),
        ("the balance over {} years", *YEARS),
    ],
    "fixed-point-prose": [
        ("in the last {} of the time", *HALF, lambda half, years: 1 - half / years),
        ("multiplies it by about {}?", "fixed-point", r"predicted (\S+)$"),
    ],
    "closed-form-prose": [
        ("starts {} away from a point", "fixed-point", r"distance (\S+) at"),
        ("has to get about {} away", "fixed-point", r"fixed point (\S+), distance"),
        ("Multiplying by {} does", "fixed-point", r"predicted (\S+)$"),
        ("decimal arithmetic with {} digits", "helpers/loan.py", r"Context\(prec=(\d+),"),
    ],
    "months-prose": [("Here that is {} over {}.", *FIRST_PAYMENT)],
    "months-reading": [("{} full payments and a smaller one make {}.", *COUNTS)],
    "cliff-prose": [
        (
            "{} and {} times the payment",
            "payment + the-loan.code",
            r"helper: +(\S+)[\s\S]*payment = (\S+) \* (\S+) ",
            lambda faster, share, income: divmod(round(2 * faster / (share * income)) / 2, 1),
        ),
        ("ends the debt in {} of the time", *TERMS, lambda long, short: short / long),
        ("A few payments around {}, to", *PAYMENT),
    ],
    "margin-prose": [("a month saves {} months", *ONE_CENT, lambda before, after: before - after)],
    "noise-prose": [
        ("costs the same {} years", "margin", r"0\.125 instead of +0\.25 costs (\S+) years"),
        ("the debt stays at {} for ever", *PRINCIPAL),
        ("{} months, and beside it", "noise.code", r"made < (\S+):"),
    ],
    "failure-prose": [
        ("after some {} years", "noise", r"^\(1 \+ r\) B - p: +(\d+) payments", lambda n: n / 12),
        ("misses {} by a hair", *PRINCIPAL),
        ("until it is {}.", *PRINCIPAL),
    ],
    "sensitivity-prose": [
        ("the plan of {} break down", *PAYMENT),
        ("a raise of {} a year do", "sensitivity-picture.code", r"125, annual_raise=(\S+)\)"),
    ],
    "sensitivity-reading": [
        ("at a rate of {} the interest", "sensitivity-picture", r"month at (\S+): 125\.00"),
        ("{} of a percentage point away", *EDGE, lambda rate, edge: 100 * (edge - rate)),
    ],
    "rule-prose": [
        ("so {} means {} exactly", *RATE, lambda rate: (rate, rate)),
        ("a debt of {} at {} a year", *DEBT),
        ("one month's interest is {}.", *DEBT, lambda debt, rate: debt * rate / 12),
    ],
    "schedule-prose": [("Does rounding {} times", *COUNT)],
    "schedule-law-prose": [("about {} less", *ROUNDED, lambda floats, cents: floats - cents)],
    "published-prose": [
        ("a prepayment of {} each month", "published.code", r"extra=(\d+)\)"),
        ("up to 360 rounded months", CITED),
    ],
    "plans-prose": [
        ("Each begins with {}", "plans.code", r"0\.0499, (\d+), extra"),
        ("on {} January", "plans.code", r"date\(\d+, 1, (\d+)\)"),
        ("January {} and", "plans.code", r"date\((\d+), 1, "),
        ("{} more each month", "plans.code", r"0\.0499, \d+, extra=(\d+)\)"),
        ("is {} of the income", *EXTRA, lambda payment, extra, income: (payment + extra) / income),
        ("the income instead of {};", "the-loan.code", r"payment = (\S+) \*"),
        ("of the payment by {} each year", "plans.code", r"annual_raise=(\S+)\)"),
        ("- {} once, together with", *AT_ONCE),
        ("the same {} {} years later", *LATER, lambda amount, month: (amount, (month - 1) / 12)),
    ],
    "plans-reading": [
        ("the {} more a month", "plans.code", r"extra=(\d+)\)"),
        ("The {} paid at once", *AT_ONCE),
        ("save more than {} times", *SAVED, lambda amount, saved: saved / amount),
        ("less than {} of that", *BOTH, lambda early, late: late / early),
        ("distance is small: {} is", *AT_ONCE),
        ("is much more than {}.", "fixed-point", r"distance (\S+) at the start"),
    ],
    "worth-prose": [
        ("a payment of {} or less", "first-month", r"first month: (\S+),"),
        (
            "- {} a month, which is {} of the income",
            *BELOW,
            lambda low, income: (low, low / income),
        ),
        ("and a raise of {} each year", "below.code", r"122\.50, 2% .*annual_raise\": ([\d.]+)"),
        ("- {} a month, and {} once", "below.code", r"\((\d+), \{\"lump_sums\": \{1: ([\d_]+)"),
        ("a raise of {} instead", "below.code", r"122\.50, 0.* .*annual_raise\": ([\d.]+)"),
    ],
    "worth-derived": [
        ("Predict: with {} more each year", "worth.code", r"for g in \(0, \S+, (\S+)\):"),
        ("fall short of {}?", "first-month", r"first month: (\S+),"),
    ],
    "worth-reading": [
        (
            "a raise of {} the friend could begin with {}",
            "worth",
            r"raise 1%.*\nraise (\S+): .*; (\S+) ends",
        ),
        ("after more than {} centuries", "worth", r"raise 2%: .* (\d+) years", lambda y: y / 100),
    ],
    "term-prose": [
        ("the loan in both: {}.", *PRINCIPAL),
        ("the income of {} does", "the-loan.code", r"payment = \S+ \* (\S+) "),
    ],
    "sliders-prose": [("Ten years cost {} of the income", "term", r"^10 years: .* (\S+) of the")],
    "sliders-check-prose": [
        ("the cliff: {} of", "sliders-below.code", r"share=(\S+)\)", lambda percent: percent / 100),
        ("the income instead of {}.", "the-loan.code", r"payment = (\S+) \*"),
    ],
    "training-prose": [("take {} steps from", "training.code", r"distance_after\((\d+), lr\)")],
    "training-reading": [
        ("Learning rates {} and {} lie", "training-picture", r"rates (\S+) and (\S+) keep .*True")
    ],
    "summary": [
        ("{} payments, not {}.", *COUNTS, lambda notes, mended: (mended, notes)),
        ("first month's interest by only {}.", *BEATEN),
    ],
    "exercises": [
        ("offers 3.99% for a fee of 500", EXAMPLE),
        ("payments of 125 and of 300 a month", EXAMPLE),
        ("Paying 62.50 twice a month instead of 125 once", EXAMPLE),
        ("Then try 26 payments of 62.50 a year", EXAMPLE),
    ],
}
