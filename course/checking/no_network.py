"""A guard against connections that nobody asked for: tests and lessons run without a network.

`forbid_network` makes this process refuse to look up or to connect to any other machine. Addresses
of this machine (loopback) and Unix sockets stay open: tests serve files to themselves. A proxy on
this machine would pass for such an address, so no proxy is used, here and in what is started here.
"""

import ipaddress
import os
import sys
from typing import Any

EVENTS = (
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
)

attempts: list[str] = []  # what was refused, also where the caller swallowed the error


class NetworkError(PermissionError):
    """A connection to another machine was refused."""


def host_of(event: str, arguments: tuple) -> Any:
    """Return the host that a `socket` audit event is about; None for a Unix socket."""
    if event.startswith("socket.get"):
        return arguments[0]
    address = arguments[1]
    return address[0] if isinstance(address, tuple) else None


def is_local(host: str | bytes | int | None) -> bool:
    """Tell whether a host is this machine (None stands for it)."""
    text = host.decode() if isinstance(host, bytes) else host
    if text is None or text in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _refuse(event: str, arguments: tuple) -> None:
    if event in EVENTS and not is_local(host := host_of(event, arguments)):
        attempts.append(f"{event} to {host}")
        print(f"{event} to {host}: refused", file=sys.stderr)
        raise NetworkError(f"{event} to {host}: tests and lessons run without a network")


def forbid_network() -> None:
    """Refuse connections to other machines, until the process ends."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ["no_proxy"] = "*"  # nor one of the system's settings
    sys.addaudithook(_refuse)
