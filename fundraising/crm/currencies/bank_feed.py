"""Reading a bank's feed, from the network or from a file."""

import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

TIMEOUT = 30.0
MAX_BYTES = 32 * 1024 * 1024


class Unreachable(Exception):
    """The feed could not be read: no such file, no network, or not what was asked for."""


def read(source: str) -> bytes:
    """The bytes of an ``https://`` URL or of a file.

    Raises ``Unreachable``, also for plain HTTP, on which anybody could set our rates.
    """
    scheme, separator, _ = source.partition("://")
    try:
        if not separator:
            content = Path(source).read_bytes()
        elif scheme.lower() == "https":
            with _opener().open(source, timeout=TIMEOUT) as response:
                content = response.read(MAX_BYTES + 1)
        else:
            raise Unreachable("the feed must be an https URL or a file")
    except (OSError, urllib.error.URLError, HTTPException, ValueError) as error:
        raise Unreachable(f"{source}: {error}") from error
    if len(content) > MAX_BYTES:
        raise Unreachable(f"{source}: more than {MAX_BYTES} bytes")
    return content


def _opener() -> urllib.request.OpenerDirector:
    """One that knows HTTPS only, so that no redirect leads elsewhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener
