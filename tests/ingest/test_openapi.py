"""The description of the API: frozen, complete, and true as far as generated requests can tell."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi.routing import APIRoute

from feed.store import reporters
from ingest import openapi, reading, routes
from tests.ingest.reporting import Api, problem_of
from tests.waiting import wait_until

FILE = pathlib.Path(__file__).parents[2] / "docs" / "openapi.json"
HIDDEN = {"/healthz", "/readyz", "/metrics", "/v1/openapi.json"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_description_is_the_frozen_one() -> None:
    frozen = json.loads(FILE.read_text(encoding="utf-8"))
    assert openapi.document() == frozen, "python -m ingest.openapi > docs/openapi.json, if it is meant"


def test_description_names_every_route_and_no_other() -> None:
    served = {
        (route.path.replace(":receipt}", "}"), method.lower())
        for route in (*routes.router.routes, *reading.router.routes)
        if isinstance(route, APIRoute) and route.path not in HIDDEN
        for method in route.methods or ()
    }
    assert {(path, method) for path, method, _ in operations(openapi.document())} == served


def test_every_operation_has_examples_and_says_how_it_refuses() -> None:
    document = openapi.document()
    for path, method, operation in operations(document):
        answer = operation["responses"]["200"]["content"]["application/json"]
        assert answer["examples"], (path, method)
        for media in operation.get("requestBody", {}).get("content", {}).values():
            name = media["schema"].get("$ref", "").rpartition("/")[2]
            assert media.get("examples") or document["components"]["schemas"][name]["examples"], (
                path,
                method,
            )
        assert {"400", "401", "403", "405", "500", "503"} <= operation["responses"].keys(), (path, method)
    for status, response in document["components"]["responses"].items():
        for example in response["content"]["application/problem+json"]["examples"].values():
            assert example["value"]["status"] == int(status)


def test_description_is_served(sqlite_api: Api) -> None:
    assert sqlite_api.client.get("/v1/openapi.json").json() == openapi.document()


HOOKS = """
import schemathesis
schemathesis.serializer.alias(["message/rfc822", "multipart/report", "application/x-ndjson"], "text/plain")
"""
# Bytes of any type can stand in a line of a batch, which then fails alone. A mail of any bytes is valid as
# far as a schema can say, and may be no notification. A report that was taken back can still be read, which
# is the point of its receipt.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "409", "415", "422"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
[checks.use_after_free]
enabled = false
[[operations]]
include-path = "/v1/reports:batch"
checks.negative_data_rejection.enabled = false
"""


@pytest.fixture
def served(sqlite_api: Api) -> Iterator[tuple[str, str]]:
    """Serve the API on a socket; gives its address and the key."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        # The client of the fixture has started the application already.
        server = uvicorn.Server(uvicorn.Config(sqlite_api.app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        wait_until(lambda: server.started, seconds=30, words=lambda: "the server does not start")
        with sqlite_api.feed.database.write() as connection:
            key = reporters.new_key(
                connection, sqlite_api.feed.secret, source_id=1, scopes=("report", "read"), author="t", now=0
            )
        yield f"http://127.0.0.1:{bound.getsockname()[1]}", key
        server.should_exit = True
        thread.join()


def test_generated_requests_find_no_lie_in_the_description(
    served: tuple[str, str], tmp_path: pathlib.Path
) -> None:
    url, key = served
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    arguments = ["run", f"{url}/v1/openapi.json", "--header", f"Authorization: Bearer {key}"]
    arguments += ["--max-examples", "20", "--seed", "1", "--no-color"]
    done = subprocess.run(
        [program, "--config-file", tmp_path / "schemathesis.toml", *arguments],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "\n".join(line[:300] for line in done.stdout.splitlines())
    assert done.returncode == 0, said[:8000]
    assert "10 selected / 10 total" in said


@pytest.mark.parametrize(
    "path", ["/v1/check", "/v1/check?address=" + "secret" * 20, "/v1/ranking?limit=secret"]
)
def test_wrong_parameter_is_named_and_not_repeated(sqlite_api: Api, path: str) -> None:
    answer = sqlite_api.client.get(path, headers=sqlite_api.headers())
    assert (answer.status_code, problem_of(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"] in {"/address", "/limit"}
    assert "secret" not in answer.text
