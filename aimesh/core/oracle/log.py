"""The state in short lines, and what changed from one state to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

State = Mapping[str, Any]
# what names a thing in each list, and what of it changes too often to be told
KEYS = {"agents": "name", "workload": "deployment_name", "queues": "name", "litellm": "model"}
VOLATILE = frozenset({"updated_at", "waiting_since_mins"})
WORDS = {"agents": "agent", "workload": "deployment", "queues": "queue", "litellm": "model"}


def lines(state: State) -> dict[str, str]:
    """Return each thing of a state as a line, by a name that stays the same."""
    found: dict[str, str] = {}
    for part, key in KEYS.items():
        for one in state[part]:
            found[f"{WORDS[part]} {one[key]}"] = _TELL[part](one)
    return found


def whole(told: Mapping[str, str]) -> str:
    """Return a state's lines as text."""
    return "".join(f"{name}: {text}\n" for name, text in told.items())


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return what changed between the lines of two states.

    ``+`` came, ``-`` went, ``~`` is otherwise; empty where nothing did.
    """
    found = [f"+ {name}: {after[name]}" for name in after if name not in before]
    found += [f"- {name}" for name in before if name not in after]
    found += [
        f"~ {name}: {before[name]} -> {after[name]}"
        for name in after
        if name in before and before[name] != after[name]
    ]
    return "".join(f"{line}\n" for line in found)


def steady(value: Any) -> Any:
    """Return a state without what changes by itself: times at which it was looked at."""
    # most parts are neither, and a call for each of them is most of the work
    if isinstance(value, dict):
        return {
            key: steady(part) if isinstance(part, dict | list) else part
            for key, part in value.items()
            if key not in VOLATILE
        }
    if isinstance(value, list):
        return [steady(part) if isinstance(part, dict | list) else part for part in value]
    return value


def _agent(one: State) -> str:
    tasks = one["activity"]["active_task_ids"]
    running = [task["id"] for task in tasks if task["status"] == "running"]
    waiting = sum(1 for task in tasks if task["status"] == "waiting")
    text = f"{len(running)} running, {waiting} waiting"
    return f"{text} ({', '.join(running[:3])})" if running else text


def _workload(one: State) -> str:
    pods = ", ".join(_counted(pod["status"] for pod in one["pods"]))
    image = f", {one['live']['image']}" if one["live"].get("image") else ""
    return f"{one['live']['active_pods']} of {one['max_pods']} pods [{pods}]{image}"


def _counted(words: Iterator[str]) -> list[str]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return [f"{number} {word}" for word, number in sorted(found.items())]


def _queue(one: State) -> str:
    tasks = one["tasks"]
    levels = ", ".join(_counted(task["priority"]["level"] for task in tasks))
    return f"{len(tasks)} tasks" + (f" [{levels}]" if levels else "")


def _model(one: State) -> str:
    parts = []
    for what, unit in (("tpm", "tokens"), ("rpm", "requests")):
        if what in one:
            limit = f" of {one[f'{what}_max']}" if one[f"{what}_max"] else ""
            parts.append(f"{one[what]}{limit} {unit} a minute")
    return ", ".join([one["provider"], *parts])


_TELL = {"agents": _agent, "workload": _workload, "queues": _queue, "litellm": _model}
