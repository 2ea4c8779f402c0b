"""Where the numbers in the prose of lesson 03b come from."""

from course.prose.numbers import CITED, EXAMPLE, HAND, TRIAL, YEAR, Table

LARGEST = ("helpers/data/numerals.py", r"^_LENGTHS = (\d+)", lambda digits: 10 ** int(digits) - 1)
DRAWN = ("learn", r"^numbers in .*: (\S+)$")
PAIR = ("batch.code", r"tensor\(\[(\d+), 7\]\)")
FORM = ("attention.code", r"randint\(2, 10, \((\d+), 8\)")
TEST = ("decode", r"test numbers: (\S+)$")
GAPS = "".join(rf"^{length} digits: (\S+) exact\n" for length in range(3, 9))
HIGH_PEAK = (
    r"0\.0250, with warm-up: losses at the end (\S+) (\S+) (\S+)\n"
    r".*without warm-up: losses at the end (\S+) (\S+) (\S+)$"
)


def ratio(*losses):
    """How many times the worst loss with a warm-up goes into the best one without."""
    return min(losses[3:]) / max(losses[:3])


TABLE: Table = {
    "title": [("about {} minutes to run", "README.md", r"03b_translation.*\| (\S+) \|$")],
    "pair-prose": [
        ("三百二十五万 is 325 times ten thousand", HAND),
        (
            "will write for {}. (It is 30 ten thousands and {}.)",
            "pair",
            r"^ +(\S+)  三十万",
            lambda number: (number, number % 10_000),
        ),
    ],
    "regroup-prose": [("the digits of {} in both ways", "regroup.code", r'^digits = "(\d+)"')],
    "split-prose": [
        ("from 0 to {}. If", *LARGEST),
        ("up to {} of each length", "split.code", r"held_out_numbers\((\d+),"),
    ],
    "batch-prose": [
        ("the target -{}, which", "batch.code", r"~real, -(\d+)\)"),
        ("is filled up: {} (一百二十)", *PAIR),
    ],
    "padding-prose": [("the logits of 7 move when {} joins it", *PAIR)],
    "smoothing-prose": [("the right character gets in it: 0.9, a little more", HAND)],
    "schedule-prose": [("of its 100,000 steps", CITED)],
    "train-prose": [
        ("the peak lies at step {}, at", "schedule", r"w = 400: .* at step (\d+)"),
    ],
    "train-run-prose": [
        (
            "That is little of {}. Every {} batches",
            "train.code",
            r"range\(4, STEPS // 25 \+ 1, (\d+)\)",
            lambda chunks: (10**8, 25 * chunks),
        ),
    ],
    "warmup-prose": [
        (
            "$w = 100$ ({}) and the one of $w = 25$ ({})",
            "warmup",
            r"peak (\S+), with warm-up[\s\S]*peak (\S+), with warm-up",
        ),
        ("starting points each, on {} batches", "warmup-tools.code", r"rate, (\d+), draw\)"),
    ],
    "warmup-reading": [
        ("at a loss more than {} times as high", "warmup", HIGH_PEAK, ratio),
        ("Xiong and others (2020) derive", YEAR),
    ],
    "zeros-prose": [("another digit (305, but not 350)", EXAMPLE)],
    "cache-prose": [
        ("came out at 0.992 and 0.994 in two other trainings", TRIAL),
        ("exact in 0.982 and 0.988 of the cases, against 0.997 for the rest", TRIAL),
    ],
    "lookup-prose": [("from 0 to {}:", *LARGEST)],
    "attention-prose": [
        ("we take {} eight-digit numbers", *FORM),
        ("four heads over all {} numbers", *FORM),
    ],
    "errors-prose": [
        ("then a digit, from 101 up to 90,000,009. There", HAND),
        ("numbers of this form {} draws", *DRAWN),
    ],
    "errors-reading": [
        ("right in more than {} numbers", *TEST),
        ("among {} draws for training", "short.code", r"draw_numbers\(([\d_]+), "),
    ],
    "cure-reading": [("at least {} are exact", "cure", GAPS, lambda *shares: min(shares))],
    "short-reading": [("numbers like 1,000,021, but never 1,000,001", EXAMPLE)],
    "exercises": [
        ("Write 20,002,000 and 10,010,010 in Chinese", EXAMPLE),
        ("has about 37,000 tokens", CITED),
        ("under label smoothing with 0.1, and", EXAMPLE),
        ("Train with $w = 100$ in the place of 400, and", EXAMPLE),
        ("after 300, 600 and 900 batches. Which $w$ would you take for 300 batches", EXAMPLE),
        ("and which for 900? Why", EXAMPLE),
    ],
}
