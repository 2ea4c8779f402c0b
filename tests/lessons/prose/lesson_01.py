"""Where the numbers in the prose of lesson 01 come from."""

from course.prose.numbers import CITED, EXAMPLE, READING, TRIAL, YEAR, Table

TOTAL = ("params", r"together: (\S+)")
TRAINING = ("digits", r"training (\d+)")
VALIDATION = ("digits", r"validation (\d+)")
TEST = ("digits", r"test (\d+)")
RIGHT = ("test", r"small AlexNet +(\S+)")
SIZES = ("conv-by-hand.code", r"# \((\d), (\d)\)\nkernel .*# \((\d), (\d)\)")
LAST_MAPS = ("flow", r"conv5 .*\npool +MaxPool2d +(\d+) x (\d+) x (\d+)")
CLASSES = ("flow", r"full8 +Linear +(\d+) ")
WORK = ("layouts", r"halves .* (\S+) products\n.*whole .* (\S+) products")
GROWTH = ("depth", r"relu +(\S+)\ntanh +(\S+)")
STEPS = (
    "digits + train.code + learn.code",
    r"training (\d+) [\s\S]*epochs=(\d+)[\s\S]*batch=(\d+)",
)
LEARNED = ("params + cost.code", r"together: (\S+)[\s\S]*products \* (\S+) \*")
DEFICITS = (
    r"as above +accuracy (\S+)[\s\S]*with normalisation +accuracy (\S+)"
    r"[\s\S]*twice the rate +accuracy (\S+)[\s\S]*twice, with normalisation +accuracy (\S+)"
)
SURE = r"both +sure.* (\S+)\nonly shifts +sure.* (\S+)\nonly dropout +sure.* (\S+)"
AMOUNTS = ("data.code", r"amounts = \{(\d+): \d+, (\d+): \d+, (\d+): ")
ALIKE = ("mirror", r"0 to 9: \[" + ", ".join([r"(\S+)"] * 10) + r"\]")
ACCURACIES = ("test", r"neighbours +(\S+)\nsmall AlexNet +(\S+)")

