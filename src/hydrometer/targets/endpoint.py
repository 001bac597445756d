"""Asks an OpenAI-compatible HTTP endpoint."""

from __future__ import annotations

import asyncio
import email.utils
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from hydrometer.errors import InputError, printable
from hydrometer.records.exchange import Capabilities, Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets.bodies import body_of, error_text, read_reply
from hydrometer.targets.secrets import Redactor, find_key, is_loopback, is_near

if TYPE_CHECKING:
    import aiohttp

# By hand, 2026-11-25: the longest answers are some megabytes.
LARGEST_BODY = 64 * 1024 * 1024
LOOPBACK_ONLY = "HYDROMETER_LOOPBACK_ONLY"
"""Environment variable: where set, no other machine is asked. The tests set it, so that none can cost money."""
# By hand, 2026-11-25: whoever asks for more has used up a day's quota; the run should say so instead of sleeping.
_LONGEST_WAIT = 3600.0
_SECRET_WORDS = ("key", "token", "secret", "auth", "password", "cookie", "sig")
_ONCE_MORE = {400, 401, 403, 404, 409, 422}
"""Refusals that are final when said twice: a gateway that is starting up says them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """How to reach an endpoint.

    Attributes:
        completions: ask `/completions` (text goes on) instead of `/chat/completions`.
        key_variable: environment variable with the key; `OPENAI_API_KEY` where absent.
        keyring: `SERVICE/USER` in the system's keyring, instead.
        headers: extra headers; a value `env:NAME` is read from the environment.
        timeout: seconds for one whole request.
    """

    completions: bool = False
    key_variable: str | None = None
    keyring: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0


class Endpoint:
    """An OpenAI-compatible endpoint."""

    def __init__(self, url: str, *, model: str, options: EndpointOptions | None = None) -> None:
        """Checks the address and finds the key; sends nothing.

        Args:
            url: base address, as `http://localhost:8000/v1`.
            model: the model to ask for.
            options: how to reach it.

        Raises:
            InputError: if the address or the key cannot be used. Neither is quoted where it may hold a secret.
        """
        self._options = options or EndpointOptions()
        self._model = model
        self._base, self._query, host = _checked_url(url)
        key = find_key(host, variable=self._options.key_variable, keyring=self._options.keyring)
        if key is not None and self._base.startswith("http:") and not is_near(host):
            raise InputError("the key would travel unencrypted", cure="use https://", where=host)
        self._headers, secrets = _headers(self._options.headers, key)
        self._redactor = Redactor(secrets)
        path = "completions" if self._options.completions else "chat/completions"
        self._address = f"{self._base}/{path}" + (f"?{self._query}" if self._query else "")
        self._host = host
        self._trust_env = not is_loopback(host)
        self._session: aiohttp.ClientSession | None = None
        self._limit_field = "max_tokens"
        self._send_seed = True

    @property
    def model(self) -> str:
        """The name of the model, as asked for."""
        return self._model

    @property
    def identity(self) -> Mapping[str, str]:
        """Kind, address and model."""
        kind = "completions" if self._options.completions else "chat"
        return MappingProxyType({"kind": kind, "address": self._address, "model": self._model})

    @property
    def capabilities(self) -> Capabilities:
        """No limit of its own; billed unless on this machine."""
        return Capabilities(billed=not is_loopback(urlsplit(self._base).hostname or ""))

    async def ask(self, request: Request) -> Reply:
        """Sends one request.

        Raises:
            Fault: if no usable answer came back.
        """
        import aiohttp

        if self._session is None:
            self._session = self._open()
        body = json.dumps(self._body(request), separators=(",", ":")).encode()
        try:
            # Redirects are not followed: the key would go wherever the answer points.
            async with self._session.post(self._address, data=body, allow_redirects=False) as response:
                raw = self._redactor.bytes(await _read(response))
                status, headers = response.status, response.headers
        except Fault:
            raise
        except TimeoutError:
            raise Fault(f"no answer in {self._options.timeout:g} s", retry=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._broken_off(error) from None
        if status != 200:
            raise self._refusal(status, headers, raw)
        return self._read_reply(raw)

    def _read_reply(self, raw: bytes) -> Reply:
        try:
            return read_reply(raw, chat=not self._options.completions)
        except Fault as fault:
            fault.http_status = 200
            raise

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            # The transports of TLS connections close in the loop's next turns.
            await asyncio.sleep(0)
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            # No limit here: the throttle counts. 300 s of DNS by hand: an address seldom moves within a run.
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(total=self._options.timeout, sock_connect=min(30.0, self._options.timeout)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            trust_env=self._trust_env,
        )

    def _body(self, request: Request) -> dict[str, Any]:
        body = body_of(request, model=self._model, chat=not self._options.completions)
        body[self._limit_field] = body.pop("max_tokens")
        if not self._send_seed:
            body.pop("seed", None)
        return body

    def _refusal(self, status: int, headers: Mapping[str, str], raw: bytes) -> Fault:
        """Returns what a status other than 200 means."""
        said = error_text(raw)
        if 300 <= status < 400:
            said, retry = (
                "the endpoint points elsewhere; give the address it moved to (redirects are not followed)",
                False,
            )
        # OpenAI's newer models refuse `max_tokens`, some servers refuse `seed`: they say so in words, and in nothing
        # else.
        elif status in {400, 422} and self._adapts(said):
            said, retry = f"{said} (the request is adapted)", True
        else:
            retry = status in _ONCE_MORE or status in {408, 425, 429} or status >= 500
        return Fault(
            f"HTTP {status}: {said}",
            retry=retry,
            status=ResponseStatus.FAILED,
            retry_after=retry_after(headers.get("Retry-After")),
            http_status=status,
            raw=raw,
            # 529: Anthropic's "overloaded".
            throttled=status in {429, 503, 529},
        )

    def _adapts(self, said: str) -> bool:
        """Changes the spelling of a request where the endpoint says which it wants; returns whether it did."""
        if "max_completion_tokens" in said and self._limit_field == "max_tokens":
            self._limit_field = "max_completion_tokens"
            return True
        if "seed" in said and self._send_seed:
            self._send_seed = False
            return True
        return False

    def _broken_off(self, error: Exception) -> Fault:
        """Returns what an exception of the HTTP library means."""
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectorError):
            return Fault(f"cannot connect to {self._host}", retry=True, unreachable=True)
        if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
            return Fault("the connection was closed before the answer", retry=True)
        if isinstance(error, aiohttp.ClientPayloadError):
            return Fault("the body was cut short", retry=True, status=ResponseStatus.INVALID)
        if isinstance(error, aiohttp.ClientResponseError):
            said = printable(self._redactor.text(error.message).partition(":")[0], limit=80)
            return Fault(f"broken HTTP ({said})", retry=True, status=ResponseStatus.INVALID)
        said = printable(self._redactor.text(str(error)), limit=120)
        return Fault(f"{type(error).__name__}: {said}" if said else type(error).__name__, retry=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Returns the body, and reads no more than the largest that is accepted."""
    if (response.content_length or 0) <= LARGEST_BODY:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > LARGEST_BODY:
                break
        else:
            return bytes(content)
    response.close()
    raise Fault(
        f"the body is larger than {LARGEST_BODY:,} bytes",
        retry=False,
        status=ResponseStatus.INVALID,
        http_status=response.status,
    )


