"""The Transformer: attention, the layers around it, whole models and classifiers."""

from helpers.transformer.attention import *
from helpers.transformer.classifiers import *
from helpers.transformer.layers import *
from helpers.transformer.models import *
