"""The OpenAI-compatible endpoint as a target: what is sent, what comes back, and where a key may go."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from hydrometer.errors import InputError
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets import Fault, Request, Target
from hydrometer.targets.endpoint import Endpoint, EndpointOptions

CANARY = "sk-canary-5f2e9c1d7a"


class Server:
    """A loopback endpoint that answers as a script says."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        body = await request.json()
        self.bodies.append(body)
        step = self.script.pop(0) if self.script else None
        if callable(step):
            return step(request)
        text = f"echo {body['messages'][-1]['content']}"
        return web.json_response(
            {"model": body["model"], "choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
        )


def ask_endpoint(server: Server, requests: list[Request], **options: Any) -> list[Any]:
    def opened(address: str) -> Target:
        return Endpoint(address, model="m", options=EndpointOptions(**options))

    return ask_through(opened, server, requests)


def ask_through(opened: Callable[[str], Target], server: Server, requests: list[Request]) -> list[Any]:
    async def work() -> list[Any]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", server.handle)
        app.router.add_post("/v1/completions", server.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        target = opened(f"http://127.0.0.1:{port}/v1")
        try:
            return await asyncio.gather(*(target.ask(r) for r in requests), return_exceptions=True)
        finally:
            await target.close()
            await runner.cleanup()

    return asyncio.run(work())


def test_an_echoed_key_is_redacted_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    server = Server()

    def echo(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": f"bad key {request.headers['Authorization']}"}}, status=401)

    server.script = [echo, lambda r: web.Response(text=f"<b>{CANARY}</b>")]
    found = [*ask_endpoint(server, [Request(prompt="x")] * 2, key_variable="MY_KEY")]
    assert all(isinstance(f, Fault) for f in found)
    assert server.headers[0]["Authorization"] == f"Bearer {CANARY}"
    for fault in found:
        assert CANARY not in repr(fault) + fault.reason + str(fault.raw)


def test_a_redirect_is_not_followed_and_a_large_body_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hydrometer.targets.endpoint.LARGEST_BODY", 1000)
    server = Server()
    server.script = [
        lambda r: web.Response(status=307, headers={"Location": "http://127.0.0.1:1/steal"}),
        lambda r: web.Response(body=b"x" * 2000),
    ]
    first, second = ask_endpoint(server, [Request(prompt="x"), Request(prompt="y")])
    assert {first.http_status, second.http_status} == {307, 200}
    assert any("redirects are not followed" in f.reason for f in (first, second))
    assert any("larger than" in f.reason for f in (first, second))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://127.0.0.1/v1", "no usable address"),
        (f"http://user:{CANARY}@127.0.0.1/v1", "user name or password"),
        (f"http://127.0.0.1/v1?api_key={CANARY}", "holds a secret"),
        ("https://api.example.com/v1", "HYDROMETER_LOOPBACK_ONLY"),
    ],
)
def test_addresses_that_are_refused(url: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        Endpoint(url, model="m")
    assert CANARY not in str(error.value)


FULL = Request(prompt="Why?", system="Be brief.", max_tokens=7, temperature=0.5, top_p=0.9, seed=3, top_logprobs=2)


def test_a_chat_request_carries_everything_and_brings_log_probabilities() -> None:
    server = Server()
    content = [{"token": "So", "logprob": -0.5}, {"token": ".", "logprob": -1.0}]
    choice = {"message": {"content": "So."}, "finish_reason": "length", "logprobs": {"content": content}}
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    server.script = [lambda _: web.json_response({"model": "m-2", "choices": [choice], "usage": usage})]
    (reply,) = ask_endpoint(server, [FULL], headers={"X-Team": "audit"})
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
            "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "logprobs": True, "top_logprobs": 2,
        }
    ]  # fmt: skip
    assert server.headers[0]["X-Team"] == "audit"
    assert "Authorization" not in server.headers[0]
    assert (reply.status, reply.text, reply.model) == (ResponseStatus.TRUNCATED, "So.", "m-2")
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 2)
    assert reply.logprobs == (("So", -0.5), (".", -1.0))


