"""The door to Kubernetes: deployments, their pods, and what these really use."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimesh.core.moments import moment_in, rfc3339
from aimesh.records import now

logger = logging.getLogger(__name__)

LABEL = "oracle-monitor/agent=true"
ANNOTATION = "oracle-monitor/"
IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT = 5.0
PHASES = ("Running", "Pending", "Failed", "Succeeded")
_POWERS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
           "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18,
           "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1}  # fmt: skip


@dataclass(frozen=True)
class Deployment:
    """A deployment: how it is called in the state, what it says of itself, and its workload."""

    name: str
    agent: str
    labeled: bool
    description: str = ""
    models: tuple[str, ...] = ()
    workload: dict[str, Any] = field(default_factory=dict)


class Cluster:
    """Reads the deployments of a namespace.

    Where no cluster is configured, as inside of a pod or by KUBECONFIG, there are none.

    Arguments:
        namespace: empty for the pod's own, or ``default``.
    """

    def __init__(self, namespace: str = "") -> None:
        self._namespace = namespace or _own_namespace()
        self._failed = ""

    @property
    def is_configured(self) -> bool:
        """Whether there is anything that says where a cluster is."""
        return (IN_CLUSTER / "token").exists() or bool(os.environ.get("KUBECONFIG"))

    async def deployments(self) -> list[Deployment]:
        """Return all deployments that do not ask to be left out; none without a cluster."""
        if not self.is_configured:
            return []
        try:
            return await self._read()
        except Exception as exc:  # noqa: BLE001 - the client raises whatever its transport does
            if str(exc) != self._failed:
                self._failed = str(exc)
                logger.warning("the cluster does not answer: %s", str(exc)[:300])
            return []

    async def _read(self) -> list[Deployment]:
        try:
            from kubernetes_asyncio import client, config
        except ImportError:
            logger.warning("there is a cluster: to see it, install aimesh[k8s]")
            return []
        configuration = client.Configuration()
        if (IN_CLUSTER / "token").exists():
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await config.load_kube_config(
                os.environ["KUBECONFIG"], client_configuration=configuration
            )
        async with client.ApiClient(configuration) as api:
            options: dict[str, Any] = {"_request_timeout": TIMEOUT, "_preload_content": False}
            apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
            found = await _json(await apps.list_namespaced_deployment(self._namespace, **options))
            pods = await _json(await core.list_namespaced_pod(self._namespace, **options))
            used = await self._metrics(client.CustomObjectsApi(api))
        return [
            _deployment(one, pods.get("items") or [], used)
            for one in found.get("items") or []
            if _annotation(one, "exclude").lower() != "true"
        ]

    async def _metrics(self, api: Any) -> dict[str, tuple[float, float]]:
        """Return what pods use, in millicores and MB, where the metrics API is there."""
        try:
            found = await api.list_namespaced_custom_object(
                "metrics.k8s.io", "v1beta1", self._namespace, "pods", _request_timeout=TIMEOUT
            )
        except Exception as exc:  # noqa: BLE001 - many clusters have no metrics server
            logger.debug("the metrics API does not answer: %s", exc)
            return {}
        used = {}
        for item in found.get("items") or []:
            usages = [c.get("usage") or {} for c in item.get("containers") or []]
            cpu = sum(quantity(usage.get("cpu")) for usage in usages) * 1000
            memory = sum(quantity(usage.get("memory")) for usage in usages) / 2**20
            used[item["metadata"]["name"]] = (round(cpu, 3), round(memory, 3))
        return used


async def _json(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = await response.json()
    return body


def quantity(text: Any) -> float:
    """Return what a quantity of Kubernetes stands for, such as ``250m``, ``1.5Gi`` or ``2e3``."""
    text = str(text or "0").strip()
    number = text.rstrip("KMGTPEinumk") if not text[-1:].isdigit() else text
    try:
        return float(number) * _POWERS[text[len(number) :]]
    except (ValueError, KeyError):
        return 0.0


def _deployment(
    one: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], used: Mapping[str, Any]
) -> Deployment:
    meta = one["metadata"]
    labels = meta.get("labels") or {}
    key, _, value = LABEL.partition("=")
    own = [pod for pod in pods if _belongs(pod, one)]
    models = _annotation(one, "models")
    return Deployment(
        name=meta["name"],
        agent=_annotation(one, "name") or meta["name"],
        labeled=labels.get(key) == value,
        description=_annotation(one, "description"),
        models=tuple(name.strip() for name in models.split(",") if name.strip()),
        workload=_workload(one, own, used),
    )


def _annotation(one: Mapping[str, Any], name: str) -> str:
    found = (one["metadata"].get("annotations") or {}).get(ANNOTATION + name)
    return str(found) if found else ""


def _belongs(pod: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    wanted = ((one.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    labels = pod["metadata"].get("labels") or {}
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _workload(
    one: Mapping[str, Any], pods: list[Mapping[str, Any]], used: Mapping[str, Any]
) -> dict[str, Any]:
    spec, status = one.get("spec") or {}, one.get("status") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    live: dict[str, Any] = {
        "active_pods": status.get("readyReplicas") or 0,
        "updated_at": now(),
    }
    if containers and containers[0].get("image"):
        live["image"] = containers[0]["image"]
    if rolled := _rolled_out(status):
        live["rolled_out_at"] = rolled
    found: dict[str, Any] = {
        "deployment_name": one["metadata"]["name"],
        "max_pods": spec.get("replicas") or 0,
        "live": live,
        "pods": [shown for pod in pods if (shown := _pod(pod, used))],
    }
    limits = [(c.get("resources") or {}).get("limits") or {} for c in containers]
    # a pod has a limit only where all of its containers have one
    if limits and all("memory" in limit for limit in limits):
        found["pod_max_ram"] = round(sum(quantity(v["memory"]) for v in limits) / 2**20, 3)
    if limits and all("cpu" in limit for limit in limits):
        found["pod_max_cpu"] = round(sum(quantity(v["cpu"]) for v in limits) * 1000, 3)
    return found


def _pod(pod: Mapping[str, Any], used: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a pod; one that runs and is not measured is left out, for nothing is made up."""
    name, phase = pod["metadata"]["name"], (pod.get("status") or {}).get("phase")
    status = phase if phase in PHASES else "Unknown"
    if name not in used and status == "Running":
        return None
    cpu, memory = used.get(name, (0.0, 0.0))
    return {"pod_id": name, "cpu": cpu, "memory": memory, "status": status, "updated_at": now()}


def _rolled_out(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("lastUpdateTime"):
            return rfc3339(moment_in(condition["lastUpdateTime"]))
    return ""


def _own_namespace() -> str:
    try:
        return (IN_CLUSTER / "namespace").read_text().strip() or "default"
    except OSError:
        return "default"
