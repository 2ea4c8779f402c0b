"""Figures: arrays in, ``Axes`` out, every word an argument, and no pyplot."""

from helpers.figures.canvas import *
from helpers.figures.diagrams import *
from helpers.figures.heatmaps import *
from helpers.figures.pictures import *
from helpers.figures.plotting import *
