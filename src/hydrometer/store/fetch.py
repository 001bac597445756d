"""Fetches public files over https: never more than expected, and whole or not at all."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request

from hydrometer.errors import InputError, printable

# Both by hand, 2026-11-25.
_SECONDS = 60
_TRIES = 3


def fetch_bytes(url: str, *, limit: int) -> bytes:
    """Returns the body behind an address; tries again where the server or the connection failed.

    Raises:
        OSError, ValueError, http.client.HTTPException: if it could not be fetched, or is larger than `limit` bytes.
    """
    for last in (False,) * (_TRIES - 1) + (True,):
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "hydrometer"})  # noqa: S310 - fixed addresses
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310 - fixed addresses
                content: bytes = response.read(limit + 1)
                length = response.headers.get("Content-Length")
            if len(content) > limit:
                raise ValueError(f"larger than {limit:,} bytes")
            if length is not None and length.isdigit() and int(length) != len(content):
                raise OSError("the connection broke off")
            return content
        except urllib.error.HTTPError as error:
            error.close()
            # 4xx says that it will never be there; 5xx is the server's trouble and may pass.
            if last or error.code < 500:
                raise
        except (OSError, http.client.HTTPException):
            if last:
                raise
    raise AssertionError("unreachable")


def fetch(url: str, *, limit: int) -> bytes:
    """Returns the body behind an address.

    Raises:
        InputError: if it could not be fetched.
    """
    try:
        return fetch_bytes(url, limit=limit)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError(
            f"could not be fetched ({printable(error, limit=80)})", cure="check the network and try again", where=url
        ) from None
