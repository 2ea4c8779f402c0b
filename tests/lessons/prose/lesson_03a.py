"""Where the numbers in the prose of lesson 03a come from."""

from course.prose.numbers import EXAMPLE, HAND, NOTES, YEAR, Table

SIZES = ("original-run.code", r"Model\((\d+), (\d+), 1, 128, 1, dropout=([\d.]+)\)")
BATCH = ("original-run.code", r"generate_batch\((\d+), (\d+), (\d+),")
BATCHES = ("original-run.code", r"range\((\d+)\)\]\n[\s\S]*epochs=(\d+)\)$")
FRESH = ("favourites.code", r"generate_batch\((\d+), (\d+), (\d+),")
BOUNDS = ("start + floor", r"at the start: predicted (\S+),[\s\S]*ln 1000 = (\S+)")
FIXED = ("memory.code", r"random_pair\((\d+), (\d+), data\) for")
TESTED = ("reversal-exact", r"seed 6: \d+ of (\d+) test words")
TRAINED = ("reversal-split.code", r"for _ in range\((\d+)\)")
LOSSES = ("original-log.code", r"notes_loss = \[" + ", ".join([r"(\S+)"] * 10) + r"\]")


def different(rows, tokens, ids):
    """How many different ones so many draws of an id are expected to hit."""
    return ids * (1 - (1 - 1 / ids) ** (rows * tokens))


TABLE: Table = {
    "title": [
        ("about {} minutes to run", "README.md", r"03a_synthetic.*\| (\S+) \|$"),
    ],
    "notes-class-prose": [
        ("from -{} to {}.", "notes-class.code", r"encoder\.weight.*\(-(\S+), (\S+)\)"),
    ],
    "memory-prose": [
        ("both become {}.", *BATCH, lambda rows, tokens, _: rows * tokens),
        ("from a vocabulary of {},", *FIXED, lambda rows, ids: ids),
        ("two batches {} times over", "memory.code", r"range\((\d+)\):"),
        ("the loss on {} new random rows", "memory.code", r"unseen = .random_pair\((\d+),"),
    ],
    "memory-picture-prose": [
        ("On new rows, {} is right", "memory", r"guessed right: (\S+)"),
        ("$1/e$, about 0.37.", HAND),
    ],
    "floor-prose": [
        ("with dropout {} on a", *SIZES, lambda ids, width, dropout: dropout),
        ("on a vocabulary of {} tokens: Adam", *SIZES, lambda ids, width, dropout: ids),
        ("a learning rate of {},", "original-run.code", r"lr=(\S+)\)"),
        ("{} epochs of {} batches", *BATCHES, lambda draws, epochs: (epochs, draws / 2)),
        ("A batch is {} rows of {} random", *BATCH, lambda rows, tokens, _: (rows, tokens)),
        ("| loss | " + " | ".join(["{}"] * 10) + " |", *LOSSES),
        ("with the token 716, thirty times", NOTES),
        ("and why 716?", NOTES),
    ],
    "start-prose": [("{} squares add up to {}.", "start.code", r"= (\d+) \*", lambda n: (n, n))],
    "run-prose": [("these two numbers, about {} and {}. It fell", *BOUNDS)],
    "predict-prose": [
        ("with {} fresh rows", *FRESH, lambda rows, tokens, _: rows),
        ("of the {} tokens will occur", *FRESH, lambda rows, tokens, ids: ids),
        ("among the {} answers", *FRESH, lambda rows, tokens, _: rows * tokens),
    ],
    "luck-prose": [
        ("spread {} answers", *FRESH, lambda rows, tokens, _: rows * tokens),
        ("over about {} of", *FRESH, different),
        ("of the {} tokens. This", *FRESH, lambda rows, tokens, ids: ids),
        ("holds {} targets for {} tokens", *BATCH, lambda rows, tokens, ids: (rows * tokens, ids)),
        ("of the last {} batches", "luck.code", r"drawn\[-(\d+) \* 20"),
    ],
    "layout-picture-prose": [("{} rows moved because", "layout-picture", r"moved: (\d+) and")],
    "unnoticed-prose": [
        ("both are flattened to {}.", *BATCH, lambda rows, tokens, _: rows * tokens)
    ],
    "pattern-prose": [
        ("Thirty times 716 was luck", NOTES),
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
        ("We draw {} batches", *TRAINED),
        ("of {} words for training", "reversal-split.code", r"batch\((\d+), 10, .* for _ in"),
        ("{} words for testing", "reversal-split.code", r"for _ in .*\n.*batch\((\d+), "),
    ],
    "reversal-exact-prose": [("decoding of the {} test words", *TESTED)],
    "exposure-prose": [("the first {} batches only", "exposure.code", r"batches\[:(\d+)\]")],
    "error-prose": [
        ("has {} symbols", "error", r"must lie in 0\.\.(\d+),", lambda last: last + 1),
        ("with ids 0 to {}.", "error", r"must lie in 0\.\.(\d+),"),
    ],
    "blind-prose": [("for our {} test words", *TESTED)],
    "blind-train-prose": [("the same {} batches", *TRAINED)],
    "blind-picture-prose": [
        ("the bound of {} does", "bag-floor", r"best mean loss: (\S+)"),
        ("what {} batches reach", *TRAINED),
        ("model down to {}, most", "blind-train", r"1200 batches: loss (\S+),"),
    ],
    "summary": [("Haviv and others (2022) trained", YEAR)],
    "exercises": [
        ("a vocabulary of 50,000 tokens", EXAMPLE),
        ("its first loss is 11.5.", EXAMPLE),
        ("on 1,500 batches", EXAMPLE),
        ("batches instead of {},", *TRAINED),
        ("a warm-up of 100 steps,", EXAMPLE),
    ],
}