TABLE: Table = {
    "title": [
        ("about 100 minutes to read", READING),
        ("In 2012 a neural network", YEAR),
        ("since the 1990s", YEAR),
        ("a billion connections", CITED),
        ("a cluster of 1,000 machines", CITED),
        ("VGG in 2014, ResNet in 2015", YEAR),
        ("more than a million labelled photographs", CITED),
        ("from the picture to {} classes", *CLASSES),
        ("derive its {} parameters", *TOTAL),
        ("about {} minutes to run", "README.md", r"01_alexnet\.ipynb.*\| (\S+) \|$"),
    ],
    "contest-prose": [
        ("What happened in 2012", YEAR),
        ("about 1.2 million of them to learn from, each showing one of 1000 kinds", CITED),
        ("Krizhevsky, Sutskever and Hinton 2012", YEAR),
        ("quoted {} is not one network", "contest.code", r'more data": (\S+),', lambda x: x / 100),
        (
            "mean prediction of {} (an **ensemble**), {} of which",
            "contest.code",
            r'"(\S+), (\S+) with more data"',
        ),
        ("no more than 0.1 from the test's", CITED),
    ],
    "contest-reading": [("Nearly {} with one network", "contest", r"one AlexNet: (\S+) of")],
    "digits-prose": [
        ("We use {} handwritten digits", "digits", r"images: \((\d+),"),
        ("MNIST, {} of each", "digits", r"images: \((\d+),", lambda n: n / 10),
        ("of each, {} by {} pixels", "digits", r"images: \(\d+, 1, (\d+), (\d+)\)"),
        ("**{} digits away for the end** ({} of each)", *TEST, lambda n: (n, n / 10)),
        ("another {} ({} of each) for **validation**", *VALIDATION, lambda n: (n, n / 10)),
    ],
    "conv-prose": [("picture of {} by {} and a kernel of {} by {}", *SIZES)],
    "conv-steps-prose": [
        ("{} places from top to bottom", *SIZES, lambda rows, _, height, __: rows - height + 1),
        ("in {} from left to right", *SIZES, lambda _, columns, __, width: columns - width + 1),
    ],
    "sharing-prose": [
        ("want {} maps of {} by {}", "sharing.code", r"Linear\(.*, (\d+) \* (\d+) \* (\d+)\)"),
        ("a digit of {} by {}", "sharing.code", r"Linear\((\d+) \* (\d+), "),
    ],
    "rule-prose": [
        ("kernels of {} by {}", "rule.code", r"kernel=(\d+), stride", lambda side: (side, side)),
        ("a stride of {}.", "rule.code", r"kernel=\d+, stride=(\d+)"),
        ("its pictures have 224 pixels a side, and its figure 2 shows 55 places", CITED),
    ],
    "ceil-prose": [
        ("rounded down it gives {}", "rule", r"224 pixels, padding 0: .* (\d+) places"),
        ("must have had {} pixels", "rule", r"^(\d+) pixels, padding 0: 55\.00"),
        (
            "networks pad {} with {} zeros",
            "rule",
            r"padding 0: 55\.00.*\n(\d+) pixels, padding (\d)",
        ),
    ],
    "network-prose": [
        ("| 2 | {} maps", "alexnet.code", r"conv2 = nn\.Conv2d\(96, (\d+), 5"),
        ("| 3 | {} maps", "alexnet.code", r"conv3 = nn\.Conv2d\(256, (\d+), 3"),
        ("| 4 | {} maps", "alexnet.code", r"conv4 = nn\.Conv2d\(384, (\d+), 3"),
        ("| 5 | {} maps", "alexnet.code", r"conv5 = nn\.Conv2d\(384, (\d+), 3"),
        ("| 6 | {} numbers", "alexnet.code", r"full6 = nn\.Linear\(.*, (\d+)\)"),
        ("| 7 | {} numbers", "alexnet.code", r"full7 = nn\.Linear\(4096, (\d+)\)"),
        ("| 8 | {} numbers", *CLASSES),
        ("for each of the {} classes", *CLASSES),
        ("begin with (3, {}, {})", "flow.code", r"\(3, (\d+), (\d+)\)"),
    ],
    "alexnet-equal-prose": [("copying {} numbers", *TOTAL)],
    "towers-prose": [('the paper says "256 kernels of size', CITED)],
    "params-prose": [
        ("end with {} maps of {} by {};", *LAST_MAPS),
        ("in a row that is {} numbers", *LAST_MAPS, lambda maps, y, x: maps * y * x),
    ],
    "layouts-prose": [
        ('The paper says "60 million parameters"', CITED),
        ("our {} agree in round", *TOTAL),
        ("later paper of Krizhevsky's (2014)", YEAR),
        ("gives its count as {}.", "layouts", r"torchvision +(\S+) parameters"),
    ],
    "work-prose": [("more than {} of the work", *WORK, lambda halves, whole: 1 - halves / whole)],
    "neurons-prose": [('out of the eight layers: "650,000"', CITED)],
    "neurons-reading": [
        ("The first one. {} is not", "neurons", r"layer 1: paper (\S+)"),
        ("with {} maps of {} by {}", "flow", r"conv1 .* (\d+) x (\d+) x (\d+) "),
        ("comes close to the {} of the abstract", "neurons", r"together: .*computed (\S+)"),
    ],
    "error-prose": [("take the 224 pixels literally", CITED)],
    "door-prose": [("wanted the {} numbers", "error", r"and (\d+)x")],
    "cost-prose": [
        ("about {} passes over", "cost.code", r"products \* \S+ \* (\d+)$"),
        ("over {} pictures took", "cost.code", r"products \* (\S+) \* \d+$"),
        ("two NVIDIA GTX 580 3GB GPUs", CITED),
        ("A GTX 580 has", CITED),
        ("has {} processors", "cost.code", r"peak = 2 \* (\d+) \* \S+ \* 2 "),
        ("at {} GHz", "cost.code", r"peak = 2 \* \d+ \* (\S+) \* 2 ", lambda hertz: hertz / 10**9),
        ("core that does {} operations a second", "cost.code", r"core: .*operations / (\S+) / day"),
    ],
    "cost-reading": [("About {} of the limit", "cost", r"share of the limit, .*: (\S+)")],
    "neuron-prose": [
        ("its slope is never above {}.", "slopes", r"sigmoid +\['(\S+)',"),
        ("the target {}, the loss", "neuron.code", r"\(output - (\S+)\) \*\* 2"),
        ("the output is within {} of the target", "neuron.code", r"abs\(\) > (\S+):"),
        ("at {}, {}, {}, {}: how", "neuron.code", r"starts = \[(\S+), (\S+), (\S+), (\S+)\]"),
    ],
    "small-prose": [
        ("| 5 | {} numbers", "small", r"full5 +Linear +\((\d+),\)"),
        ("He et al. from 2015", YEAR),
    ],
    "loop-prose": [
        (
            "nearly {} of them",
            "small",
            r"full5 .* (\S+)\n[\s\S]*parameters: (\S+)",
            lambda a, b: a / b,
        ),
        ("With **momentum** {}, as in the paper", "loop.code", r"momentum=(\S+)\)"),
        ("repeats {} of the one before", "loop.code", r"momentum=(\S+)\)"),
    ],
    "race-prose": [
        ("{} as large: the gradients", "forgotten", r"first: (\S+)"),
        ("that reaches {} training error", "race-run.code", r"runs\[name\] <= (\S+)$"),
        (
            "{} training digits, {}",
            "race-function.code",
            r"few\((\d+), seed\)",
            lambda n: (10 * n, n),
        ),
    ],
    "race-run-prose": [("falls to {} mistakes", "race-run.code", r"runs\[name\] <= (\S+)$")],
    "race-reading": [("of {} layers, {} wide", "depth.code", r"layers=(\d+), width=(\d+)\)")],
    "depth-reading": [
        ("within a factor of {}.", *GROWTH, lambda *sizes: max(*sizes, 1 / min(sizes)))
    ],
    "lrn-scale-prose": [("pixels from 0 to 255", CITED)],
    "dropout-prose": [
        ("A network with {} parameters can learn", *TOTAL),
        ("with probability {}, anew", "dropout.code", r"Dropout\((\S+)\)"),
        ("{} ones through dropout", "dropout.code", r"in training:.*ones\((\d+)\)"),
        ("the mean over {}:", "dropout.code", r"in training:.*\n.*ones\((\S+?)\)"),
    ],
    "shifts-prose": [
        ("windows of {} by {}", "windows.code", r"kernel=(\d+)\)", lambda side: (side, side)),
        ("of {} by {},", "windows.code", r"output_size\((\d+),", lambda side: (side, side)),
        ("larger by a factor of 2048", CITED),
    ],
    "shifts-picture-prose": [
        ("224 itself was chosen", CITED),
        ("{} possible ones", "shifts-picture", r"among 1000: (\d+)"),
    ],
    "mirror-reading": [("correlation is {}, for", *ALIKE, lambda *each: max(each))],
    "baseline-prose": [
        ("{} numbers in all", "baselines.code", r"\(5000, (\d+)\)", lambda n: 10 * n + 10)
    ],
    "learn-prose": [
        ("with momentum {}", "learn.code", r"momentum=(\S+), weight_decay"),
        ("**weight decay** {} (", "learn.code", r"weight_decay=(\S+)\)"),
    ],
    "train-prose": [
        ("{} passes over", "train.code", r"epochs=(\d+)"),
        ("the {} training digits", *TRAINING),
        ("after {} and again after {} passes", "train.code", r"milestones=\((\d+), (\d+)\)"),
        ("the rate among 0.01, 0.02 and 0.04 by the validation loss of three seeds", TRIAL),
        ("nearer to {}, as with", "train", r"guessing: (\S+)"),
    ],
    "test-prose": [("by the {} test digits", *TEST)],
    "test-picture-prose": [("of the network: at least {} test digits right", *RIGHT)],
    "mistakes-prose": [("the {} test digits with", "mistakes.code", r"topk\((\d+)")],
    "filters-prose": [
        ("The {} kernels of {} by {}, eight", "filters.code", r"# \((\d+), (\d+), (\d+)\), as"),
        ("the change, {} times enlarged", "filters.code", r"(\d) \* \(learned"),
        ("after 90 passes over 1.2 million photographs", CITED),
        ("after {} steps on digits", *STEPS, lambda digits, epochs, batch: digits / batch * epochs),
    ],
    "switches-prose": [
        ("With {} digits nearly", *TRAINING),
        ("only **{} digits of each class**", "switches-function.code", r"per_class=(\d+), seed=0"),
        ("class** and {} passes", "switches-function.code", r"seed=0, epochs=(\d+)"),
        ("each with **{} seeds**", "switches-function.code", r"seeds=(\d+), "),
    ],
    "maps-reading": [
        ("nearly {} times as much ink", "maps", r"rising (\S+), falling (\S+)", lambda a, b: a / b)
    ],
    "switches-reading": [
        ("stays under {}, too)", "switches-picture", r"below (\S+) with and"),
        ("a probability of {} on average", "switches-run", r"neither +sure of its mistakes (\S+)"),
        ("both of them less than {}.", "switches-run", SURE, lambda *each: max(each)),
        ("about {} parameters for each", *LEARNED, lambda weights, n: weights / n),
    ],
    "details-prose": [
        ("top-5 error by 0.3 percentage points, normalisation by 1.2.", CITED),
        ("with {} validation digits?", *VALIDATION),
        ("One digit more or less is already {} points", *VALIDATION, lambda n: 100 / n),
        ("the same {} seeds", "switches-function.code", r"seeds=(\d+), "),
    ],
    "details-reading": [
        ("falls from {} points to", "details", DEFICITS, lambda a, b, *_: 100 * (a - b)),
        (
            "to little more than {}, no more",
            "details",
            DEFICITS,
            lambda *four: 100 * (four[2] - four[3]),
        ),
        ("To see 0.3 points", CITED),
    ],
    "scaled-prose": [("all pixels by {}", "scaled.code", r"scale=(\d+)")],
    "scaled-reading": [("a standard deviation of 0.01", CITED)],
    "data-prose": [
        ("The contest's 1.2 million pictures", CITED),
        ("the same {} steps", "data.code", r": (\d+) steps of"),
        ("{} seeds each. How", "data.code", r"seeds=(\d+)"),
        ("from {} digits a class over {} to {}?", *AMOUNTS),
    ],
    "data-picture-prose": [("with all {} of each class", *TRAINING, lambda n: n / 10)],
    "data-reading": [("plainest lesson of 2012", YEAR)],
    "summary": [
        ("Its {} parameters can be", *TOTAL),
        ("{} pixels give", "ceil.code", r"\((\d+) - 11\)"),
        ("give {} places only if one rounds up", "ceil", r"convnet2: (\d+)"),
        ("take {}, or pad", "rule", r"^(\d+) pixels, padding 0: 55\.00"),
        ("about {} a billion billion", "cost", r"whole training: (\S+)", lambda n: n / 10**18),
        ("gets at least {} unseen digits right", *RIGHT),
        ("at the scale of 0 to 255", CITED),
        ("less than {} the errors", *ACCURACIES, lambda nearest, ours: (1 - ours) / (1 - nearest)),
    ],
    "exercises": [
        ("over the {} shifts of each digit", "shifts-picture", r"among 1000: (\d+)"),
        ("for 60, 120 and 480 steps", EXAMPLE),
        ("do {} digits a class beat {}?", *AMOUNTS, lambda _, fewer, more: (more, fewer)),
        ("what the paper's does to pixels from 0 to 255", CITED),
        ("a standard deviation of 0.01", CITED),
        ("normal with standard deviation 0.1", CITED),
        ("each of 100 digits an ink", EXAMPLE),
        ("the added colours of 10,000 pictures", EXAMPLE),
        ("along the axes, within 5 %", EXAMPLE),
    ],
}
