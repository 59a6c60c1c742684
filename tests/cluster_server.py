"""A server that answers as the Kubernetes API documents it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.serving import ANY_PATH, serving

NAMESPACE = "agents"


def deployment(name: str, **more: Any) -> dict[str, Any]:
    """A deployment with one container."""
    labels = more.pop("labels", {"oracle-monitor/agent": "true"})
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels,
                     "annotations": more.pop("annotations", {})},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
                {"name": "main", "image": f"registry/{name}:1.2",
                 "resources": more.pop("resources", {"limits": {"cpu": "500m", "memory": "1Gi"}})}
            ]}},
        },
        "status": {"replicas": 3, "readyReplicas": 2, "conditions": [
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
             "lastUpdateTime": "2026-11-20T08:00:00Z"}]},
    }  # fmt: skip


def pod(name: str, app: str, phase: str = "Running") -> dict[str, Any]:
    """A pod of a deployment."""
    return {"metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": app}},
            "status": {"phase": phase}}  # fmt: skip


def usage(name: str, cpu: str, memory: str) -> dict[str, Any]:
    """What a pod uses, as the metrics API tells it."""
    return {"metadata": {"name": name, "namespace": NAMESPACE}, "timestamp": "2026-11-20T08:00:00Z",
            "window": "15s", "containers": [{"name": "main",
                                             "usage": {"cpu": cpu, "memory": memory}}]}  # fmt: skip


class ClusterServer:
    """What the cluster has. ``broken`` names resources that answer with an error."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.broken: set[str] = set()
        self.deployments = [deployment("writer")]
        self.pods = [pod("writer-1", "writer"), pod("writer-2", "writer", "Pending")]
        self.usage = [usage("writer-1", "125432891n", "204800Ki")]

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        what = request.path.rsplit("/", 1)[-1]
        of_metrics = request.path.startswith("/apis/metrics.k8s.io/v1beta1/")
        if what in self.broken or (of_metrics and "metrics" in self.broken):
            status = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403}
            return web.json_response(status, status=403)
        if of_metrics:
            items: list[Any] = self.usage
        else:
            items = self.deployments if what == "deployments" else self.pods
        return web.json_response({"kind": "List", "apiVersion": "v1", "items": items})

    def kubeconfig(self, folder: Path) -> Path:
        """Write a file that leads to this cluster."""
        path = folder / "kubeconfig"
        cluster = {"name": "test", "cluster": {"server": self.url}}
        context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
        user = {"name": "test", "user": {"token": "none"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user],
                  "contexts": [context], "current-context": "test"}  # fmt: skip
        path.write_text(json.dumps(config))
        return path


@asynccontextmanager
async def cluster_server() -> AsyncIterator[ClusterServer]:
    """Serve on the loopback address while the body runs."""
    server = ClusterServer()
    async with serving(web.get(ANY_PATH, server.handle)) as server.url:
        yield server
