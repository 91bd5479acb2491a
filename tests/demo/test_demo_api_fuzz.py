"""The API against its own description: whatever is sent, no answer is a server error."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install -e '.[browser]'")

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode

_SLOWLY = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_is_a_server_error(app: Any, mode: GenerationMode) -> None:
    """Well-formed and ill-formed requests to every endpoint. (schemathesis's own decorator wants pytest below 9.)"""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        statuses[operation.label] = answers(operation.as_strategy(generation_mode=mode))
    wanted = {200, 404} if mode is GenerationMode.POSITIVE else {422, 405, 404, 400}
    assert len(statuses) == 5
    for label, seen in statuses.items():
        assert seen & wanted, label
        assert max(seen) < 500, label


def answers(requests: Any) -> set[int]:
    """The statuses these requests are answered with; fails at the first server error."""
    seen: set[int] = set()

    @_SLOWLY
    @given(case=requests)
    def send(case: Any) -> None:
        response = case.call()
        case.validate_response(response, checks=[not_a_server_error])
        seen.add(response.status_code)

    send()
    return seen
