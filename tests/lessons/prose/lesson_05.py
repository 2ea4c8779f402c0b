"""Where the numbers in the prose of lesson 05 come from."""

from itertools import accumulate

from course.prose.numbers import CITED, EXAMPLE, NOTES, YEAR, Table

DIGITS = ("digits", r"learn from: \((\d+), .*held out: \((\d+),")
LEARNED = ("digits", r"learn from: \((\d+),")
SAID = ("by-hand.code", r"real_says .*\[(\S+), (\S+)\].*\n.*\[(\S+), (\S+)\]")
COUNTED = ("ring-players.code", r"randn\((\d+), 2[\s\S]*counts >= (\d+)\)")
ROUNDS = ("ring-train.code", r"in \((\d+), (\d+), (\d+), (\d+)\):")

TABLE: Table = {
    "title": [
        ("In 2014 Ian Goodfellow", YEAR),
        ("about {} minutes to run", "README.md", r"05_gan.*\| (\S+) \|$"),
    ],
    "game-prose": [("the probabilities {} and {}, and two fakes {} and {}.", *SAID)],
    "end-of-game-prose": [("it says 50% to everything", NOTES)],
    "best-prose": [("tries {} values", "best-grid.code", r"arange\(1, (\S+)\) /", lambda n: n - 1)],
    "best-grid-reading": [
        ("standard deviation {}. A little", "train-critic.code", r"Normal\(-1\.0, (\S+)\)"),
        ("draws {} fresh points", "train-critic.code", r"randn\((\d+), 1"),
    ],
    "train-critic-reading": [("trained critic on {} fresh points", "jsd.code", r"randn\((\S+), 1")],
    "jsd-reading": [("standard deviation {};", "jsd-distance.code", r"still = .*\(0\.0, (\S+)\)")],
    "circle-prose": [("and {} steps, does", "circle.code", r"steps=(\d+)\)")],
    "penalty-prose": [("again, {} steps from", "circle-picture.code", r"steps=(\d+)\)")],
    "ring-prose": [
        ("Here are {} real points", "ring-real.code", r"cluster_batch\((\d+),"),
        ("a radius of {} standard deviations", "ring-real.code", r"radius=(\d+) \*"),
    ],
    "ring-players-prose": [
        ("draws {} fresh fakes", "ring-players.code", r"randn\((\d+), 2"),
        ("get at least {} of them", *COUNTED, lambda points, counted: counted / points),
    ],
    "ring-train-prose": [
        ("{}, {}, {} and {} rounds", *ROUNDS, lambda *more: tuple(accumulate(more)))
    ],
    "ring-reading": [("gets **{}** steps for", "collapse.code", r"generator_steps=(\d+)\)")],
    "collapse-picture-prose": [("any of the {} looks", "collapse.code", r"range\((\d+)\)")],
    "collapse-reading": [("after {} rounds?", "cure.code", r"play_rounds\(greedy, (\d+)\)")],
    "digits-prose": [
        ("the {} MNIST digits", *DIGITS, lambda learned, held: learned + held),
        ("{} are held out, {} of each class", *DIGITS, lambda _, held: (held, held / 10)),
        ("{} to one class;", "collapsed.code", r"amax\(dim=1\) > ([\d.]+)\)"),
    ],
    "judge-prose": [
        ("{} passes with small", "judge.code", r"epochs=(\d+)"),
        ("we ask for at least {} held-out digits", "judge", r"at least (.+) held-out .*: True"),
    ],
    "scale-prose": [
        ("$3^2 + 1^2 = {}$", "frechet", r"^(\S+)\nof a sample"),
        ("always {} pictures against the {} held-out digits", *DIGITS),
        ("the {} *real* digits", *LEARNED),
        ("**noise**: {} pictures", "scale.code", r"rand\((\d+), 1"),
    ],
    "collapsed-prose": [("from 50,000 pictures", CITED)],
    "players-prose": [
        ("turns {} random numbers", "players", r"noise: \(2, (\d+)\)"),
        ("into {} by {} pixels", "players", r"after Unflatten: \(2, \d+, (\d+), (\d+)\)"),
        ("pixels of {} channels", "players", r"after Unflatten: \(2, (\d+), "),
    ],
    "recipe-prose": [
        ("With {} digits it would", *LEARNED),
        ("the same {} noises", "train.code", r"same_noise = torch\.randn\((\d+),"),
    ],
    "album-prose": [("whether step 1,000 was better than step 3,000", EXAMPLE)],
    "grid-prose": [("digits it was about {})", "collapsed", r"all real digits: confident (\S+),")],
    "verdict-prose": [
        ("these {} made digits", "grid.code", r"randn\((\d+), 16"),
        ("A training of {} steps", "train", r"steps: (\d+)"),
    ],
    "verdict-reading": [
        ("from about {} to about {} the", "verdict", r"floor (\S+), noise (\S+)\)"),
        ("about {} of its pictures", "verdict", r"^confident (\S+)", lambda share: 1 - share),
        ("hardly {}. Look", "verdict", r"real digits (\S+)\)", lambda share: 1 - share),
    ],
    "classes-prose": [("A fair share is {}.", "classes.code", r'"equal shares": (\S+)\}')],
    "own-collapse-prose": [
        ("{} of the usual width", "own-collapse.code", r"average, (\S+) \*"),
        ("all {} pictures", "own-collapse.code", r"randn\((\d+), 16"),
    ],
    "copy-prose": [
        ("each of {} made digits", "copy.code", r"nearest\(made\[:(\d+)\]\)"),
        ("nearest of the {} training digits", *LEARNED),
        ("serve {} *held-out* digits", "copy.code", r"generator=data\)\[:(\d+)\]"),
    ],
    "exercises": [
        ("says 0.7 to everything", EXAMPLE),
        ("in the first 200 rounds", EXAMPLE),
    ],
}
