"""What runs, checks and publishes the lessons; ``python -m course`` calls it.

``checking`` compares notebooks with their stored outputs, as a pytest plugin that is installed with
the project; ``rules`` say what a stored notebook must keep; ``prose`` holds the numbers in texts to
those that the lessons compute. Nothing here imports ``helpers``.
"""
