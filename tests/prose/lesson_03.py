"""Where the numbers in the prose of lesson 03 come from."""

from prose_numbers import EXAMPLE, NOTES, Table

BATCH = ("random-pair.code", r"inputs = generate_batch\((\d+), (\d+), (\d+),")
FRESH = ("favourites.code", r"generate_batch\((\d+), (\d+), (\d+),")
BOUNDS = ("start + floor", r"at the start: predicted (\S+),[\s\S]*ln 1000 = (\S+)")
TESTED = ("reversal-count", r"of (\d+)$")

TABLE: Table = {
    "title": [("about {} minutes to run", "README.md", r"03_synthetic.*\| (\S+) \|$")],
    "random-prose": [
        (
            "a vocabulary of {} tokens, width {}, one head, one layer, dropout {};",
            "original-run.code",
            r"TransformerModel\((\d+), (\d+), 1, 128, 1, dropout=([\d.]+)\)",
        ),
        (
            "a learning rate of {}, {} epochs of {} batches",
            "original-run.code",
            r"lr=(\S+)\)[\s\S]*range\((\d+)\)[\s\S]*epochs=(\d+)\)$",
            lambda rate, batches, epochs: (rate, epochs, batches),
        ),
        ("a batch is {} rows of {} **random**", *BATCH, lambda rows, tokens, _: (rows, tokens)),
        ("one of the {} ids", *BATCH, lambda rows, tokens, ids: ids),
    ],
    "floor-prose": [
        (
            "| loss | " + " | ".join(["{}"] * 10) + " |",
            "original-log.code",
            r"notes_loss = \[" + ", ".join([r"(\S+)"] * 10) + r"\]",
        ),
        ("with the token 716, thirty times", NOTES),
        ("and why 716?", NOTES),
    ],
    "start-prose": [
        ("its {} squares add up to {}.", "start.code", r"variance = (\d+) \*", lambda n: (n, n))
    ],
    "run-prose": [
        ("these two numbers, about {} and {}. It fell", *BOUNDS),
        (
            "Each batch holds {} targets for {} tokens",
            *BATCH,
            lambda rows, tokens, ids: (rows * tokens, ids),
        ),
        ("starts near {} and creeps towards {} without", *BOUNDS),
    ],
    "favourite-prose": [
        (
            "{} fresh rows, that is {} positions",
            *FRESH,
            lambda rows, tokens, _: (rows, rows * tokens),
        ),
        ("gets {} epochs", "favourites.code", r"seed=1, epochs=(\d+)\)"),
    ],
    "favourites-check-prose": [
        (
            "spread {} predictions over about {} of the {} tokens",
            *FRESH,
            lambda rows, tokens, ids: (
                rows * tokens,
                ids * (1 - (1 - 1 / ids) ** (rows * tokens)),
                ids,
            ),
        )
    ],
    "luck-prose": [
        ("the mean over the {} positions", *FRESH, lambda rows, tokens, _: rows * tokens),
        ("Among {} tokens", *BATCH, lambda rows, tokens, ids: ids),
        (
            "over the last {} of the {} batches",
            "luck.code + original-run.code",
            r"drawn\[-(\d+) \* 20[\s\S]*range\((\d+)\)[\s\S]*epochs=(\d+)\)$",
            lambda last, batches, epochs: (last, batches * epochs),
        ),
    ],
    "memory-prose": [
        (
            "from a vocabulary of {}, train on them {} times over",
            "memory.code",
            r"\(20, 30, (\d+), generator=data\), [\s\S]*epochs=(\d+)",
        ),
        ("the loss on {} new random rows", "memory.code", r"^    \(generate_batch\((\d+), .*\n\]"),
    ],
    "memory-picture-prose": [("on new rows, {}, as by chance", "memory", r"guessed right: (\S+)")],
    "layout-fix-prose": [("{} rows moved because", "layout-picture", r"moved: (\d+) and")],
    "unnoticed-prose": [
        ("to {} in every epoch", "original-picture", r"within (\S+) of .* every epoch: True")
    ],
    "pattern-prose": [
        (
            "a random pattern of {} symbols, repeated until the row is {} long",
            "pattern-data.code",
            r"repeating_batch\(3, (\d+), V, period=(\d+)",
            lambda length, period: (period, length),
        )
    ],
    "pattern-train-prose": [
        (
            "{} batches of {} rows",
            "pattern-train.code",
            r"repeating_batch\((\d+), [\s\S]*range\((\d+)\)",
            lambda rows, batches: (batches, rows),
        )
    ],
    "pattern-cliff-prose": [("on {} new rows", "pattern-cliff.code", r"repeating_batch\((\d+), ")],
    "induction-facts-prose": [
        ("Counted over {} rows", "induction-attention.code", r"repeating_batch\((\d+), ")
    ],
    "teacher-prose": [
        (
            "We draw {} batches of {} words for training and {} words for testing",
            "reversal-split.code",
            r"batch\((\d+), 10, V, generator=data\) for _ in range\((\d+)\)\]\n.*batch\((\d+), ",
            lambda words, batches, test: (batches, words, test),
        )
    ],
    "reversal-exact-prose": [("decoding of the {} test words", *TESTED)],
    "reversal-count-prose": [("how many of the {} test words", *TESTED)],
    "exposure-prose": [("the first {} batches only", "exposure.code", r"batches\[:(\d+)\]")],
    "error-prose": [
        (
            "has {} symbols, with ids 0 to {}.",
            "error",
            r"must lie in 0\.\.(\d+),",
            lambda last: (last + 1, last),
        )
    ],
    "blind-prose": [("for our {} test words", *TESTED)],
    "blind-train-prose": [
        ("the same {} batches", "reversal-split.code", r"for _ in range\((\d+)\)")
    ],
    "exercises": [
        ("a vocabulary of 50,000 tokens", EXAMPLE),
        ("its first loss is 11.5.", EXAMPLE),
        ("a warm-up of 100 steps. Compare the losses of each 100 batches", EXAMPLE),
    ],
}
