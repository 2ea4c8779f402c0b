"""Where the numbers in the prose of lesson 02a come from."""

from course.prose.numbers import CITED, EXAMPLE, READING, YEAR, Table

BASE = "02b_transformer_theory_model:base-code.code"
HEADS = (BASE, r"d_model=(\d+), num_heads=(\d+),")
WEIGHTS = ("weights-by-hand", r"'cat': (\S+), 'mat': (\S+), 'it': (\S+)\}")
DRAWN = ("saturation-measure.code", r"randn\((\d+), 1, d_k\), torch\.randn\(\d+, (\d+), d_k\)")
SATURATED = ("saturation-run", r"512 +plain \S+ (\S+) +divided \S+ (\S+)")
MOVED = (
    "encoding-picture.code + rotation-check.code",
    r"max_len=(\d+)\)[\s\S]*M = rotation\((\d+)",
)

TABLE: Table = {
    "title": [
        ("about 90 minutes to read", READING),
        ("less than {} a minute to run", "README.md", r"02a_transformer.*\| (\S+) \|$"),
    ],
    "setup-prose": [("agree to {} decimals", "all-outputs.code", r"item\(\) < 1e-(\d+)")],
    "why": [
        ("Until 2017 two kinds", YEAR),
        ("Word 100 cannot be computed before word 99", EXAMPLE),
        ("Cho and Bengio, 2014", YEAR),
        ("In 2017 Vaswani", YEAR),
        ("the WMT workshop set as a translation contest in 2014", YEAR),
        ("a score from 0 to 100", CITED),
        ("English to German | 26.03 | 26.36 | **28.4** |", CITED),
        ("English to French | 40.56 | 41.29 | **41.8** |", CITED),
        ("section 6.1 says 41.0, as did", CITED),
        ("With 41.0 the", CITED),
        ("trained for 3.5 days on 8 graphics processors", CITED),
        ("trained for 12 hours and reached 27.3 and 38.1", CITED),
        ("in the decoder | {} |", BASE, r"num_layers=(\d+)\)"),
        ("describe one token inside the model | {} |", BASE, r"d_model=(\d+),"),
        ("width inside the feed-forward network | {} |", BASE, r"d_hidden=(\d+),"),
        ("attention heads | {} |", BASE, r"num_heads=(\d+),"),
        ("key and value in one head | {} |", *HEADS, lambda width, heads: width / heads),
    ],
    "weights-by-hand-prose": [(r"{}$ for *cat*, ${}$ for *mat* and ${}$ for *it*", *WEIGHTS)],
    "output-by-hand-prose": [("= ({}, {}) $$", "output-by-hand", r"\[(\S+), (\S+)\]")],
    "longer-query-seen": [("alike: {} each", "longer-query", r"^0 \[(\S+),")],
    "why-scale": [("the cell draws {} pairs", "variance.code", r"randn\(2, (\S+), d_k\)")],
    "saturation-prose": [("by a factor of 10, 100 or more?", EXAMPLE)],
    "saturation-measure-prose": [("draws {} queries with {} keys each", *DRAWN)],
    "saturation-seen": [("is less than {}.", *SATURATED, lambda plain, divided: plain / divided)],
    "four-times": [
        ("{} queries, ", "attention-loop.code", r"randn\((\d), \d\), torch\.randn\(7, 3\)"),
        (
            "{} keys, $d_k = {}$",
            "attention-loop.code",
            r"randn\((\d), (\d)\), torch\.randn\(7, \d\)$",
        ),
        ("values of width {}.", "attention-loop.code", r"3\), torch\.randn\(7, (\d)\)$"),
    ],
    "max-len-prose": [("{} is the notes' choice", "positions.code", r"max_len=(\d+)\)")],
    "encoding-picture-prose": [("its first {}", "encoding-picture.code", r"table\[:(\d+)\],$")],
    "rotation-prose": [("little more than {} positions", "encoding-picture", r"repeats: \[(\S+),")],
    "rotation-check-prose": [
        ("the slow one by {}.", "rotation", r"0\.0000, +1\.0000, +(\S+)\]"),
        ("moves all {} positions", *MOVED, lambda positions, shift: positions - shift),
    ],
    "distance-picture-prose": [
        ("around position {}:", "distance-picture.code", r"dots\[(\d+), 50:")
    ],
    "order-seen-prose": [
        ("to about {} within five", "distance-picture", r"at distance 5: (\S+),"),
        ("rises again by up to {},", "distance-picture", r"later rises: up to (\S+)$"),
    ],
    "embedding-seen": [("25.7 instead of 25.8 BLEU", CITED)],
}
