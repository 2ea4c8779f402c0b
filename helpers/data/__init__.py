"""Data: files whole or not at all, synthetic tasks, numerals, reviews, text, and digits."""

from helpers.data.digits import *
from helpers.data.ngrams import *
from helpers.data.numerals import *
from helpers.data.reviews import *
from helpers.data.sources import *
from helpers.data.synthetic import *
from helpers.data.text import *