def test_completions_go_on_with_the_prompt() -> None:
    server = Server()
    probabilities = {"tokens": [" so"], "token_logprobs": [-0.25]}
    choice = {"text": " so", "finish_reason": "stop", "logprobs": probabilities}
    server.script = [lambda _: web.json_response({"model": "m", "choices": [choice]})]
    (reply,) = ask_endpoint(server, [FULL], completions=True)
    assert server.bodies[0]["prompt"] == "Be brief.\n\nWhy?"
    assert server.bodies[0]["logprobs"] == 2
    assert (reply.text, reply.logprobs) == (" so", ((" so", -0.25),))


def test_a_request_is_spelled_as_the_provider_wants_it() -> None:
    server = Server()

    def wants(word: str) -> Any:
        return lambda _: web.json_response({"error": {"message": f"unsupported: {word}"}}, status=400)

    server.script = [wants("use max_completion_tokens"), wants("seed")]
    first, second = ask_endpoint(server, [FULL, FULL])
    assert all(isinstance(fault, Fault) and fault.retry for fault in (first, second))
    assert "adapted" in first.reason


@pytest.mark.parametrize(
    ("given", "seconds"), [("3", 3.0), ("-1", 0.0), ("nonsense", None), ("1e999", None), ("99999999", 3600.0)]
)
def test_waiting_as_long_as_the_provider_asks(given: str, seconds: float | None) -> None:
    server = Server()
    server.script = [lambda _: web.json_response({}, status=429, headers={"Retry-After": given})]
    (fault,) = ask_endpoint(server, [FULL])
    assert (fault.retry_after, fault.throttled, fault.retry) == (seconds, True, True)


def test_a_key_from_the_keyring_is_sent_and_kept_out_of_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ring = SimpleNamespace(get_password=lambda service, user: asked.append((service, user)) or CANARY)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    server = Server()
    server.script = [lambda r: web.Response(text=r.headers["Authorization"], status=500)]
    (fault,) = ask_endpoint(server, [FULL], keyring="provider/me")
    assert asked == [("provider", "me")]
    assert server.headers[0]["Authorization"] == f"Bearer {CANARY}"
    assert CANARY not in fault.reason + str(fault.raw)
    ring.get_password = lambda service, user: None
    with pytest.raises(InputError, match="no such entry"):
        Endpoint("http://127.0.0.1:1/v1", model="m", options=EndpointOptions(keyring="provider/me"))


def test_a_header_from_the_environment_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", CANARY)
    server = Server()
    server.script = [lambda r: web.json_response({"error": r.headers["X-Api-Key"]}, status=400)]
    (fault,) = ask_endpoint(server, [FULL], headers={"X-Api-Key": "env:TEAM_KEY"})
    assert server.headers[0]["X-Api-Key"] == CANARY
    assert CANARY not in fault.reason + str(fault.raw)
    monkeypatch.delenv("TEAM_KEY")
    with pytest.raises(InputError, match="--header X-Api-Key"):
        Endpoint("http://127.0.0.1:1/v1", model="m", options=EndpointOptions(headers={"X-Api-Key": "env:TEAM_KEY"}))


@pytest.mark.skipif(importlib.util.find_spec("inspect_ai") is None, reason="needs the [inspect] extra")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # Inspect's and the openai SDK's
def test_through_inspect_every_attempt_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    from hydrometer.targets.inspect_target import open_inspect

    monkeypatch.setenv("MOCK_API_KEY", CANARY)

    def opened(address: str) -> Target:
        monkeypatch.setenv("MOCK_BASE_URL", address)
        return open_inspect("openai-api/mock/m", model="m")

    said = f"half \\ud83d and {CANARY}"
    body = f'{{"model": "m", "choices": [{{"index": 0, "message": {{"role": "assistant", "content": "{said}"}}, '
    body += '"finish_reason": "stop"}]}'
    server = Server()
    server.script = [
        lambda r: web.json_response({"error": {"message": "slow"}}, status=429, headers={"Retry-After": "7"}),
        lambda r: web.Response(text=body, content_type="application/json"),
    ]
    limited, answer = (ask_through(opened, server, [Request(prompt="x")])[0] for _ in range(2))
    # The SDK by itself would have tried again, unseen.
    assert len(server.bodies) == 2
    assert (limited.http_status, limited.throttled, limited.retry_after) == (429, True, 7.0)
    assert answer.text == "half \ud83d and [key]"
    assert CANARY.encode() not in answer.raw
