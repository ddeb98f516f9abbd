"""A value that its column cannot hold."""

from __future__ import annotations

import json
from typing import Any


class BadValue(ValueError):
    """A value that its column cannot hold; ``code`` is the problem's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def quoted(value: Any) -> str:
    """The value as a message names it."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
