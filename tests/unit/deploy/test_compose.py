import re
import subprocess
import sys
import tomllib
from pathlib import PurePosixPath

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from deploy.compose.new_secrets import new_secrets
from deploy.embedded.gateway import PREFIXES
from services.billing_bridge.connector import PUSH_SECONDS_AT_MOST
from services.printing.render_worker import HARD_LIMIT_SECONDS
from shared.messaging.celery_application import new_celery_application
from tests.unit.deploy.compose import (
    APIS,
    CONTAINERS,
    FILE,
    LOOPS,
    MIGRATING,
    MODULES,
    ROOT,
    embedded_modules,
    environment_of,
    names_of,
    seconds,
    secrets_of,
    service_of,
    settings_of,
)

OURS = [*MODULES, *MIGRATING.values()]


def test_the_file_is_what_compose_reads() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, ROOT / "docker-compose.yml"], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout.decode()


def test_every_process_of_the_embedded_deployment_is_a_container() -> None:
    assert sorted(MODULES.values()) == sorted(embedded_modules())


@pytest.mark.parametrize("container", MODULES)
def test_a_container_is_named_after_its_module(container: str) -> None:
    process = MODULES[container].removeprefix("services.").removesuffix(".main").replace(".", "-")
    assert container == process.replace("_", "-") + ("-api" if container in APIS else "")


@pytest.mark.parametrize("container", MODULES)
def test_a_process_has_every_setting_that_it_needs(container: str) -> None:
    kinds = settings_of(service_of(container))
    needed = {name for kind in kinds for name in names_of(kind, required=True)}
    assert needed <= environment_of(container) | secrets_of(container)


@pytest.mark.parametrize("container", MODULES)
def test_a_process_is_given_no_setting_that_it_does_not_know(container: str) -> None:
    known = {name for kind in settings_of(service_of(container)) for name in names_of(kind)}
    assert environment_of(container) | secrets_of(container) <= known


@pytest.mark.parametrize("container", MODULES)
def test_what_is_secret_is_a_file_and_nothing_else_is(container: str) -> None:
    secret = {
        f"{kind.model_config['env_prefix']}{name}".upper()
        for kind in settings_of(service_of(container))
        for name, field in kind.model_fields.items()
        if field.annotation is SecretStr
    }
    anchor = {"OPENCIRCLE_ANCHOR_KEY"} if container in APIS else set()
    assert secrets_of(container) == secret | anchor


@pytest.mark.parametrize("container", APIS)
def test_an_api_anchors_on_a_volume_that_its_image_lets_it_write(container: str) -> None:
    it = CONTAINERS[container]
    folder = PurePosixPath(it["environment"]["OPENCIRCLE_ANCHOR_FILE"]).parent
    assert f"anchors:{folder}" in it["volumes"]
    assert str(folder) in (ROOT / "deploy/docker/Dockerfile").read_text()


@pytest.mark.parametrize("container", MODULES)
def test_a_process_waits_for_the_migrations_of_its_service(container: str) -> None:
    waits_for = CONTAINERS[container]["depends_on"]
    migrations = MIGRATING[service_of(container)]
    assert waits_for[migrations] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", MIGRATING)
def test_migrations_run_once_and_know_one_database_alone(service: str) -> None:
    container = CONTAINERS[MIGRATING[service]]
    assert container["restart"] == "no"
    assert container["command"][1:3] == ["upgrade_and_grant", service]
    assert len(container["secrets"]) == 2
    assert container["secrets"][1] == "opencircle_field_keys"


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize("service", MIGRATING)
def test_who_migrates_is_who_owns_and_who_serves_is_another(service: str) -> None:
    container = CONTAINERS[MIGRATING[service]]
    owner, _keys = container["secrets"]
    assert owner["source"] == owner["target"].replace("database_url", "owner_url")
    texts = new_secrets()
    assert make_url(texts[owner["source"]]).username == service
    assert make_url(texts[owner["target"]]).username == container["command"][3] != service


@pytest.mark.parametrize("container", MODULES)
def test_a_process_that_serves_knows_no_owner(container: str) -> None:
    assert not [name for name in secrets_of(container) if "OWNER" in name]


def test_every_service_is_migrated() -> None:
    assert set(MIGRATING) == {service_of(container) for container in MODULES}


@pytest.mark.parametrize("container", APIS)
def test_an_api_is_healthy_when_it_is_ready(container: str) -> None:
    assert CONTAINERS[container]["healthcheck"]["test"][-2:] == ["deploy.docker.health", "ready"]


