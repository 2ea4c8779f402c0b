"""Where the numbers in the prose of lesson 02 come from."""

from course.prose.numbers import CITED, EXAMPLE, HAND, READING, YEAR, Table

VOCABULARY = ("base.code", r"base_table = (\S+) \* 512")
STATED = ("table-three.code", r"\(6, 512, 2048, (\d+)\)")
DEPTH = ("gradient.code", r"depth=(\d+)\)")
HEADS = ("base-code.code", r"d_model=(\d+), num_heads=(\d+),")
WEIGHTS = ("weights-by-hand", r"'cat': (\S+), 'mat': (\S+), 'it': (\S+)\}")
DRAWN = ("saturation-measure.code", r"randn\((\d+), 1, d_k\), torch\.randn\(\d+, (\d+), d_k\)")
SATURATED = ("saturation-run", r"512 +plain \S+ (\S+) +divided \S+ (\S+)")
MOVED = (
    "encoding-picture.code + rotation-check.code",
    r"encoding\((\d+), [\s\S]*M = rotation\((\d+)",
)
MISSING = ("base + table-three.code", r"together (\S+) million[\s\S]*\(6, 512, 2048, (\d+)\)")
ROWS = ("table-three", r"[\s\S]*?rows (\d+) thousand" * 9)

TABLE: Table = {
    "title": [
        ("about 100 minutes to read", READING),
        ("less than {} a minute to run", "README.md", r"02_transformer.*\| (\S+) \|$"),
    ],
    "setup-prose": [("agree to {} decimals", "all-outputs.code", r"item\(\) < 1e-(\d+)")],
    "why": [
        ("Until 2017 two kinds", YEAR),
        ("Word 100 cannot be computed before word 99", EXAMPLE),
        ("Cho and Bengio, 2014", YEAR),
        ("In 2017 Vaswani", YEAR),
        ("a score from 0 to 100", CITED),
        ("English to German | 26.03 | 26.36 | **28.4** |", CITED),
        ("English to French | 40.56 | 41.29 | **41.8** |", CITED),
        ("trained for 3.5 days on 8 graphics processors", CITED),
        ("trained for 12 hours and reached 27.3 and 38.1", CITED),
        ("in the decoder | {} |", "base-code.code", r"num_layers=(\d+)\)"),
        ("describe one token inside the model | {} |", "base-code.code", r"d_model=(\d+),"),
        ("width inside the feed-forward network | {} |", "base-code.code", r"d_hidden=(\d+),"),
        ("attention heads | {} |", "base-code.code", r"num_heads=(\d+),"),
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
    "heads-cost-seen": [
        ("1 head reached 24.9 BLEU", CITED),
        ("8 and 16 heads 25.8, and 32 heads, each very narrow, 25.4", CITED),
    ],
    "encoding-picture-prose": [("its first {}", "encoding-picture.code", r"table\[:(\d+)\],$")],
    "rotation-prose": [("little more than {} positions", "encoding-picture", r"repeats: \[(\S+),")],
    "rotation-check-prose": [
        ("the slow one by {}.", "rotation", r"0\.0000, +1\.0000, +(\S+)\]"),
        ("moves all {} positions", *MOVED, lambda positions, shift: positions - shift),
    ],
    "distance-picture-prose": [
        ("around position {}:", "distance-picture.code", r"dots\[(\d+), 50:")
    ],
    "embedding-seen": [("25.7 instead of 25.8 BLEU", CITED)],
    "stack-prose": [
        ("{} encoder layers", *DEPTH),
        ("of width {} with {} heads", "gradient.code", r"EncoderLayer\((\d+), (\d+), "),
        ("Xiong and others in 2020", YEAR),
    ],
    "gradient-seen": [
        ("by more than {} powers of ten", "gradient-run", r"neither +1e-(\d+) "),
        ("it explodes, by more than {}:", "gradient-run", r"residual only +\S+ +(\S+)$"),
    ],
    "collapse-seen": [
        ("to {} decimals. Attention", "collapse.code", r"share < 1e-(\d+) "),
        ("proved in 2021", YEAR),
    ],
    "whole-shapes-prose": [
        ("({} source tokens, {} target tokens)", "architecture.code", r"\((\d+), (\d+), d_model="),
        ("width {}, {} heads", "architecture.code", r"d_model=(\d+), num_heads=(\d+), "),
        ("heads, {} layers", "architecture.code", r"num_layers=(\d+)\)"),
    ],
    "views-prose": [("agree to {} decimals", "all-outputs.code", r"item\(\) < 1e-(\d+)")],
    "base-prose": [
        ("states {} parameters", *STATED, lambda size: size * 10**6),
        ("*about* {} tokens", *VOCABULARY),
    ],
    "base-code-prose": [("Close, but not {}.", *STATED)],
    "table-three-prose": [
        ("the missing {}?", *MISSING, lambda counted, stated: (stated - counted) * 10**6),
        ("the vocabulary has {} tokens", *VOCABULARY),
        ("is worth about 1,000 rows either way", HAND),
    ],
    "table-three-seen": [
        ("agree with each other on about {}", *ROWS, lambda *rows: 1000 * sum(rows[:8]) / 8),
        ("the last (the big model) on {}.", *ROWS, lambda *rows: 1000 * rows[8]),
        ('more rows than "about {}"', *VOCABULARY),
    ],
    "cost": [("so even {} tokens cost us nothing", "cost-measured.code", r"1024, (\S+)\):")],
    "table-one-prose": [
        ("From little more than {}", "doubling", r"to 64 tokens: (\S+) times"),
        ("to nearly {}.", "doubling", r"to 65536 tokens: (\S+) times"),
    ],
    "paths-seen": [("reaches all {} in one step", "paths", r"attention +(\d+) of")],
    "halves": [
        ("(Devlin and others, 2018)", YEAR),
        ("(Radford and others, 2018)", YEAR),
    ],
    "bert-size-prose": [
        ("BERT base has {} layers", "bert-size.code", r"bert = (\d+) \*"),
        ("a vocabulary of {} tokens", "bert-size.code", r"\((\S+) \+ \d+ \+ \d+\) \* d"),
        ("for {} positions and for {} segments", "bert-size.code", r"\+ (\d+) \+ (\d+)\) \* d"),
        ("The authors state {} parameters", "bert-size", r"of the stated (.+): True"),
    ],
    "applications": [("Whisper, 2022", YEAR)],
    "summary": [("comes through {} layers", *DEPTH)],
    "exercises": [
        ("GPT (2018)", YEAR),
        ("about 40,500 tokens, 512 learned positions", CITED),
        ("usually given as 117 million", CITED),
        ("of both for 100 tokens", EXAMPLE),
    ],
}
