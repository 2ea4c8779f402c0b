"""Where the numbers in the prose of lesson 03a come from."""

from course.prose.numbers import EXAMPLE, HAND, NOTES, READING, TRIAL, YEAR, Table

BATCH = ("random-pair.code", r"inputs = generate_batch\((\d+), (\d+), (\d+),")
FRESH = ("favourites.code", r"generate_batch\((\d+), (\d+), (\d+),")
BOUNDS = ("start + floor", r"at the start: predicted (\S+),[\s\S]*ln 1000 = (\S+)")
TESTED = ("reversal-count", r"of (\d+)$")
BATCHES = ("original-run.code", r"range\((\d+)\)[\s\S]*epochs=(\d+)\)$")
LOSSES = ("original-log.code", r"notes_loss = \[" + ", ".join([r"(\S+)"] * 10) + r"\]")


def different(rows, tokens, ids):
    """How many different ones so many draws of an id are expected to hit."""
    return ids * (1 - (1 - 1 / ids) ** (rows * tokens))


TABLE: Table = {
    "title": [
        ("a minute for every 100 words", READING),
        ("About {} minutes to run", "README.md", r"03a_synthetic.*\| (\S+) \|$"),
    ],
    "random-prose": [
        ("vocabulary of {} tokens, width {}", "original-run.code", r"Model\((\d+), (\d+), 1, 128"),
        ("one layer, dropout {};", "original-run.code", r"dropout=([\d.]+)\)"),
        ("a learning rate of {}", "original-run.code", r"lr=(\S+)\)"),
        ("{} epochs of {} batches", *BATCHES, lambda batches, epochs: (epochs, batches)),
        ("a batch is {} rows of {} **random**", *BATCH, lambda rows, tokens, _: (rows, tokens)),
        ("one of the {} ids", *BATCH, lambda rows, tokens, ids: ids),
    ],
    "floor-prose": [
        ("| loss | " + " | ".join(["{}"] * 10) + " |", *LOSSES),
        ("with the token 716, thirty times", NOTES),
        ("$1/e$, about 0.37.", HAND),
        ("and why 716?", NOTES),
    ],
    "start-prose": [("{} squares add up to {}.", "start.code", r"= (\d+) \*", lambda n: (n, n))],
    "run-prose": [
        ("these two numbers, about {} and {}. It fell", *BOUNDS),
        ("holds {} targets for {} tokens", *BATCH, lambda rows, tokens, ids: (rows * tokens, ids)),
        ("starts near {} and creeps towards {} without", *BOUNDS),
    ],
    "favourite-prose": [
        ("{} fresh rows, that is {}", *FRESH, lambda rows, tokens, _: (rows, rows * tokens)),
        ("gets {} epochs", "favourites.code", r"seed=1, epochs=(\d+)\)"),
    ],
    "favourites-check-prose": [
        ("spread {} predictions", *FRESH, lambda rows, tokens, _: rows * tokens),
        ("over about {} of", *FRESH, different),
        ("of the {} tokens", *FRESH, lambda rows, tokens, ids: ids),
    ],
    "luck-prose": [
        ("the mean over the {} positions", *FRESH, lambda rows, tokens, _: rows * tokens),
        ("Among {} tokens", *BATCH, lambda rows, tokens, ids: ids),
        ("over the last {} of", "luck.code", r"drawn\[-(\d+) \* 20"),
        ("of the {} batches", *BATCHES, lambda batches, epochs: batches * epochs),
    ],
    "memory-prose": [
        ("from a vocabulary of {}", "memory.code", r"\(20, 30, (\d+), generator=data\), "),
        ("train on them {} times over", "memory.code", r"epochs=(\d+)"),
        ("the loss on {} new random rows", "memory.code", r"^    \(generate_batch\((\d+), .*\n\]"),
    ],
    "memory-picture-prose": [("on new rows, {}, as by chance", "memory", r"guessed right: (\S+)")],
    "layout-fix-prose": [("{} rows moved because", "layout-picture", r"moved: (\d+) and")],
    "unnoticed-prose": [
        ("to {} in", "original-picture", r"within (\S+) of .* every epoch: True"),
        ("How lucky was 716?", NOTES),
        ("about 100 random rows.", TRIAL),
        ("89, 16, 4 and 33 of the 100 rows", TRIAL),
        ("it was 2, 0, 1 and 100.", TRIAL),
    ],
    "pattern-prose": [
        ("a random pattern of {} symbols", "pattern-data.code", r"V, period=(\d+)"),
        ("until the row is {} long", "pattern-data.code", r"repeating_batch\(3, (\d+), V"),
    ],
    "pattern-train-prose": [
        ("{} batches of", "pattern-train.code", r"range\((\d+)\)"),
        ("batches of {} rows", "pattern-train.code", r"repeating_batch\((\d+), "),
    ],
    "pattern-cliff-prose": [("on {} new rows", "pattern-cliff.code", r"repeating_batch\((\d+), ")],
    "induction-facts-prose": [
        ("count over {} rows", "induction-attention.code", r"repeating_batch\((\d+), ")
    ],
    "teacher-prose": [
        ("We draw {} batches", "reversal-split.code", r"for _ in range\((\d+)\)"),
        ("of {} words for training", "reversal-split.code", r"batch\((\d+), 10, .* for _ in"),
        ("{} words for testing", "reversal-split.code", r"for _ in .*\n.*batch\((\d+), "),
    ],
    "reversal-exact-prose": [("decoding of the {} test words", *TESTED)],
    "reversal-count-prose": [("how many of the {} test words", *TESTED)],
    "exposure-prose": [("the first {} batches only", "exposure.code", r"batches\[:(\d+)\]")],
    "error-prose": [
        ("has {} symbols", "error", r"must lie in 0\.\.(\d+),", lambda last: last + 1),
        ("with ids 0 to {}.", "error", r"must lie in 0\.\.(\d+),"),
    ],
    "blind-prose": [("for our {} test words", *TESTED)],
    "blind-train-prose": [("the same {}", "reversal-split.code", r"for _ in range\((\d+)\)")],
    "blind-picture-prose": [
        ("The bound of {} is", "bag-floor", r"best mean loss: (\S+)"),
        ("{} batches do not reach it", "reversal-split.code", r"for _ in range\((\d+)\)"),
    ],
    "summary": [
        ("by 0 with one layer and by 0.08 to 0.09 with two", TRIAL),
        ("Haviv and others (2022) found", YEAR),
    ],
    "exercises": [
        ("a vocabulary of 50,000 tokens", EXAMPLE),
        ("its first loss is 11.5.", EXAMPLE),
        ("on 1,500 batches", EXAMPLE),
        ("batches instead of {},", "reversal-split.code", r"for _ in range\((\d+)\)"),
        ("a warm-up of 100 steps,", EXAMPLE),
    ],
}
