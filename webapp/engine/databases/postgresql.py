"""PostgreSQL sites."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.engine import URL


class PostgreSQL:
    dialect: ClassVar[str] = "postgresql"

    def __init__(self, url: URL) -> None:
        raise NotImplementedError
