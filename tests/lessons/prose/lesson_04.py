"""Where the numbers in the prose of lesson 04 come from."""

from course.prose.numbers import CITED, EXAMPLE, HAND, LIBRARY, NOTES, TRIAL, YEAR, Table

TRAIN = ("load", r"train=(\S+),")
TEST = ("load", r"test=(\S+)\)")
FITTING = ("validation", r"(\d+) to fit to,")
KEPT = ("encode.code", r"max_len = (\d+)")
WIDTH = ("classifier.code", r"d_model=(\d+),")
TORCHTEXT = ("requirements.txt", r"^torchtext==(\S+)")
HALF = ("helpers/data/reviews.py", r"_PER_CLASS = (\S+)")

RESULTS = "benchmarks/results/README.md"
LOGISTIC = "naive Bayes ratios, logistic regression, triples"
TRUNCATION = r"\| truncation: last (\d+) words instead of (\d+) \|[^|]*\| -([\d.]+) ±"
SEEDS = r"\| Transformer on weighed runs \|(?:[^|]*\|){2} 0, .*?, (\d+) \|"
POSITIONS = r"\| position: sines added, times (\S+) \|[^|]*\| -([\d.]+) ±"
PAIRS = ("word-model + pairs", r"counted words: (\S+)[\s\S]*words and pairs: (\S+)")
ASKED = ("load + neighbours.code", r"train=(\S+),[\s\S]*len\(train_tokens\), (\d+)\)")
TESTED = ("load + leak-models.code", r"test=(\S+)\)[\s\S]*transform\(test\[::(\d+)\]\)")
SPLITS = ("leak-table", r"position .*all words (\S+),.*\nshuffled .*all words (\S+),")
SIZES = ("load + helpers/data/reviews.py", r"train=(\S+),[\s\S]*_PER_CLASS = (\S+)")
LENGTHS = ("encode.code + lengths", r"max_len = (\d+)[\s\S]*median (\d+),")
SHAPES = ("wrong-shape", r"batch_size \((\d+)\) to match target batch_size \((\d+)\)")
NOTICED = ("causal-blind", r"last word: (\d+) of (\d+)")
CHANCE = ("load + test", r"test=(\S+)\)[\s\S]*test part: (\S+)")
RIVALS = ("all-models", r"Transformer +(\S+)\ncounted words +(\S+)\nwords and pairs +(\S+)")


def change(row: str, sign: str = "-") -> tuple[str, str]:
    """Where a row of the ablation says by how many points the accuracy changes."""
    return RESULTS, rf"\| {row} \|[^|]*\| {sign}([\d.]+) ±"


def side_by_side(row: str) -> tuple:
    """Where the table of classifiers has the accuracy of a row."""
    return RESULTS, rf"^\| {row} \| (\d\S+) ", lambda percent: percent / 100


