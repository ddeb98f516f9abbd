"""Somebody at a browser without script: follows links, fills forms, carries cookies and the form's token."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "a horse that nobody rides"
TOKEN = re.compile(r'"X-CSRFToken": "([^"]+)"')


class Visitor:
    """A browser session against the app."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.token = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open an address."""
        return self._seen(self.client.get(path, **options))

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form, with the token of the last page."""
        if not self.token:
            self.get("/login", follow_redirects=True)
        headers = {"X-CSRFToken": self.token, **options.pop("headers", {})}
        return self._seen(self.client.post(path, data=data, headers=headers, **options))

    def sign_in(self, username: str, password: str = PASSWORD, next_address: str = "") -> TestResponse:
        """Send the login form."""
        form = {"username": username, "password": password, "next": next_address}
        answer = self.post("/login", form)
        self.token = ""  # a new session has a new token
        return answer

    def _seen(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html" and (found := TOKEN.search(answer.text)):
            self.token = found[1]
        answer.get_data()  # a file that is sent is read before it is closed
        answer.close()
        return answer


def signed_in(app: Flask, username: str) -> Visitor:
    """A visitor who has logged in."""
    visitor = Visitor(app)
    assert visitor.sign_in(username).status_code == 303
    return visitor
