"""Manifests against the schemas of Kubernetes and of KEDA: `python -m tests.checks.kubernetes`."""

import sys
from pathlib import Path
from typing import Final

import kubernetes_validate

from tests.checks.keda import is_of_keda, problems_of_keda
from tests.support.kustomize import build

OVERLAYS: Final = Path(__file__).resolve().parents[2] / "deploy/kubernetes"
VERSION: Final = "1.32"
"""The oldest that is supported upstream; later ones only add."""


def main() -> int:
    documents = build(OVERLAYS / "production")
    problems = [f"{one}\n" for one in problems_of_keda(documents)]
    for document in documents:
        if is_of_keda(document):
            continue
        try:
            kubernetes_validate.validate(document, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"{document['kind']} {document['metadata']['name']}: {error.message}\n")
    sys.stdout.writelines(problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