TABLE: Table = {
    "title": [
        ("one takes {} film reviews", "load", r"train=(\S+), test=(\S+)\)", lambda a, b: a + b),
        ("about {} minutes to run", "README.md", r"04_imdb.*\| (\S+) \|$"),
    ],
    "data": [
        ("a paper of 2011", YEAR),
        ("in two halves of {};", *HALF, lambda n: 2 * n),
    ],
    "baselines": [
        ('my Transformer reaches 85%" says nothing', EXAMPLE),
        ("counting exclamation marks reaches 84%", EXAMPLE),
        ("{} reviews to **fit** models to", *FITTING),
        ("and {}, the **validation** part", "validation", r"to fit to, (\d+) to validate"),
        ("cuts each class into {} blocks", "validation.code", r"folds=(\d)\)"),
    ],
    "tfidf-prose": [("and {} reviews of ten", "ten-words", r"ten words: +(\S+)", lambda x: 10 * x)],
    "pair-weights-prose": [("about {} point", *PAIRS, lambda words, pairs: 100 * (pairs - words))],
    "leak": [
        ("take 80% for training; the original notes of this course did too", NOTES),
        ("For {} reviews of the training part", *ASKED, lambda reviews, step: reviews / step),
        ("among all {}, and ask", *TRAIN),
    ],
    "leak-models-prose": [
        ("(for {} test reviews)", *TESTED, lambda reviews, step: reviews / step),
        ("that occur in {} to {} training", "leak-models.code", r"min_df=(\d+), max_df=(\d+)"),
    ],
    "leak-seen": [
        ("gains about {} points", *SPLITS, lambda honest, shuffled: 100 * (shuffled - honest)),
        ("on {} reviews to train on and {} to be tested on", *HALF, lambda n: (2 * n, 2 * n)),
        ("we got 0.888 for the linear model", TRIAL),
        ("it has {} more to learn from", *SIZES, lambda train, n: 2 * n / train - 1),
    ],
    "ids": [("do the commonest {} cover?", "coverage.code", r"sizes = \[\d+, \d+, (\d+),")],
    "vocabulary-picture-prose": [("words cover {} of the text", "coverage", r"1,000: (\S+)$")],
    "vocabulary-check-prose": [("We take {}.", "vocabulary.code", r"max_size=(\S+)\)")],
    "original-error-seen": [
        ("in release 0.10;", LIBRARY),
        ("The installed release, {}, is older", *TORCHTEXT),
        ("and {} looks for", *TORCHTEXT),
    ],
    "two-vocabularies-seen": [("of 1,000 tokens costs sixteen times as much as one of 250.", HAND)],
    "truncation-seen": [
        ("{} tokens the end is better", "truncation-picture", r"'(\d+): True'\]"),
        ("We keep {} tokens", *KEPT),
        ("tokens, {} the length of the median", *LENGTHS, lambda kept, median: kept / median),
    ],
    "buckets-prose": [
        ("nearly every batch of {} contains", "buckets.code", r"start : start \+ (\d+)\]"),
        ("contains a review of {} tokens", *KEPT),
    ],
    "model": [("two reviews of {} tokens", *KEPT)],
    "wrong-shape-seen": [("each of {} positions cannot be compared with {} labels", *SHAPES)],
    "classifier-prose": [
        ("{} position reads the verdict", "causal-blind", r"last word: (\d+) of"),
        ("and {} judge without it", *NOTICED, lambda noticed, positions: positions - noticed),
        ("in each training step, {} words of each", "classifier.code", r"word_dropout=(\S+),"),
        ("is multiplied by {}.", "classifier.code", r"position_scale=(\S+),"),
        ("{} layer, ", "classifier.code", r"num_layers=(\d+),"),
        ("{} dimensions, ", *WIDTH),
        ("{} heads", "classifier.code", r"num_heads=(\d+),"),
    ],
    "classifier-seen": [
        ("word vectors: {} words", "vocabulary.code", r"max_size=(\S+)\)"),
        ("words of {} numbers each", *WIDTH),
    ],
    "training": [
        ("in batches of {}.", "recipe.code", r"batch_size=(\d+)"),
        ("We train for {}.", "recipe.code", r"epochs=(\d+), batch_size"),
        ("it rises from near zero to {} in", "recipe.code", r"max_lr=(\S+),"),
        ("in the first 30% of the training", LIBRARY),
        ("we train on the {} fitting reviews", *FITTING),
    ],
    "develop-prose": [("with {} words hidden", "classifier.code", r"word_dropout=(\S+),")],
    "curves-seen": [("it learns its {} reviews by heart", *FITTING)],
    "final-prose": [("on all {} training reviews", *TRAIN)],
    "test-check-prose": [
        ("With {} test reviews", *TEST),
        ("accuracy by {} a", *CHANCE, lambda n, share: 100 * (share * (1 - share) / n).sqrt()),
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
        ("loses by about {} point", *RIVALS, lambda own, words, pairs: 100 * (words - own)),
        ("and by about {} to words", *RIVALS, lambda own, words, pairs: 100 * (pairs - own)),
        ("more than 88% as a success", TRIAL),
        ("**{} reviews are few.**", *TRAIN),
        ("The Transformer learns {} for each word", *WIDTH),
        ("long reviews to {} tokens", *KEPT),
    ],
    "counts-first": [("in at least {} training reviews", "runs.code", r"min_texts=(\d)\)")],
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
        ("the last {} words instead of {} | -{} |", RESULTS, TRUNCATION),
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
        ("the mean of {} seeds", RESULTS, SEEDS, lambda last: last + 1),
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
