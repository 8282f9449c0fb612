"""What `kubectl kustomize` would make of a folder, as far as ours use it."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

Document = dict[str, Any]

MERGED_BY: Final = {
    "containers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
"""Lists that a strategic merge takes for maps, and by which field; all others are replaced."""


def build(folder: Path) -> list[Document]:
    """Give every resource of a kustomization."""
    told = yaml.safe_load((folder / "kustomization.yaml").read_text())
    documents: list[Document] = []
    for name in told["resources"]:
        path = folder / name
        documents += build(path) if path.is_dir() else documents_in(path)
    for patch in told.get("patches", ()):
        (change,) = documents_in(folder / patch["path"])
        documents = [_patched(one, change, patch["target"]) for one in documents]
    for document in documents:
        _name_images(document, told.get("images", ()))
        if "namespace" in told:
            document["metadata"]["namespace"] = told["namespace"]
    return documents


def documents_in(path: Path) -> list[Document]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def _patched(document: Document, change: Document, target: dict[str, str]) -> Document:
    labels = document["metadata"].get("labels", {})
    key, _, value = target.get("labelSelector", "").partition("=")
    chosen = (
        document["kind"] == target["kind"]
        and re.fullmatch(target.get("name", ".*"), document["metadata"]["name"])
        and (not key or labels.get(key) == value)
    )
    body = {name: part for name, part in change.items() if name not in {"apiVersion", "kind", "metadata"}}
    merged: Document = _merged(document, body, None) if chosen else document
    return merged


def _merged(old: Any, new: Any, name: str | None) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged(old.get(key), value, key) for key, value in new.items()}
    if isinstance(old, list) and name in MERGED_BY:
        key = MERGED_BY[name]
        there = {one[key]: one for one in old}
        merged = {one[key]: _merged(there.get(one[key]), one, None) for one in new}
        # kustomize puts what is new before what was there.
        return [
            *(merged[it] for it in merged if it not in there),
            *(merged.get(it, there[it]) for it in there),
        ]
    return new


def _name_images(part: Any, images: Any) -> None:
    if isinstance(part, list):
        for one in part:
            _name_images(one, images)
    elif isinstance(part, dict):
        for image in images:
            if part.get("image") == image["name"]:
                part["image"] = f"{image['newName']}:{image['newTag']}"
        for one in part.values():
            _name_images(one, images)
