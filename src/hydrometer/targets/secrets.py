"""Keys: where they are found, where they may be sent, and how they are kept out of everything that is written."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from hydrometer.errors import InputError

DEFAULT_KEY_VARIABLE = "OPENAI_API_KEY"
_REPLACEMENT = "[key]"
# By hand, 2026-11-25: shorter ones (`EMPTY`, `none`) would be cut out of answers, which must stay as they arrived.
_SHORTEST_SECRET = 8


class Redactor:
    """Replaces secrets, in the spellings in which a provider or a library may echo them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Stores the spellings, longest first.

        Args:
            secrets: keys; those of fewer than 8 characters (`EMPTY`, `none`) are no secrets and are let through.
        """
        spellings: set[str] = set()
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                plain = secret.encode()
                # How servers echo what they were sent: in an address, in JSON, in base64.
                spellings |= {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
                spellings |= {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}
        self._texts = sorted(spellings, key=len, reverse=True)
        self._bytes = [text.encode() for text in self._texts]

    def text(self, text: str) -> str:
        """Returns the text without secrets."""
        for secret in self._texts:
            text = text.replace(secret, _REPLACEMENT)
        return text

    def bytes(self, content: bytes) -> bytes:
        """Returns the bytes without secrets."""
        for secret in self._bytes:
            if secret in content:
                content = content.replace(secret, _REPLACEMENT.encode())
        return content


def find_key(host: str, *, variable: str | None = None, keyring: str | None = None) -> str | None:
    """Returns the key to send to a host, or None where none is set.

    A key that was not named on purpose goes only to whom it belongs: `OPENAI_API_KEY` is not handed to strangers.

    Args:
        host: of the endpoint.
        variable: environment variable that the user named; `OPENAI_API_KEY` where absent.
        keyring: `SERVICE/USER` in the system's keyring, instead of a variable.

    Raises:
        InputError: if a named key is not there or cannot be sent. The key itself is never quoted.
    """
    if keyring is not None:
        return _checked(_from_keyring(keyring), where="--keyring")
    value = os.environ.get(variable or DEFAULT_KEY_VARIABLE, "").strip()
    if variable is not None and not value:
        raise InputError(
            f"the environment variable {variable} is empty or not set",
            cure=f"export {variable}=... in the shell that starts hydrometer",
            where="--key-env",
        )
    # A key named on purpose goes anywhere; the one that merely lies in the environment goes home or nowhere.
    if not value or (variable is None and not (host.endswith(".openai.com") or is_near(host))):
        return None
    return _checked(value, where=variable or DEFAULT_KEY_VARIABLE)


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """Returns whether a host is this machine or one of a private network."""
    if is_loopback(host) or "." not in host.strip("[]").replace(":", "."):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return host.endswith((".local", ".internal", ".lan"))


def _checked(value: str, *, where: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InputError(
            "the key holds characters that no key has", cure="copy the key again, without quotes or spaces", where=where
        )
    return value


def _from_keyring(name: str) -> str:
    try:
        import keyring
    except ImportError:
        raise InputError(
            "the package keyring is not installed", cure="pip install 'hydrometer[keyring]'", where="--keyring"
        ) from None
    service, _, user = name.partition("/")
    value = keyring.get_password(service, user or "default")
    if not value:
        raise InputError(
            "the keyring holds no such entry", cure="store it with: keyring set SERVICE USER", where="--keyring"
        )
    return str(value).strip()
