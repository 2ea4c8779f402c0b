"""The guard lets this machine talk to itself and to nobody else."""

import os
import socket
import sys
import urllib.error
import urllib.request

import pytest

from course.checking import no_network
from course.checking.no_network import NetworkError, is_local
from course.places import ROOT
from helpers.data import DataError, load_imdb
from tests.children import finished

# 192.0.2.0/24 and 2001:db8::/32 are reserved for documentation (RFC 5737, RFC 3849).
ELSEWHERE = "192.0.2.1"


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.8.9.1", "::1", b"::1"])
def test_this_machine_is_local(host):
    assert is_local(host)


@pytest.mark.parametrize("host", [ELSEWHERE, "2001:db8::1", "localhost.example.org", "0.0.0.0"])
def test_everything_else_is_not(host):
    assert not is_local(host)


def over_ipv6():
    with socket.socket(socket.AF_INET6) as six:
        six.connect(("2001:db8::1", 9))


def a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", (ELSEWHERE, 9))


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda: socket.getaddrinfo("example.org", 443), id="look_up"),
        pytest.param(lambda: socket.gethostbyname("example.org"), id="look_up_as_of_old"),
        pytest.param(lambda: socket.create_connection((ELSEWHERE, 9), timeout=1), id="connect"),
        over_ipv6,
        a_datagram,
    ],
)
def test_another_machine_is_out_of_reach(attempt, capsys):
    refusal = r"to (example\.org|192\.0\.2\.1|2001:db8::1): tests and"
    with pytest.raises(NetworkError, match=refusal):
        attempt()
    assert len(no_network.attempts) == 1
    no_network.attempts.clear()
    assert "refused" in capsys.readouterr().err


def test_a_swallowed_attempt_is_remembered(capsys):
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://example.org", timeout=1)
    assert no_network.attempts == ["socket.getaddrinfo to example.org"]
    no_network.attempts.clear()


def test_a_helper_that_opens_a_connection_is_seen(tmp_path, capsys):
    with pytest.raises(DataError):
        load_imdb(source="official", data_dir=tmp_path)
    assert no_network.attempts[0] == "socket.getaddrinfo to ai.stanford.edu"
    no_network.attempts.clear()


@pytest.mark.parametrize("spelling", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_on_this_machine_is_no_way_out(spelling):
    """With a proxy, a request would lead to an address of this machine, and pass unseen."""
    code = """
import urllib.request
import requests
from course.checking import no_network
no_network.forbid_network()
for ask in (urllib.request.urlopen, requests.get):
    try:
        ask("http://example.org")
    except OSError:
        pass
print(no_network.attempts)"""
    proxies = {spelling: "http://127.0.0.1:9", "no_proxy": "localhost"}
    env = os.environ | proxies
    done = finished([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
    assert done.stdout == f"{['socket.getaddrinfo to example.org'] * 2}\n"
