"""The web application, put together by :func:`create_app`. Importing this module does nothing."""

from __future__ import annotations

import hashlib
import importlib
import sqlite3
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for
from flask_login import current_user
from sqlalchemy import event
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import words
from webapp.extensions import csrf, limiter, login_manager, migrate
from webapp.models import User, db
from webapp.queue import enqueuer
from webapp.settings import Settings, read_settings
from webapp.storage import Storage
from webapp.views import BLUEPRINTS, audit, errors
from webapp.views.permissions import allow, ask_to_log_in, guard, may_do, require_declarations

PACKAGE = Path(__file__).resolve().parent

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def create_app(settings: Settings | None = None) -> Flask:
    """The app, bound to its database, storage and Redis by the settings; read from the environment when none are given."""
    settings = settings or read_settings()
    app = Flask(__name__, template_folder=resource("templates"), static_folder=resource("static"))
    app.secret_key = settings.secret_key
    app.config.update(
        SETTINGS=settings,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        SESSION_COOKIE_NAME="smart_restore",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=settings.max_upload,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        RATELIMIT_STORAGE_URI=settings.limiter_url,
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_KEY_PREFIX="smart-restore",
    )
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]

    _bind_storage(app, settings)
    app.extensions["enqueue"] = enqueuer(settings.redis_url)
    app.before_request(guard)  # before csrf: who may not come in is told so first
    _bind_extensions(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    errors.install(app)
    app.after_request(protect)
    app.after_request(audit.complete)
    allow("anyone")(app.view_functions["static"])
    words.install(app)
    app.add_template_global(asset)
    app.add_template_global(may_do)
    require_declarations(app)
    return app


def resource(name: str) -> str:
    """The folder of that name: bundled in the wheel, or beside the package in a checkout."""
    for folder in (PACKAGE / "_bundled" / name, PACKAGE.parent / name):
        if folder.is_dir():
            return str(folder)
    raise FileNotFoundError(name)


def asset(name: str) -> str:
    """The address of a static file, with its digest, so that a browser may keep it for good."""
    return url_for("static", filename=name, v=_digest(Path(resource("static")) / name))


def protect(response: Response) -> Response:
    """What every response carries. Pages of a person are not kept by browsers and proxies."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "static":
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
    else:
        headers["Cache-Control"] = "no-store"
    return response


def _open_storage(settings: Settings) -> Storage:
    """The data folder, or that and an object store, whose library takes long to load and is not loaded in vain."""
    root = settings.make_data_dir()
    if not settings.storage_url:
        return Storage(root)
    objects = importlib.import_module("webapp.objects")
    shared: Storage = objects.SharedStorage(root, objects.Bucket.of(settings.storage_url))
    return shared


def _bind_storage(app: Flask, settings: Settings) -> None:
    storage = _open_storage(settings)
    storage.prepare()
    app.extensions["storage"] = storage
    db.init_app(app)
    migrate.init_app(app, db, directory=str(PACKAGE / "migrations"))
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _prepare_sqlite)


def _bind_extensions(app: Flask) -> None:
    csrf.init_app(app)
    limiter.init_app(app)
    login_manager.init_app(app)
    login_manager.session_protection = "basic"
    login_manager.user_loader(load_user)
    login_manager.unauthorized_handler(ask_to_log_in)
    app.context_processor(lambda: {"person": current_user})


def load_user(session_id: str) -> User | None:
    """The account of a session, unless it was disabled or the session's epoch is over."""
    user_id, _, epoch = session_id.partition(".")
    if not (user_id.isdigit() and epoch.isdigit()):
        return None
    user = db.session.get(User, int(user_id))
    return user if user and user.active and user.session_epoch == int(epoch) else None


def _engine_options(settings: Settings) -> dict[str, object]:
    if settings.database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": 15}}  # seconds to wait for another writer
    return {"pool_pre_ping": True}


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")  # what was answered "done" stays done after a power cut


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
