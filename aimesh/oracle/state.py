"""Builds the state from the tables, the cluster and the list of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aimesh.agents.observer import Observer
from aimesh.core.mesh_events import ENDS, STARTS, Event
from aimesh.core.telemetry import queue_topic
from aimesh.diagnosing.following import Follower
from aimesh.diagnosing.rates import measured
from aimesh.oracle.waiting import WaitingTasks
from aimesh.records import now
from aimesh.services.cluster import Deployment
from aimesh.settings import Settings
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import RUNNING

MODES = ("auto", "labeled", "all", "telemetry")
# of each queue, and of all of them together
MOST_TASKS, MOST_TASKS_IN_ALL = 25, 500
MOST_QUEUES = 200
MOST_AGENTS = 500
MOST_RUNNING = 300
# what stages ask a model for
ASKING = ("producer", "consumer", "reviewer", "crew")

State = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """What a state is built from, as it is at one time."""

    tables: TelemetryTables
    deployments: Sequence[Deployment]
    models: Sequence[Mapping[str, Any]]
    mode: str
    at: float


class StateBuilder:
    """Builds states.

    Arguments:
        observer: has the mesh's tables.
        follower: has what models used lately.
        settings: of the worker.
    """

    def __init__(self, observer: Observer, follower: Follower, settings: Settings) -> None:
        self._observer = observer
        self._follower = follower
        self._settings = settings
        self._waiting = WaitingTasks()

    def build(self, sources: Sources) -> State:
        """Return the state; what is not known is not in it."""
        chosen = [d for d in sources.deployments if _is_chosen(d, sources.mode)]
        queues = dict(self._queues(sources.tables, sources.at))
        return {
            "id": f"{self._settings.topic_prefix}aimesh",
            "agents": list(self._agents(sources, chosen, queues)),
            "workload": [deployment.workload for deployment in chosen],
            "queues": list(queues.values()),
            "litellm": list(self._models(sources)),
        }

    # -- agents

    def _agents(
        self, sources: Sources, chosen: Iterable[Deployment], queues: Mapping[str, State]
    ) -> Iterator[State]:
        seen: dict[str, State] = {}
        if sources.mode in ("auto", "telemetry"):
            seen = {one["name"].lower(): one for one in self._seen(sources.tables, queues)}
        for deployment in chosen:
            name = deployment.agent.lower()
            yield _of_deployment(deployment, seen.pop(name, None))
        yield from seen.values()

    def _seen(self, tables: TelemetryTables, queues: Mapping[str, State]) -> Iterator[State]:
        stages = {stage["role"]: stage for stage in self._observer.tables.stages()}
        running = _running(tables)
        for role, stage in sorted(stages.items()):
            yield self._of_stage(role, stage, running.get(role, []))
        for agent in islice(
            sorted(tables.agents.agents.values(), key=lambda a: a.key), MOST_AGENTS
        ):
            if agent.key in stages or agent.key == "unknown":
                continue
            tasks = [_waiting(task) for task in queues.get(agent.key, {}).get("tasks", ())]
            yield _agent(agent.name or agent.key, tasks, agent.last_seen)

    def _of_stage(self, role: str, stage: Mapping[str, Any], tasks: list[State]) -> State:
        found = _agent(role, tasks, stage.get("ts") or "")
        found["description"] = f"works on {stage.get('slots')} tasks at once at most"
        found["max_parallel_invocations"] = stage.get("slots") or 0
        if role in ASKING:
            found["models"] = [self._settings.model]
        elif role == "memory":
            found["models"] = [self._settings.embed_model]
        return found

    # -- queues and models

    def _queues(self, tables: TelemetryTables, at: float) -> Iterator[tuple[str, State]]:
        names = sorted(tables.messages.queues)[:MOST_QUEUES]
        most = min(MOST_TASKS, MOST_TASKS_IN_ALL // max(1, len(names)))
        for name in names:
            urgent = islice(tables.messages.queues[name].most_urgent(), most)
            found = {
                "name": queue_topic(name, self._settings.topic_prefix),
                "tasks": [self._waiting.task(tables.messages, number, at) for number in urgent],
                "updated_at": now(),
            }
            yield name, found

    def _models(self, sources: Sources) -> Iterator[State]:
        used = measured(self._follower, sources.at)
        for model in sources.models:
            found = dict(model)
            tokens, calls = used.get(found["model"], (0, 0))
            # what was measured here, where no gateway says what all of its users use
            found.setdefault("tpm", tokens)
            found.setdefault("rpm", calls)
            yield found


def _is_chosen(deployment: Deployment, mode: str) -> bool:
    return mode == "all" or (mode in ("auto", "labeled") and deployment.labeled)


def _agent(name: str, tasks: list[State], seen: str) -> State:
    return {
        "name": name,
        # not known from traffic alone
        "deployment_name": "",
        "models": [],
        "activity": {"active_task_ids": tasks, "updated_at": seen or now()},
    }


def _of_deployment(deployment: Deployment, seen: State | None) -> State:
    found = seen or _agent(deployment.agent, [], "")
    found |= {"name": deployment.agent, "deployment_name": deployment.name}
    if deployment.description:
        found["description"] = deployment.description
    if deployment.models:
        found["models"] = list(deployment.models)
    return found


def _running(tables: TelemetryTables) -> dict[str, list[State]]:
    """Return the tasks of the mesh that stages are at work on, by stage."""
    found: dict[str, list[State]] = {}
    for trace in islice(tables.traces.newest(status=RUNNING), MOST_RUNNING):
        if trace.task_id and trace.open:
            for agent, started in _open(tables.tasks.events(trace)).items():
                tasks = found.setdefault(agent, [])
                tasks.append({"id": trace.task_id, "started_on": started, "status": "running"})
    return found


def _open(events: Iterable[Event]) -> dict[str, str]:
    started: dict[tuple[str, int], str] = {}
    for event in events:
        stage = (event.get("agent", ""), event["attempt"])
        if event["kind"] in STARTS:
            started.setdefault(stage, event["at"])
        elif event["kind"] in ENDS:
            started.pop(stage, None)
    return {agent: at for (agent, _), at in started.items() if agent}


def _waiting(task: State) -> State:
    return {"id": task["id"], "started_on": task["submitted_at"], "status": "waiting"}
