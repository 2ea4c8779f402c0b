"""A small classifier in float64: what the tests of training and of weights on disk work with."""

import torch
from torch import nn

ROWS, FEATURES, HIDDEN, CLASSES, LENGTH = 11, 5, 13, 3, 7  # distinct primes


def make_model(dropout=0.0, seed=2):
    torch.manual_seed(seed)
    layers = nn.Linear(FEATURES, HIDDEN), nn.Tanh(), nn.Dropout(dropout), nn.Linear(HIDDEN, CLASSES)
    return nn.Sequential(*layers).double()


def assert_same_weights(model, weights, atol=0):
    torch.testing.assert_close(dict(model.state_dict()), dict(weights), rtol=0, atol=atol)
