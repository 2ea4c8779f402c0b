"""Where the numbers in the prose of lesson 02b come from."""

from course.prose.numbers import CITED, EXAMPLE, HAND, READING, YEAR, Table

VOCABULARY = ("base.code", r"base_table = (\S+) \* 512")
STATED = ("table-three.code", r"\(6, 512, 2048, (\d+)\)")
DEPTH = ("gradient.code", r"depth=(\d+)\)")
MISSING = ("base + table-three.code", r"together (\S+) million[\s\S]*\(6, 512, 2048, (\d+)\)")
ROWS = ("table-three", r"[\s\S]*?rows (\d+) thousand" * 9)
BOTH = ("gradient-run", r"post-norm .* (\S+) to +\S+ *\npre-norm .* (\S+) *$")
PRE_NORM = ("collapse", r"^pre-norm .* (\S+) to \S+ differs$")
POST_NORM = ("collapse", r"^post-norm .* to (\S+) differs$")
STORED = ("fused-cost", r"T 100 +class (\S+) .*missing (\S+)$")

TABLE: Table = {
    "title": [
        ("about 65 minutes to read", READING),
        ("less than {} a minute to run", "README.md", r"02b_transformer.*\| (\S+) \|$"),
    ],
    "setup-prose": [("agree to {} decimals", "tools.code", r"item\(\) < 1e-(\d+)")],
    "stack-prose": [
        ("{} encoder layers", *DEPTH),
        ("of width {} with {} heads", "gradient.code", r"EncoderLayer\((\d+), (\d+), "),
        ("Xiong and others in 2020", YEAR),
    ],
    "gradient-run-prose": [
        ("within a factor of {} of its", "gradient-picture", r"within a factor of (\d+):")
    ],
    "gradient-seen": [
        ("by more than {} powers of ten", "gradient-run", r"neither +\S+ to +1e-(\d+) "),
        ("and by about {} with the larger", "gradient-run", r"^neither .* to +1e-(\d+) *$"),
        ("arrives {} to {} times as", "gradient-run", r"^residual only +(\S+) to +(\S+) "),
        ("within a factor of {} of", *BOTH, lambda low, high: max(1 / low, high)),
        ("in every seed by more than {}:", "gradient-run", r"residual only .* (\S+) to +\S+ *$"),
    ],
    "collapse-seen": [
        ("to {} decimals, for either", "collapse.code", r"\(shares\) < 1e-(\d+),"),
        ("proved in 2021", YEAR),
        ("at most {} with the residual", "collapse", r"^residual only .* to (\S+) differs$"),
        ("at most {} with post-norm", *POST_NORM),
        ("at least {} with pre-norm", *PRE_NORM),
    ],
    "whole-shapes-prose": [
        ("({} source tokens, {} target tokens)", "whole-shapes.code", r"\((\d+), (\d+), d_model="),
        ("width {}, {} heads", "whole-shapes.code", r"d_model=(\d+), num_heads=(\d+), "),
        ("heads, {} layers", "whole-shapes.code", r"num_layers=(\d+)\)"),
    ],
    "views-prose": [("agree to {} decimals", "tools.code", r"item\(\) < 1e-(\d+)")],
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
    "heads-cost-seen": [
        ("1 head reached 24.9 BLEU", CITED),
        ("8 and 16 heads 25.8, and 32 heads, each very narrow, 25.4", CITED),
    ],
    "doubling-prose": [
        ("from {} to {} tokens", "doubling", r"^from (\d+) to (\d+) tokens: 2\.50 times$")
    ],
    "table-one-prose": [
        ("at 64 and at {} tokens", "table-one.code", r"in \(16, 64, (\d+)\):"),
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
        ("a vocabulary of {} tokens", "bert-size.code", r"\((\S+) \+ \d+ \+ \d+\) \* bert_d"),
        (
            "for {} positions and for {} segments",
            "bert-size.code",
            r"\+ (\d+) \+ (\d+)\) \* bert_d",
        ),
        ("The authors state {} parameters", "bert-size", r"of the stated (.+)$"),
    ],
    "applications": [("Whisper, 2022", YEAR)],
    "summary": [
        ("comes through {} layers", *DEPTH),
        ("at most {} of their size", *POST_NORM),
        ("at least {} with pre-norm.", *PRE_NORM),
    ],
    "exercises": [
        ("GPT (2018)", YEAR),
        ("about 40,500 tokens, 512 learned positions", CITED),
        ("usually given as 117 million", CITED),
        ("of both for 100 tokens at width", EXAMPLE),
        ("One pass takes {}.", "fused-cost", r"T 100 +class (\S+) "),
        # of what belongs to pairs of tokens, (T + 1) / 2T is not in the future
        ("you should find {}.", *STORED, lambda whole, pairs: whole - pairs * 99 / 200),
    ],
}
