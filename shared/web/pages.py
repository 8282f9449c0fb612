"""Pages of HTML with a style of their own: no script, no picture, no frame, nothing from elsewhere."""

import base64
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup


class Page:
    """A page that is made of `NAME.html.jinja` and `NAME.css` in a folder; every text in it is escaped."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def render(self, **facts: Any) -> str:
        """Write the page; the template finds its style as `style`."""
        return self._template.render(style=Markup(self._style), **facts)  # noqa: S704 - a file of ours

    def content_security_policy(self, *, form_action: str = "'none'") -> str:
        """Allow the page its own style, forms to `form_action` as CSP says it, and nothing else."""
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            f"form-action {form_action}; frame-ancestors 'none'"
        )

    @cached_property
    def _style(self) -> str:
        return (self._folder / f"{self._name}.css").read_text(encoding="utf-8")

    @cached_property
    def _template(self) -> Template:
        environment = Environment(
            loader=FileSystemLoader(self._folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template(f"{self._name}.html.jinja")
