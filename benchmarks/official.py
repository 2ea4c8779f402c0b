"""The classifiers of ``benchmarks.sentiment`` on the official halves of the data.

Scope: trained on the official training half of 25,000 reviews and tested on the official test half.
The first time, 84 MB are downloaded, so this is measured only when it is asked for by name.
"""

from functools import partial

from benchmarks import sentiment

measure = partial(sentiment.measure, source="official")
tell = sentiment.tell
