"""Attention and the Transformer beside ``torch.nn``."""
