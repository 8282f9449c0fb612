"""The clinic's side of the API: a thin client that says what it wants and fails loudly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from deploy.embedded.errors import OperatorError


class RefusedError(OperatorError):
    """The API refused a request of the demo; its own words follow."""

    def __init__(self, words: str, *, status: int) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Front:
    """One user's way in. A token lasts five minutes, a demo a fraction of that."""

    http: httpx2.AsyncClient
    token: str = ""

    async def log_in(self, login: str, password: str) -> "Front":
        """Give the way in of a user."""
        answer = await self.post("/v1/token", {"login": login, "password": password})
        return Front(http=self.http, token=answer["access_token"])

    async def get(self, path: str) -> Any:
        """Read."""
        return (await self._call("GET", path)).json()

    async def get_bytes(self, path: str) -> bytes:
        """Read a file."""
        return (await self._call("GET", path)).content

    async def post(self, path: str, body: Any = None) -> Any:
        """Create or do."""
        answer = await self._call("POST", path, json=body)
        return answer.json() if answer.content else None

    async def sign(self, session: str) -> list[str]:
        """Sign a session, given by its path, as a front end does once a person has seen the check (SIGN-4).

        Gives the kinds of the findings that were acknowledged.
        """
        check = await self.get(f"{session}/pre-sign-check")
        seen = {one["id"]: one["kind"] for one in check["findings"] if one["needs_acknowledgement"]}
        request = {"document_sha256": check["document_sha256"], "acknowledged": list(seen)}
        await self.post(f"{session}/signatures", request)
        return list(seen.values())

    async def put(self, path: str, body: Any) -> Any:
        """Set."""
        # Written once here, so always made from the first version (DOC-5).
        answer = await self._call("PUT", path, json=body, headers={"If-Match": '"1"'})
        return answer.json() if answer.content else None

    async def patch(self, path: str, body: Any) -> None:
        """Change."""
        await self._call("PATCH", path, json=body)

    async def upload(self, path: str, file: Path) -> Any:
        """Send a file as it is."""
        return (await self._call("POST", path, content=file.read_bytes())).json()

    async def pages(self, path: str) -> list[dict[str, Any]]:
        """Read a whole list, page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self.get(f"{path}?limit=200{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    async def _call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **content: Any
    ) -> httpx2.Response:
        headers = dict(headers or {}) | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        answer = await self.http.request(method, path, headers=headers, **content)
        if answer.is_error:
            words = f"{method} {path}: {answer.status_code} {answer.text}"
            raise RefusedError(words, status=answer.status_code)
        return answer