@pytest.mark.parametrize("container", LOOPS)
def test_a_loop_is_healthy_while_it_shows_life(container: str) -> None:
    assert CONTAINERS[container]["healthcheck"]["test"][-3:-1] == ["deploy.docker.health", "alive"]
    assert CONTAINERS[container]["environment"]["OPENCIRCLE_ALIVE_FILE"].startswith("/tmp/")  # noqa: S108


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_can_do_no_more_than_it_must(container: str) -> None:
    it = CONTAINERS[container]
    assert (it["read_only"], it["cap_drop"]) == (True, ["ALL"])
    assert it["security_opt"] == ["no-new-privileges:true"]
    assert int(it["user"].partition(":")[0]) > 0
    assert set(it["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_can_be_scaled(container: str) -> None:
    assert "container_name" not in CONTAINERS[container]
    assert ("ports" in CONTAINERS[container]) == (container == "proxy")


def test_the_only_port_is_on_loopback() -> None:
    (port,) = CONTAINERS["proxy"]["ports"]
    assert port.startswith("127.0.0.1:")


def test_who_holds_data_has_no_way_out() -> None:
    assert FILE["networks"]["inside"]["internal"]
    outside = {name for name, it in CONTAINERS.items() if "outside" in it["networks"]}
    assert outside == {"proxy", "billing-bridge-pusher", *APIS}


@pytest.mark.parametrize("container", [name for name in CONTAINERS if name not in OURS])
def test_what_is_not_ours_is_pinned_to_an_exact_version(container: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?-[a-z]+", CONTAINERS[container]["image"])


def test_our_image_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {CONTAINERS[name]["image"] for name in OURS} == {f"opencircle:${{OPENCIRCLE_VERSION:-{version}}}"}


@pytest.mark.parametrize("container", [name for name in LOOPS if "worker" in name])
def test_a_worker_may_end_its_soft_shutdown(container: str) -> None:
    conf = new_celery_application(name="test", broker_url="redis://valkey").conf
    assert seconds(CONTAINERS[container]["stop_grace_period"]) > conf.worker_soft_shutdown_timeout


def test_a_render_may_end_before_its_worker_is_killed() -> None:
    assert seconds(CONTAINERS["printing-render-worker"]["stop_grace_period"]) > HARD_LIMIT_SECONDS


def test_a_push_may_end_before_its_pusher_is_killed() -> None:
    assert seconds(CONTAINERS["billing-bridge-pusher"]["stop_grace_period"]) > PUSH_SECONDS_AT_MOST


def test_the_sheets_are_mounted_where_they_are_made_and_served_alone() -> None:
    mounts = {
        name: found
        for name in MODULES
        if (found := [one for one in CONTAINERS[name].get("volumes", ()) if one.startswith("sheets:")])
    }
    folder = CONTAINERS["printing-api"]["environment"]["OPENCIRCLE_PRINTING_STORAGE_FOLDER"]
    assert mounts == {
        "printing-api": [f"sheets:{folder}:ro"],
        "printing-render-worker": [f"sheets:{folder}"],
    }


def test_every_secret_is_of_use() -> None:
    mounted = [secret for container in CONTAINERS.values() for secret in container.get("secrets", ())]
    used = {secret if isinstance(secret, str) else secret["source"] for secret in mounted}
    assert used == set(FILE["secrets"])


def test_the_proxy_sends_each_prefix_to_the_service_that_the_gateway_does() -> None:
    table = (ROOT / "deploy/compose/nginx.conf").read_text().partition("map $uri $service {")[2]
    rows = dict(line.rstrip(";").split() for line in table.partition("}")[0].strip().split("\n"))
    apis = {MODULES[name]: name for name in APIS}
    assert rows == {
        f"~^{prefix}" if prefix else "default": apis[create.__module__] for prefix, create in PREFIXES
    }


def test_the_proxy_can_end_tls_with_files_that_are_secrets() -> None:
    text = (ROOT / "deploy/compose/tls.yml").read_text()
    listen = (ROOT / "deploy/compose/listen-tls.conf").read_text()
    for secret in ("tls_certificate", "tls_key"):
        assert f"{secret}: {{file: deploy/compose/secrets/{secret}}}" in text
        assert f"/run/secrets/{secret};" in listen
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in listen
    places = {volume.split(":")[1] for volume in CONTAINERS["proxy"]["volumes"]}
    assert all(volume in text for volume in places if volume.endswith("listen.conf"))
