"""The classifiers of ``contest`` on the official halves of the data.

Scope: trained on the official training half of 25,000 reviews and tested on the official test half.
The first time, 84 MB are downloaded, so this is measured only when it is asked for by name.
"""

from functools import partial

from benchmarks.sentiment import contest

measure = partial(contest.measure, source="official")
tell = contest.tell
