"""A real Chromium, and an installation as a person starts it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, ViewportSize, expect, sync_playwright

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
DESKTOP, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=390, height=844)
SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"

expect.set_options(timeout=60_000)  # a busy machine is no failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(
                    pytest.mark.skip(reason="no Chromium on this machine (Debian: apt-get install chromium)")
                )


@dataclass(frozen=True)
class Running:
    """A running installation."""

    address: str
    password: str
    data: Path


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """``smart-restore up`` on an empty data folder, with its demo school."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
    command = [sys.executable, "-m", "webapp.up", "--port", str(port), "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            output = "".join(_until(process, "Stop with Ctrl-C"))
            password = re.search(r"password: (\S+)", output)
            assert password, output
            yield Running(f"http://127.0.0.1:{port}", password[1], tmp_path / "data")
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _until(process: subprocess.Popen[str], words: str) -> Iterator[str]:
    assert process.stdout
    for line in process.stdout:
        yield line
        if words in line:
            return


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A browser, without its sandbox where the tests run as root."""
    with sync_playwright() as playwright:
        arguments = ["--disable-gpu", *(["--no-sandbox"] if os.getuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A person at a screen; ``complaints`` is what the browser said that it should not have to say."""

    page: Page
    running: Running
    name: str
    complaints: list[str] = field(default_factory=list)
    step: int = 0

    def watch(self) -> None:
        """Note dialogs, errors, violations of the content security policy, and requests to anywhere else."""

        def said(message: ConsoleMessage) -> None:
            # A refused form is answered with 422, and the browser notes that.
            if message.type in {"error", "warning"} and "422" not in message.text:
                self.complaints.append(message.text)

        def asked(dialog: Dialog) -> None:
            self.complaints.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        def requested(request: Request) -> None:
            if not request.url.startswith((self.running.address, "data:")):
                self.complaints.append(f"request: {request.url}")

        self.page.on("console", said)
        self.page.on("dialog", asked)
        self.page.on("request", requested)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self) -> None:
        """Sign in as the first root."""
        self.page.goto(f"{self.running.address}/login")
        self.page.get_by_label("Name").fill("root")
        self.page.get_by_label("Password").fill(self.running.password)
        self.page.locator("main button").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    def show(self, screen: str) -> None:
        """A picture of the whole page, light and dark; nothing may stick out at the side."""
        self.step += 1
        SCREENSHOTS.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            path = SCREENSHOTS / f"{self.name}-{self.step:02d}-{screen}-{scheme}.png"
            self.page.screenshot(path=path, full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{screen} is {wide} pixels wider than the {self.name}"


@pytest.fixture(params=["desktop", "phone"])
def visit(request: pytest.FixtureRequest, chromium: Browser, running: Running) -> Iterator[Visit]:
    """A person at a desk, and one with a phone."""
    size = DESKTOP if request.param == "desktop" else PHONE
    with chromium.new_context(viewport=size, has_touch=request.param == "phone") as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        visit = Visit(page, running, request.param)
        visit.watch()
        yield visit
    assert visit.complaints == []
