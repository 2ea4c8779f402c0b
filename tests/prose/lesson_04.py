"""Where the numbers in the prose of lesson 04 come from."""

from prose_numbers import CITED, EXAMPLE, HAND, LIBRARY, NOTES, TRIAL, YEAR, Table

TRAIN = ("load", r"train=(\S+),")
TEST = ("load", r"test=(\S+)\)")
FITTING = ("validation", r"(\d+) to fit to,")
KEPT = ("encode.code", r"max_len = (\d+)")
WIDTH = ("classifier.code", r"d_model=(\d+),")
TORCHTEXT = ("requirements.txt", r"^torchtext==(\S+)")
HALF = ("helpers/data/reviews.py", r"_PER_CLASS = (\S+)")

RESULTS = "benchmarks/results/README.md"
LOGISTIC = "naive Bayes ratios, logistic regression, triples"
POSITIONS = r"\| position: sines added, times (\S+) \|[^|]*\| -([\d.]+) ±"


def change(row: str, sign: str = "-") -> tuple[str, str]:
    """Where a row of the ablation says by how many points the accuracy changes."""
    return RESULTS, rf"\| {row} \|[^|]*\| {sign}([\d.]+) ±"


def side_by_side(row: str) -> tuple:
    """Where the table of classifiers has the accuracy of a row."""
    return RESULTS, rf"^\| {row} \| (\d\S+) ", lambda percent: percent / 100