def retry_after(value: str | None) -> float | None:
    """Returns the seconds that a Retry-After header asks for: a number or a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT) if math.isfinite(seconds) else None


def _checked_url(url: str) -> tuple[str, str, str]:
    """Returns base address, query and host."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InputError("no usable address", cure="give http(s)://HOST[:PORT]/v1", where="the endpoint") from None
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable():
        raise InputError("no usable address", cure="give http(s)://HOST[:PORT]/v1", where="the endpoint")
    if parts.username is not None or parts.password is not None:
        # The address goes into the store and on the screen, so nothing secret may be in it; it is not shown here.
        raise InputError(
            "the address holds a user name or password",
            cure="put the key into an environment variable and name it with --key-env",
            where=host,
        )
    for name, _value in parse_qsl(parts.query, keep_blank_values=True):
        if any(word in name.lower() for word in _SECRET_WORDS):
            raise InputError(
                f"the address holds a secret ('{printable(name, limit=40)}')",
                cure="send it as a header: --header 'NAME: env:VARIABLE'",
                where=host,
            )
    if os.environ.get(LOOPBACK_ONLY) and not is_loopback(host):
        raise InputError(f"{LOOPBACK_ONLY} is set", cure="unset it to ask other machines", where=host)
    base = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
    for ending in ("/chat/completions", "/completions"):
        base = base.removesuffix(ending)
    return base, parts.query, host


def _headers(extra: Mapping[str, str], key: str | None) -> tuple[dict[str, str], list[str]]:
    """Returns the headers to send, and the secrets among them."""
    # Identity: a small compressed body could unpack to any size before `_read` counts it.
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    secrets = []
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
        secrets.append(key)
    for name, given in extra.items():
        value = os.environ.get(given.removeprefix("env:"), "") if given.startswith("env:") else given
        if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise InputError("no usable name of a header", cure="write 'NAME: VALUE'", where="--header")
        if not value or not value.isprintable() or not value.isascii():
            raise InputError(
                "the value is empty or holds characters that no header has",
                cure="write 'NAME: VALUE' or 'NAME: env:VARIABLE'",
                where=f"--header {name}",
            )
        headers[name] = value
        if given.startswith("env:") or any(word in name.lower() for word in _SECRET_WORDS):
            secrets += [value, value.rpartition(" ")[2]]
    return headers, secrets
