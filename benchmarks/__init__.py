"""Side-by-side measurements: the course's code beside what a reader would pick instead.

Each module measures one subject and knows how to tell of it: ``measure(quick)`` returns plain
numbers that fit into a JSON file, and ``tell(results, folder)`` turns such numbers into Markdown,
and into pictures in ``folder``. ``python -m benchmarks`` (``make bench``) runs them. A benchmark
reports; no test depends on what it finds.
"""