TABLE: Table = {
    "title": [
        (
            "This one takes {} film reviews",
            "load",
            r"train=(\S+), test=(\S+)\)",
            lambda a, b: a + b,
        ),
        ("about {} minutes to run", "README.md", r"04_imdb.*\| (\S+) \|$"),
    ],
    "data": [
        ("a paper of 2011", YEAR),
        ("in two halves of {};", *HALF, lambda n: 2 * n),
    ],
    "baselines": [
        (
            'my Transformer reaches 85%" says nothing: perhaps counting exclamation marks '
            "reaches 84%",
            EXAMPLE,
        ),
        (
            "{} reviews to **fit** models to, and {}, the **validation** part",
            "validation",
            r"(\d+) to fit to, (\d+) to validate",
        ),
        ("cuts each class into {} blocks", "validation.code", r"folds=(\d)\)"),
    ],
    "tfidf-prose": [
        ("and {} reviews of ten are right", "ten-words", r"ten words: +(\S+)", lambda x: 10 * x)
    ],
    "pair-weights-prose": [
        (
            "Pairs gain about {} point",
            "word-model + pairs",
            r"counted words: (\S+)[\s\S]*words and pairs: (\S+)",
            lambda words, pairs: 100 * (pairs - words),
        )
    ],
    "leak": [
        ("take 80% for training; the original notes of this course did too", NOTES),
        (
            "For {} reviews of the training part",
            "load + neighbours.code",
            r"train=(\S+),[\s\S]*len\(train_tokens\), (\d+)\)",
            lambda reviews, step: reviews / step,
        ),
        ("among all {}, and ask", *TRAIN),
    ],
    "leak-models-prose": [
        (
            "(for {} test reviews)",
            "load + leak-models.code",
            r"test=(\S+)\)[\s\S]*transform\(test\[::(\d+)\]\)",
            lambda reviews, step: reviews / step,
        ),
        (
            "that occur in {} to {} training reviews",
            "leak-models.code",
            r"min_df=(\d+), max_df=(\d+)",
        ),
    ],
    "leak-seen": [
        (
            "The linear model gains about {} points",
            "leak-table",
            r"position .*all words (\S+),.*\nshuffled .*all words (\S+),",
            lambda honest, shuffled: 100 * (shuffled - honest),
        ),
        (
            "on {} reviews to train on and {} to be tested on",
            *HALF,
            lambda n: (2 * n, 2 * n),
        ),
        ("we got 0.888 for the linear model", TRIAL),
        (
            "it has {} more to learn from",
            "load + helpers/data/reviews.py",
            r"train=(\S+),[\s\S]*_PER_CLASS = (\S+)",
            lambda train, n: 2 * n / train - 1,
        ),
    ],
    "ids": [("do the commonest {} cover?", "coverage.code", r"sizes = \[\d+, \d+, (\d+),")],
    "vocabulary-picture-prose": [
        ("A thousand words cover {} of the text", "coverage", r"1,000: (\S+)$")
    ],
    "vocabulary-check-prose": [("We take {}.", "vocabulary.code", r"max_size=(\S+)\)")],
    "original-error-seen": [
        ("in release 0.10;", LIBRARY),
        ("The installed release, {}, is older", *TORCHTEXT),
        ("and {} looks for", *TORCHTEXT),
    ],
    "two-vocabularies-seen": [
        ("a review of 1,000 tokens costs sixteen times as much as one of 250.", HAND)
    ],
    "truncation-seen": [
        ("{} tokens the end is better", "truncation-picture", r"'(\d+): True'\]"),
        (
            "We keep {} tokens, {} the length of the median review",
            "encode.code + lengths",
            r"max_len = (\d+)[\s\S]*median (\d+),",
            lambda kept, median: (kept, kept / median),
        ),
    ],
    "buckets-prose": [
        ("nearly every batch of {} contains", "buckets.code", r"start : start \+ (\d+)\]"),
        ("contains a review of {} tokens", *KEPT),
    ],
    "model": [("two reviews of {} tokens", *KEPT)],
    "wrong-shape-seen": [
        (
            "A score for each of {} positions cannot be compared with {} labels",
            "wrong-shape",
            r"batch_size \((\d+)\) to match target batch_size \((\d+)\)",
        )
    ],
    "classifier-prose": [
        (
            "{} position reads the verdict, and {} judge without it",
            "causal-blind",
            r"last word: (\d+) of (\d+)",
            lambda noticed, positions: (noticed, positions - noticed),
        ),
        (
            "in each training step, {} words of each review",
            "classifier.code",
            r"word_dropout=(\S+),",
        ),
        ("is multiplied by {}.", "classifier.code", r"position_scale=(\S+),"),
        (
            "{} layer, {} dimensions, {} heads",
            "classifier.code",
            r"d_model=(\d+),\s+num_heads=(\d+),[\s\S]*num_layers=(\d+),",
            lambda width, heads, layers: (layers, width, heads),
        ),
    ],
    "classifier-seen": [
        (
            "word vectors: {} words of {} numbers each",
            "vocabulary.code + classifier.code",
            r"max_size=(\S+)\)[\s\S]*d_model=(\d+),",
        )
    ],
    "training": [
        (
            "in batches of {}. We train for {}.",
            "recipe.code",
            r"epochs=(\d+), batch_size=(\d+)",
            lambda epochs, batch: (batch, epochs),
        ),
        ("it rises from near zero to {} in", "recipe.code", r"max_lr=(\S+),"),
        ("in the first 30% of the training", LIBRARY),
        ("we train on the {} fitting reviews", *FITTING),
    ],
    "develop-prose": [("with {} words hidden", "classifier.code", r"word_dropout=(\S+),")],
    "curves-seen": [("it learns its {} reviews by heart", *FITTING)],
    "final-prose": [("on all {} training reviews", *TRAIN)],
    "test-check-prose": [
        (
            "With {} test reviews, chance alone moves an accuracy by {} a point",
            "load + test",
            r"test=(\S+)\)[\s\S]*test part: (\S+)",
            lambda n, share: (n, 100 * (share * (1 - share) / n).sqrt()),
        )
    ],
    "inside": [("in batches of {} in the given order", "price.code", r"start \+ (\d+)\]")],
    "mistakes-prose": [("the last {} characters", "mistakes.code", r"\[-(\d+):\]")],
    "mistakes-seen": [
        ("No model can reach 100% on such labels", HAND),
        ("{} confidence?", "mistakes-check.code", r", np\.sum\(wrong > (\S+)\)"),
    ],
    "honest": [
        ("the same {} test reviews", *TEST),
        ("on all {} reviews now", *TRAIN),
    ],
    "honest-why": [
        (
            "loses by about {} point to counted words, and by about {} to words and pairs",
            "all-models",
            r"Transformer +(\S+)\ncounted words +(\S+)\nwords and pairs +(\S+)",
            lambda transformer, words, pairs: (
                100 * (words - transformer),
                100 * (pairs - transformer),
            ),
        ),
        ("more than 88% as a success", TRIAL),
        ("**{} reviews are few.**", *TRAIN),
        ("The Transformer learns {} for each word", *WIDTH),
        ("long reviews to {} tokens", *KEPT),
    ],
    "counts-first": [
        ("in at least {} training reviews", "runs.code", r"min_texts=(\d)\)"),
    ],
    "ratio-seen": [
        ("stands in {} reviews only", "runs.code", r"min_texts=(\d)\)"),
        ("are cut into {} blocks by position", "own-label.code", r"folds=(\d)\)"),
    ],
    "runs-training-prose": [
        ("Nearly {} weights", "runs-model", r"^(\S+) weights"),
        ("for {} reviews!", *TRAIN),
    ],
    "runs-epochs-prose": [("with the last {} words", "runs-epochs.code", r"last = (\d+)")],
    "what-mattered": [
        ("the model gets {} there", RESULTS, r"\| the recipe \| (\S+) ±", lambda x: x / 100),
        ("| words alone, no pairs and triples | -{} |", *change("runs: words alone")),
        ("added, sines times {} | -{} |", RESULTS, POSITIONS),
        (
            "the last {} words instead of {} | -{} |",
            RESULTS,
            r"\| truncation: last (\d+) words instead of (\d+) \|[^|]*\| -([\d.]+) ±",
        ),
        ("every run weighs 1 | -{} |", *change("ratios: none, every run weighs 1")),
        ("right after the vectors | -{} |", *change("depth: no layer, so no attention")),
        ("counted the review itself | -{} |", *change("ratios: the review itself counted, too")),
        ("that all words share | -{} |", *change("no vector that all words share")),
        ("instead of 64 | -{} |", *change("width: 16 instead of 64")),
        ("| pairs, but no triples | -{} |", *change("runs: words and pairs, no triples")),
        ("| two layers instead of one | -{} |", *change("depth: two layers instead of one")),
        ("| no word dropout | -{} |", *change("word dropout: none instead of 0.5")),
        ("no maximum | +{} |", *change("pooling: mean alone", sign="")),
    ],
    "who-won": [
        ("with pairs, gets {} right", *side_by_side("NB-SVM, pairs")),
        ("on runs gets {}, the mean of", *side_by_side("Transformer on weighed runs")),
        (
            "the mean of {} seeds",
            RESULTS,
            r"\| Transformer on weighed runs \|(?:[^|]*\|){2} 0, .*?, (\d+) \|",
            lambda last: last + 1,
        ),
        ("that vote together {}.", *side_by_side("committee of 3")),
        ("it gets {}, in less than", *side_by_side(LOGISTIC)),
        ("their scores added up, get {}.", *side_by_side("committee of 9, with the linear model")),
        ("BERT reached nearly 96%", CITED),
        ("stop near 91%", CITED),
    ],
    "summary": [
        ("classify {} reviews in ten", "all-models", r"ten words +(\S+)", lambda x: 10 * x),
        ("reach nearly {}.", "all-models", r"counted words +(\S+)"),
        ("passes {} here", "test-check", r"above (\S+): True"),
    ],
    "exercises": [("{} numbers for each word", *WIDTH)],
}
