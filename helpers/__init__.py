"""The tested code of the course: one topic a module, imports downward only.

A module imports from this package only what stands lower in its own topic, or the base::

    base         checks < seeding, progress, modes
    transformer  attention < layers < transformer, classifiers
    figures      canvas < plotting, heatmaps, pictures, diagrams
    data         text, archive < packaged, ngrams < datasets, digits
    training     weights < training
    alexnet      alexnet
    gan          gan, gan_metrics
    loan         loan
"""
