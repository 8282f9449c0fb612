import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.metrics import MetricWrapperBase

from shared.observability import metrics
from shared.runtime import WorkerTasks
from tests.unit.deploy.compose import APIS, LOOPS, ROOT

FOLDER = ROOT / "deploy/monitoring"
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
ALERTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
PANELS: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
EXPRESSIONS = [alert["expr"] for alert in ALERTS] + [
    target["expr"] for panel in PANELS for target in panel["targets"]
]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def families() -> list[Metric]:
    ours = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    workers = CollectorRegistry()
    workers.register(WorkerTasks())
    return [*(next(iter(one.collect())) for one in ours), *workers.collect()]


def test_what_is_watched_is_what_the_code_measures() -> None:
    there = {f"{one.name}{suffix}" for one in families() for suffix in SUFFIXES[one.type]}
    asked = {name for text in EXPRESSIONS for name in re.findall(r"opencircle_\w+", text)}
    assert asked <= there


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    assert [one.name for one in families() if one.name not in shown] == []


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == [alert["alert"] for alert in ALERTS]
    links = [alert["annotations"]["runbook"] for alert in ALERTS]
    assert links == [f"docs/runbook.md#{alert['alert'].lower()}" for alert in ALERTS]


def test_every_section_says_what_to_see_and_to_do() -> None:
    for section in RUNBOOK.split("\n## ")[1:]:
        assert re.findall(r"\*\*(\w+)\*\*:", section) == ["Says", "See", "Do"]


def test_prometheus_finds_every_process() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    apis, loops = (one["names"] for one in job["dns_sd_configs"])
    assert (set(apis), set(loops)) == (set(APIS), set(LOOPS))


def test_no_label_can_be_a_person() -> None:
    labels = {
        label
        for one in vars(metrics).values()
        if isinstance(one, MetricWrapperBase)
        for label in one._labelnames
    }
    assert labels <= {
        "method", "route", "status", "service", "consumer", "state", "system", "verdict", "place",
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("arguments", [("rules", "rules.yml"), ("config", "prometheus.yml")])
def test_promtool_finds_nothing_wrong(arguments: tuple[str, str]) -> None:
    asked = ["promtool", "check", arguments[0], f"{FOLDER}/{arguments[1]}"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
