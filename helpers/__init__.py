"""The tested code of the course: one topic a module, imports downward only.

A module imports from this package only what stands lower in its own topic, or the base::

    base         checks < seeding, progress
    transformer  attention < layers < transformer
    figures      canvas < plotting, diagrams
    data         text, archive < datasets
    training     weights < training
"""
