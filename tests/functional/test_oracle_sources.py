"""Cluster and gateway: what they tell as documented, and nothing made up where they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aimesh.core.oracle.schema import PARTS
from aimesh.services import cluster
from aimesh.services.cluster import Cluster, quantity
from aimesh.services.gateway import Gateway
from aimesh.services.model_list import ModelList
from aimesh.services.schema import StateValidator
from tests.cluster_server import NAMESPACE, ClusterServer, cluster_server, deployment
from tests.gateway_server import KEY, GatewayServer, gateway_server
from tests.model_server import model_server, refuses


@pytest.fixture
async def kubernetes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ClusterServer]:
    monkeypatch.setattr(cluster, "IN_CLUSTER", tmp_path / "none")
    async with cluster_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        yield server


@pytest.fixture
async def proxy() -> AsyncIterator[GatewayServer]:
    async with gateway_server() as server:
        yield server


def fits(part: str, items: list[object]) -> bool:
    state = {"id": "x", **{name: [] for name in PARTS}, part: items}
    return StateValidator().errors(state) == []


async def test_a_deployment_is_told_with_limits_images_and_what_its_pods_really_use(
    kubernetes: ClusterServer,
) -> None:
    [found] = await Cluster(NAMESPACE).deployments()
    assert (found.name, found.agent, found.labeled) == ("writer", "writer", True)
    workload = found.workload
    assert workload["pod_max_ram"] == 1024
    assert workload["pod_max_cpu"] == 500
    assert workload["max_pods"] == 3
    assert workload["live"]["active_pods"] == 2
    assert workload["live"]["image"] == "registry/writer:1.2"
    assert workload["live"]["rolled_out_at"].startswith("2026-11-20T08:00:00")
    first, second = workload["pods"]
    assert (first["pod_id"], first["status"]) == ("writer-1", "Running")
    assert (first["cpu"], first["memory"]) == (125.433, 200.0)
    assert (second["status"], second["cpu"]) == ("Pending", 0.0)
    assert fits("workload", [workload])
    assert all(f"/namespaces/{NAMESPACE}/" in path for path in kubernetes.asked)


async def test_annotations_name_describe_and_exclude(kubernetes: ClusterServer) -> None:
    kubernetes.deployments = [
        deployment("a", annotations={"oracle-monitor/name": "Writer",
                                     "oracle-monitor/description": "writes",
                                     "oracle-monitor/models": "m1, m2"}),
        deployment("b", annotations={"oracle-monitor/exclude": "true"}),
        deployment("c", labels={}, resources={}),
    ]  # fmt: skip
    writer, plain = await Cluster(NAMESPACE).deployments()
    assert (writer.agent, writer.description) == ("Writer", "writes")
    assert writer.models == ("m1", "m2")
    assert not plain.labeled
    # no limit is not a limit of nothing
    assert not plain.workload.keys() & {"pod_max_ram", "pod_max_cpu"}


async def test_without_a_metrics_server_no_use_is_made_up(kubernetes: ClusterServer) -> None:
    kubernetes.broken.add("metrics")
    [found] = await Cluster(NAMESPACE).deployments()
    assert [pod["status"] for pod in found.workload["pods"]] == ["Pending"]
    assert found.workload["live"]["active_pods"] == 2


async def test_a_cluster_that_refuses_or_is_away_gives_nothing(kubernetes: ClusterServer) -> None:
    kubernetes.broken.add("deployments")
    assert await Cluster(NAMESPACE).deployments() == []


async def test_without_a_cluster_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "IN_CLUSTER", tmp_path / "none")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert await Cluster().deployments() == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("250m", 0.25), ("2", 2), ("1.5Gi", 1.5 * 2**30), ("128974848", 128974848), ("129e6", 129e6),
     ("125432891n", 0.125432891), ("64Mi", 64 * 2**20), ("", 0), (None, 0), ("junk", 0)],
)  # fmt: skip
def test_quantities_are_read_as_kubernetes_writes_them(text: str | None, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


async def test_a_gateway_tells_models_limits_use_and_credits(proxy: GatewayServer) -> None:
    gateway = Gateway(proxy.url, KEY)
    chat, embedder = await gateway.models()
    await gateway.close()
    assert chat == {
        "model": "gpt-4o", "provider": "openai", "tpm_max": 100000, "rpm_max": 60, "tpm": 1000,
        "rpm": 2, "credits": 6.5, "payment_type": "prepaid", "input_context": 128000,
        "output_context": 16384, "input_types": ["text", "image"], "output_types": ["text"],
    }  # fmt: skip
    assert (embedder["provider"], embedder["tpm_max"]) == ("cohere, azure", 0)
    assert embedder["output_dim"] == 1024
    assert embedder["output_types"] == ["embedding"]
    assert fits("litellm", [chat, embedder])


async def test_what_a_gateway_without_a_database_cannot_tell_is_left_out(
    proxy: GatewayServer,
) -> None:
    proxy.broken |= {"/spend/logs/v2", "/key/info"}
    gateway = Gateway(proxy.url, KEY)
    chat, _ = await gateway.models()
    await gateway.close()
    assert not chat.keys() & {"tpm", "rpm", "credits", "payment_type"}
    assert fits("litellm", [chat])


@pytest.mark.parametrize("key", ["", "wrong"])
async def test_a_gateway_that_refuses_gives_nothing(proxy: GatewayServer, key: str) -> None:
    gateway = Gateway(proxy.url, key)
    assert await gateway.models() == []
    await gateway.close()


async def test_ollamas_own_models_fill_what_they_can(proxy: GatewayServer) -> None:
    async with model_server() as ollama:
        shown = {"capabilities": ["completion", "vision"],
                 "model_info": {"gemma3.context_length": 32768}}  # fmt: skip

        async def show(request: object) -> object:
            name = ollama.asked[-1]["model"]
            from aiohttp import web

            return web.json_response(shown if name == "gemma3:1b" else {})

        ollama.routes["/api/show"] = show  # type: ignore[assignment]
        models = ModelList(ollama.url, Gateway(proxy.url, KEY))
        await models.refresh()
        found = {str(model["model"]): dict(model) for model in models.models()}
        limits = models.limits()
        await models.close()
    assert list(found) == ["gpt-4o", "embedder", "gemma3:1b", "b:latest"]
    assert found["gemma3:1b"]["input_context"] == 32768
    assert found["gemma3:1b"]["input_types"] == ["text", "image"]
    assert found["b:latest"] == {"model": "b:latest", "provider": "ollama", "tpm_max": 0,
                                 "rpm_max": 0, "payment_type": "free"}  # fmt: skip
    assert [(limit.what, limit.used, limit.allowed) for limit in limits] == [
        ("tpm", 1000, 100000), ("rpm", 2, 60)]  # fmt: skip
    assert fits("litellm", list(found.values()))


async def test_a_model_server_that_is_away_gives_nothing() -> None:
    async with model_server() as ollama:
        ollama.routes["/api/tags"] = refuses(500, b"broken")
        models = ModelList(ollama.url, None)
        await models.refresh()
        assert models.models() == []
        await models.close()
