"""Classifiers of IMDb reviews: ours, the linear ones, and what others publish."""
