import json
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.operations.checks.broker import QUEUES
from services.printing.render_worker import HARD_LIMIT_SECONDS
from shared.events.catalogue import CONSUMERS
from shared.messaging.celery_application import new_celery_application
from tests.checks.keda import problems_of_keda
from tests.support.kustomize import build
from tests.unit.deploy.compose import (
    APIS,
    CONTAINERS,
    LOOPS,
    MIGRATING,
    MODULES,
    ROOT,
    names_of,
    seconds,
    secrets_of,
    service_of,
    settings_of,
)

FOLDER = ROOT / "deploy/kubernetes"
RESOURCES = build(FOLDER / "production")


def of_kind(kind: str) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in RESOURCES if one["kind"] == kind}


DEPLOYMENTS = of_kind("Deployment")
SETTINGS: set[str] = set(of_kind("ConfigMap")["opencircle"]["data"])


def pod(resource: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = resource["spec"]["template"]["spec"]
    return spec


def container(resource: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod(resource)["containers"]
    return dict(only)


PODS = [*DEPLOYMENTS.values(), *of_kind("Job").values()]


def test_there_is_a_deployment_for_each_process_of_compose() -> None:
    assert {name: container(one)["args"] for name, one in DEPLOYMENTS.items()} == {
        name: [module] for name, module in MODULES.items()
    }


def test_each_service_migrates_its_database() -> None:
    migrating = {name: container(one)["args"][-1] for name, one in of_kind("Job").items()}
    assert migrating == {name: service for service, name in MIGRATING.items()}


@pytest.mark.parametrize("name", MODULES)
def test_a_process_gets_as_long_to_end_as_in_compose(name: str) -> None:
    grace = pod(DEPLOYMENTS[name])["terminationGracePeriodSeconds"]
    assert grace == seconds(CONTAINERS[name]["stop_grace_period"])


def test_a_worker_ends_softly_before_it_is_killed() -> None:
    soft = new_celery_application(name="test", broker_url="redis://").conf.worker_soft_shutdown_timeout
    graces = {name: pod(DEPLOYMENTS[name])["terminationGracePeriodSeconds"] for name in LOOPS}
    assert min(graces.values()) > soft
    assert graces["printing-render-worker"] > HARD_LIMIT_SECONDS


@pytest.mark.parametrize("name", MODULES)
def test_a_process_has_the_settings_that_it_can_not_do_without(name: str) -> None:
    kinds = settings_of(service_of(name))
    own = {one["name"] for one in container(DEPLOYMENTS[name]).get("env", ())}
    told = SETTINGS | own | secrets_of(name)
    assert {one for kind in kinds for one in names_of(kind, required=True)} <= told


def test_no_setting_is_unknown() -> None:
    known = {one for name in APIS for kind in settings_of(service_of(name)) for one in names_of(kind)}
    own = {one["name"] for it in DEPLOYMENTS.values() for one in container(it).get("env", ())}
    assert (SETTINGS | own) - known == set()


@pytest.mark.parametrize("resource", PODS, ids=lambda one: str(one["metadata"]["name"]))
def test_no_process_has_more_rights_than_it_needs(resource: dict[str, Any]) -> None:
    spec, rights = pod(resource), container(resource)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert not spec["automountServiceAccountToken"]
    assert rights["readOnlyRootFilesystem"]
    assert not rights["allowPrivilegeEscalation"]
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert {"limits", "requests"} <= set(container(resource)["resources"])


@pytest.mark.parametrize("resource", PODS, ids=lambda one: str(one["metadata"]["name"]))
def test_secrets_are_files_and_never_variables(resource: dict[str, Any]) -> None:
    it = container(resource)
    assert "secretKeyRef" not in json.dumps(it)
    assert {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True} in container(resource)[
        "volumeMounts"
    ]


def secrets_in(resource: dict[str, Any]) -> set[str]:
    (projected,) = (one["projected"] for one in pod(resource)["volumes"] if one["name"] == "secrets")
    return {one["secret"]["name"] for one in projected["sources"]}


@pytest.mark.parametrize("resource", PODS, ids=lambda one: str(one["metadata"]["name"]))
def test_who_works_on_a_database_has_the_field_keys_and_apis_alone_anchor(resource: dict[str, Any]) -> None:
    found = secrets_in(resource)
    assert "opencircle-field-keys" in found
    assert ("opencircle-anchors" in found) == (resource["metadata"]["name"] in APIS)


def test_ports_are_those_that_the_processes_are_told() -> None:
    data = of_kind("ConfigMap")["opencircle"]["data"]
    for name, one in DEPLOYMENTS.items():
        told = data["OPENCIRCLE_HTTP_PORT" if name in APIS else "OPENCIRCLE_METRICS_PORT"]
        assert [str(port["containerPort"]) for port in container(one)["ports"]] == [told]
    assert {port["port"] for it in of_kind("Service").values() for port in it["spec"]["ports"]} == {8000}


def test_every_api_has_its_service_and_probes() -> None:
    assert set(of_kind("Service")) == set(APIS)
    for name in APIS:
        it = container(DEPLOYMENTS[name])
        assert it["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert it["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_the_ingress_sends_where_the_proxy_of_compose_sends() -> None:
    (rule,) = of_kind("Ingress")["opencircle"]["spec"]["rules"]
    sent = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    proxy = (ROOT / "deploy/compose/nginx.conf").read_text()
    assert all(f"~^{path}" in proxy or name == "sessions-api" for path, name in sent.items())
    assert set(sent.values()) == set(APIS)


def test_every_process_survives_the_maintenance_of_a_node() -> None:
    budgets = of_kind("PodDisruptionBudget")
    assert set(budgets) == set(DEPLOYMENTS)
    for name, one in budgets.items():
        assert one["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}


def test_the_network_denies_what_it_does_not_name() -> None:
    deny = of_kind("NetworkPolicy")["nothing-by-default"]["spec"]
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"}
    assert not deny.keys() & {"ingress", "egress"}
    for one in PODS:
        assert (
            deny["podSelector"]["matchLabels"].items()
            <= one["spec"]["template"]["metadata"]["labels"].items()
        )


def test_workers_scale_on_what_the_ledger_owes_them() -> None:
    scaled = of_kind("ScaledObject")
    asked = " ".join(one["spec"]["triggers"][0]["metadata"]["query"] for one in scaled.values())
    assert [one.name for one in CONSUMERS if f"consumer = '{one.name}'" not in asked] == []
    # What is scaled says no number of its own, which each `apply` would go back to.
    assert {name for name, one in DEPLOYMENTS.items() if "replicas" not in one["spec"]} == set(scaled)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"minReplicas": 2}, "Extra inputs are not permitted"),
        ({"minReplicaCount": "2"}, "Input should be a valid integer"),
        ({"scaleTargetRef": {"name": "chart-worker"}}, "there is no Deployment chart-worker"),
        ({"triggers": []}, "List should have at least 1 item"),
    ],
)
def test_what_keda_does_not_know_is_found(change: dict[str, Any], problem: str) -> None:
    assert list(problems_of_keda(RESOURCES)) == []
    (found,) = problems_of_keda(
        [
            one | {"spec": one["spec"] | change} if one is of_kind("ScaledObject")["charts-worker"] else one
            for one in RESOURCES
        ]
    )
    assert problem in found


def test_the_doctor_knows_every_queue() -> None:
    assert {one.name for one in CONSUMERS} < set(QUEUES)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_makes_the_same_of_it() -> None:
    asked = ["kubectl", "kustomize", f"{FOLDER}/production"]
    told = subprocess.run(asked, capture_output=True, check=True).stdout
    theirs = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(told)}
    assert theirs == {(one["kind"], one["metadata"]["name"]): one for one in RESOURCES}
