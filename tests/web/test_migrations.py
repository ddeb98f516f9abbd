"""The migrations lead to the database that the models describe."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from webapp.app import create_app
from webapp.models import db
from webapp.settings import Settings, read_settings


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_upgraded_database_is_as_the_models_say(
    settings: Settings, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "postgresql":
        environment = {
            "SMART_RESTORE_DATA": str(settings.data_dir),
            "DATABASE_URL": request.getfixturevalue("postgresql"),
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key,
        }
        settings = read_settings(environment)
    app = create_app(settings)
    with app.app_context():
        upgrade()
        with db.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        db.engine.dispose()
