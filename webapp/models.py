"""The app database: who, which sites, which backups, what was asked for and what was done.

Times are naive UTC. Answers of the engine are kept as the JSON text that :mod:`msgspec` wrote, so that a page shows
later exactly what was said then. A site's own rows are never here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Column, ForeignKey, Index, MetaData, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Role = Literal["root", "admin", "viewer"]
ROLES: tuple[str, ...] = ("viewer", "admin", "root")
"""From the least to the most; each may do what the ones before it may."""

JobStatus = Literal[
    "draft", "analysing", "analysed", "planning", "planned", "queued", "running", "done", "failed", "cancelled",
    "stale", "unknown",
]  # fmt: skip


class Base(DeclarativeBase):
    """Names every constraint, because a migration can only change what has a name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base  # Flask-SQLAlchemy makes its base at run time, where mypy cannot follow
else:
    Model = db.Model


def now() -> datetime:
    """This instant, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> str:
    """A random id that can stand in an address without telling how many there are."""
    return uuid4().hex


site_access = Table(
    "site_access",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("site_id", ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
)


class User(Model):
    """A person. A session is good for one ``session_epoch``: whatever ends sessions adds one to it."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(10))
    active: Mapped[bool] = mapped_column(default=True)
    session_epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    sites: Mapped[list[Site]] = relationship(secondary=site_access, back_populates="users", order_by="Site.title")

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Flask-Login's word for it."""
        return self.active

    def get_id(self) -> str:
        """The account and the epoch, as the session carries them."""
        return f"{self.id}.{self.session_epoch}"

    def may(self, role: str) -> bool:
        """Whether this role is enough for something that asks for ``role``."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Site(Model):
    """A live database that we may read and write. ``url_sealed`` is its address with the password, encrypted."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    url_sealed: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(String(500))
    dialect: Mapped[str] = mapped_column(String(20))
    profile: Mapped[str] = mapped_column(String(60))
    is_demo: Mapped[bool] = mapped_column(default=False)
    check_json: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    users: Mapped[list[User]] = relationship(secondary=site_access, back_populates="sites", order_by="User.username")
    backups: Mapped[list[Backup]] = relationship(back_populates="site", order_by="Backup.created_at.desc()")
    jobs: Mapped[list[RestoreJob]] = relationship(back_populates="site", order_by="RestoreJob.created_at.desc()")


class Backup(Model):
    """A stored file with a site's rows; never changed, known by its sha256. ``path`` is its key in the storage."""

    __tablename__ = "backup"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    origin: Mapped[str] = mapped_column(String(10), default="upload")
    kind: Mapped[str] = mapped_column(String(10), default="full")
    path: Mapped[str] = mapped_column(String(255))
    records: Mapped[int | None] = mapped_column(BigInteger)
    analysis_json: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    site: Mapped[Site] = relationship(back_populates="backups")
    created_by: Mapped[User | None] = relationship()


class RestoreJob(Model):
    """One restore from draft to done. Its status moves by compare-and-set only; a running one holds a lease."""

    __tablename__ = "restore_job"
    __table_args__ = (Index("ix_restore_job_status_lease_until", "status", "lease_until"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    backup_id: Mapped[str] = mapped_column(ForeignKey("backup.id"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(12), default="draft")
    choices_json: Mapped[str | None] = mapped_column(Text)
    analysis_json: Mapped[str | None] = mapped_column(Text)
    plan_json: Mapped[str | None] = mapped_column(Text)
    plan_digest: Mapped[str | None] = mapped_column(String(64))
    plan_path: Mapped[str | None] = mapped_column(String(255))
    outcome_json: Mapped[str | None] = mapped_column(Text)
    receipt_path: Mapped[str | None] = mapped_column(String(255))
    error_json: Mapped[str | None] = mapped_column(Text)
    phase: Mapped[str] = mapped_column(String(20), default="")
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    heartbeat_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    confirm_removal: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    site: Mapped[Site] = relationship(back_populates="jobs")
    backup: Mapped[Backup] = relationship()
    created_by: Mapped[User | None] = relationship()


class AuditEvent(Model):
    """Who did what, when, with what result. ``previous`` and ``digest`` chain the rows: see :mod:`webapp.audit`."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    username: Mapped[str] = mapped_column(String(80), default="")
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200), default="")
    detail_json: Mapped[str] = mapped_column(Text, default="{}")
    result: Mapped[str] = mapped_column(String(20), default="done")
    address: Mapped[str] = mapped_column(String(64), default="")
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    digest: Mapped[str] = mapped_column(String(64))


class Setting(Model):
    """A small fact about this installation."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
