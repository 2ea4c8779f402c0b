"""The cells whose output is compared with a tolerance, or not at all, by lesson and cell id.

A tag in a notebook is easily added and easily overlooked in its diff. So it counts only together
with its line here: `structure.tags_are_declared` refuses a tag without one, and a line without
its tag.
"""

DECLARED = {
    "AlexNet: the beginning": {
        "loop": "rtol=0.05",
        "race-run": "rtol=0.2",
        "baselines": "rtol=0.02",
        "train": "rtol=0.2",
        "test": "rtol=0.02",
        "switches-run": "rtol=0.05",
        "details": "rtol=0.05",
        "scaled": "rtol=0.1",
        "data": "rtol=0.05",
    },
    "Training on made-up data: what can be learned, and what cannot": {
        "original-log": "rtol=0.001",
        "favourites": "nbval-ignore-output",  # which words two classes prefer, by luck
        "luck": "rtol=0.1",
        "layouts": "nbval-ignore-output",  # the same, for more seeds
    },
    "A translator: English numbers into Chinese": {
        "train": "rtol=0.3",
        "train-picture": "rtol=0.3",
        "warmup": "rtol=0.2",
        "decode": "rtol=0.02",
        "zeros": "rtol=0.02",
        "errors": "nbval-ignore-output",  # which rare numbers the trained model gets wrong
        "cure": "rtol=0.1",
    },
    "Real reviews: baselines first, then a Transformer": {
        "word-model": "rtol=0.01",
        "pairs": "rtol=0.01",
        "leak-table": "rtol=0.01",
        "develop": "rtol=0.1",
        "final": "rtol=0.1",
        "test": "rtol=0.02",
        "price": "rtol=0.2",
        "mistakes": "nbval-ignore-output",  # the reviews that the trained model gets wrong
        "all-models": "rtol=0.02",
        "runs-epochs": "rtol=0.1",
        "runs-test": "rtol=0.02",
    },
    "GANs: learning by playing a game": {
        "scale": "rtol=0.5",
        "collapsed": "rtol=0.5",
        "verdict": "rtol=0.5",
        "classes": "rtol=0.5",
    },
}
