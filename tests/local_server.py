"""A server on this machine that runs while a test does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer

PATIENCE = 20  # seconds for it to end


@contextmanager
def serving(server: HTTPServer) -> Iterator[HTTPServer]:
    """Run a server in a thread. What its ``go_on``, an event, holds back is let go in the end."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join(PATIENCE)
