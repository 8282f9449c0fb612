"""One headless Chromium that stays, driven over its DevTools pipe: the warm peer of the sheets benchmark."""

import os
import shutil
import signal
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import F_DUPFD, fcntl
from tempfile import TemporaryDirectory
from typing import Any

import orjson

COMMANDS, ANSWERS = 3, 4
"""The descriptors at which Chromium hears and answers when it is given `--remote-debugging-pipe`."""
END = b"\0"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")


@dataclass(kw_only=True)
class Chromium:
    """A browser with one empty page open."""

    commands: int
    answers: int
    session: dict[str, str]
    asked: int = 0
    heard: bytes = b""

    def printed(self, html: str) -> bytes:
        """Give a page as a PDF with tags, at the size that its styles name."""
        frame = self.ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.ask("Page.setDocumentContent", frameId=frame, html=html)
        return b64decode(self.ask("Page.printToPDF", generateTaggedPDF=True, preferCSSPageSize=True)["data"])

    def ask(self, method: str, **params: Any) -> Any:
        """Send one command and give its result; what else the browser says is passed over."""
        self.asked += 1
        command = {"id": self.asked, "method": method, "params": params, **self.session}
        unsent = orjson.dumps(command) + END
        while unsent:
            unsent = unsent[os.write(self.commands, unsent) :]
        while (message := self._next())["id"] != self.asked:
            pass
        if "error" in message:
            raise OSError(f"{method}: {message['error']}")
        return message["result"]

    def _next(self) -> Any:
        while True:
            while END not in self.heard:
                if not (more := os.read(self.answers, 1 << 20)):
                    raise OSError("Chromium has closed its pipe")
                self.heard += more
            first, _, self.heard = self.heard.partition(END)
            message = orjson.loads(first)
            if "id" in message:
                return message


@contextmanager
def warm_chromium() -> Iterator[Chromium | None]:
    """Start one with a page open, and end it afterwards; None where no Chromium is installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        yield None
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        hears, commands = os.pipe()
        answers, says = os.pipe()
        child = os.posix_spawn(
            program, [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"], os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, fcntl(hears, F_DUPFD, 10), COMMANDS),
                (os.POSIX_SPAWN_DUP2, fcntl(says, F_DUPFD, 10), ANSWERS),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )  # fmt: skip
        os.close(hears)
        os.close(says)
        try:
            yield opened(commands, answers)
        finally:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)


def opened(commands: int, answers: int) -> Chromium:
    browser = Chromium(commands=commands, answers=answers, session={})
    page = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
    browser.session["sessionId"] = session
    return browser
