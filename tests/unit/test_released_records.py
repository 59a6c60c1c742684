"""A newer worker reads what older ones wrote.

``tests/data/records`` has a folder for each release with a sample of every record as that release
wrote it. A released sample is never changed; a release adds a folder.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import faust
import pytest

from aimesh import codec, records
from aimesh.core.telemetry import AgentMessage, DetailedError
from aimesh.stage.job import Job
from aimesh.version import __version__

SAMPLES = sorted((Path(__file__).parents[1] / "data/records").rglob("*.json"))
KINDS: dict[str, type[faust.Record]] = {
    name: kind
    for name, kind in inspect.getmembers(records, inspect.isclass)
    if issubclass(kind, faust.Record)
}
TELEMETRY: dict[str, type[AgentMessage] | type[DetailedError]] = {
    "AgentMessage": AgentMessage,
    "DetailedError": DetailedError,
}


def read_back(name: str, text: str) -> dict[str, Any]:
    """Read a record as a worker does, and return what it has of it."""
    if name == "Job":
        return Job.restored(json.loads(text)).stored()
    if name in TELEMETRY:
        return TELEMETRY[name].read(json.loads(text)).stored()
    record = codec.read(KINDS[name], text.encode())
    assert not isinstance(record, codec.Undecodable), record.reason
    plain: dict[str, Any] = codec.loads(codec.dumps(record))
    return plain


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_released_record_is_read_whole(sample: Path) -> None:
    text = sample.read_text()
    written, found = json.loads(text), read_back(sample.stem, text)
    assert {name: found.get(name) for name in written} == written


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_fields_of_a_newer_release_do_no_harm(sample: Path) -> None:
    newer = json.loads(sample.read_text()) | {"of_a_later_release": {"any": ["thing"]}}
    assert read_back(sample.stem, json.dumps(newer)) == read_back(sample.stem, sample.read_text())


def test_every_record_has_a_sample_of_this_release() -> None:
    names = {path.stem for path in SAMPLES if path.parent.name == __version__}
    assert names == {*KINDS, *TELEMETRY, "Job"}
