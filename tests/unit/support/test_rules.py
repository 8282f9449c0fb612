from pathlib import Path

import pytest

from tests.support.rules import read_rules, shortened

RULES = "## Signing\n- SIGN-1 The last leader's signature counts.\n"
SETTINGS = """
[pytest]
markers = rule(id): the rule shown
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makefile(".md", **{"docs/rules": RULES})
    pytester.makeini(SETTINGS)
    pytester.makeconftest("from tests.support.rules import pytest_pycollect_makeitem")
    return pytester


def collect(project: pytest.Pytester, marker: str) -> pytest.RunResult:
    project.makepyfile(f"import pytest\n@pytest.mark.rule({marker})\ndef test_signing(): pass\n")
    return project.runpytest_inprocess("-p", "no:randomly")


def test_a_known_rule_is_collected(project: pytest.Pytester) -> None:
    collect(project, '"SIGN-1"').assert_outcomes(passed=1)


def test_an_unknown_rule_fails_the_collection(project: pytest.Pytester) -> None:
    result = collect(project, '"SIGN-9"')
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_signing: unknown rule 'SIGN-9'"])


def test_a_marker_without_a_rule_fails_the_collection(project: pytest.Pytester) -> None:
    result = collect(project, "")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_signing: the rule marker names no rule"])


def test_a_rule_knows_its_section(tmp_path: Path) -> None:
    file = tmp_path / "rules.md"
    file.write_text(RULES)
    assert read_rules(file)["SIGN-1"].section == "Signing"


def test_names_beyond_the_third_are_counted() -> None:
    assert shortened(["a", "a", "b", "c", "d"]) == "a\nb\nc\nand 1 more"
