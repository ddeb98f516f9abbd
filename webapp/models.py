"""The app database: who, which sites, which backups, what was asked for and what was done.

Times are naive UTC. Answers of the engine are kept as the JSON text that :mod:`msgspec` wrote, so that a page shows
later exactly what was said then. A site's own rows are never here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Column, ForeignKey, Index, MetaData, String, Table, Text, UniqueConstraint, false
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
    """A live database that we may read and write. ``url_sealed`` is its address with the password, encrypted.

    ``media_root`` is the folder of its files, empty when it has none. Its backups can be encrypted for ``recipient`` (an
    age public key); ``identity_sealed`` is the secret key to it, encrypted, empty when somebody else keeps it.
    """

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
    media_root: Mapped[str] = mapped_column(String(500), default="", server_default="")
    recipient: Mapped[str] = mapped_column(String(120), default="", server_default="")
    identity_sealed: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    users: Mapped[list[User]] = relationship(secondary=site_access, back_populates="sites", order_by="User.username")
    backups: Mapped[list[Backup]] = relationship(back_populates="site", order_by="Backup.created_at.desc()")
    jobs: Mapped[list[RestoreJob]] = relationship(back_populates="site", order_by="RestoreJob.created_at.desc()")

    @property
    def media(self) -> Path | None:
        """The folder of its files, if it has one."""
        return Path(self.media_root) if self.media_root else None


class Backup(Model):
    """A stored file with a site's rows; never changed, known by its sha256. ``path`` is its key in the storage.

    ``path`` is empty while the file is being made, when it could not be made (``note`` says why) and when it was removed
    (``removed_at``). ``instant`` is the moment of the snapshot. ``verified_at`` is when its bytes were last looked at and
    ``verified_problem`` what was wrong with them; ``proven_at`` is when a drill last restored it whole.
    """

    __tablename__ = "backup"
    __table_args__ = (Index("ix_backup_site_id_created_at", "site_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    origin: Mapped[str] = mapped_column(String(10), default="upload")
    kind: Mapped[str] = mapped_column(String(12), default="full")
    path: Mapped[str] = mapped_column(String(255))
    records: Mapped[int | None] = mapped_column(BigInteger)
    analysis_json: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    format: Mapped[str] = mapped_column(String(20), default="fixture", server_default="fixture")
    base_id: Mapped[str | None] = mapped_column(ForeignKey("backup.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("backup_plan.id", ondelete="SET NULL"), index=True)
    categories_json: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    media: Mapped[bool] = mapped_column(default=False, server_default=false())
    encrypted: Mapped[bool] = mapped_column(default=False, server_default=false())
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    instant: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    verified_problem: Mapped[str] = mapped_column(Text, default="", server_default="")
    proven_at: Mapped[datetime | None]
    drill_json: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None]
    removed_why: Mapped[str] = mapped_column(String(200), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    site: Mapped[Site] = relationship(back_populates="backups")
    base: Mapped[Backup | None] = relationship(remote_side=[id])
    plan: Mapped[BackupPlan | None] = relationship(back_populates="backups")
    created_by: Mapped[User | None] = relationship()


class BackupPlan(Model):
    """A schedule: what is backed up of a site, when, and how long it is kept.

    ``cron`` holds the five fields for every frequency but ``demand``, read in ``timezone``. ``next_at`` is when it is due
    (naive UTC, None when it never is by itself); of several missed times one is caught up. ``last_at`` is the due time that
    was claimed last; whatever was due before ``active_since`` (enabled, or another schedule) is not missed.
    """

    __tablename__ = "backup_plan"
    __table_args__ = (UniqueConstraint("site_id", "name", name="uq_backup_plan_site_id_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(12), default="full")
    categories_json: Mapped[str] = mapped_column(Text, default="[]")
    media: Mapped[bool] = mapped_column(default=False)
    format: Mapped[str] = mapped_column(String(20), default="native")
    encrypted: Mapped[bool] = mapped_column(default=False)
    frequency: Mapped[str] = mapped_column(String(10))
    cron: Mapped[str] = mapped_column(String(100), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="UTC")
    keep_days: Mapped[int | None]
    keep_count: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    last_at: Mapped[datetime | None]
    active_since: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    site: Mapped[Site] = relationship()
    backups: Mapped[list[Backup]] = relationship(back_populates="plan", order_by="Backup.created_at.desc()")
    created_by: Mapped[User | None] = relationship()


class Task(Model):
    """Work on a backup that changes no site: making, verifying or drilling it. Held by a lease, as a restore job is.

    ``kind`` is ``backup``, ``verify`` or ``drill``; ``status`` is ``queued``, ``running``, ``done``, ``failed`` or
    ``cancelled``. ``due_at`` is when a plan wanted it; ``attempts`` counts how often a worker began it.
    """

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_status_lease_until", "status", "lease_until"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(10))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    backup_id: Mapped[str] = mapped_column(ForeignKey("backup.id", ondelete="CASCADE"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("backup_plan.id", ondelete="SET NULL"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(12), default="queued")
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    answer_json: Mapped[str | None] = mapped_column(Text)
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
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    site: Mapped[Site] = relationship()
    backup: Mapped[Backup] = relationship()
    plan: Mapped[BackupPlan | None] = relationship()
    created_by: Mapped[User | None] = relationship()


restore_job_backup = Table(
    "restore_job_backup",
    Base.metadata,
    Column("job_id", ForeignKey("restore_job.id", ondelete="CASCADE"), primary_key=True),
    Column("backup_id", ForeignKey("backup.id"), primary_key=True),
)


class RestoreJob(Model):
    """One restore from draft to done. Its status moves by compare-and-set only; a running one holds a lease.

    ``kind`` is ``restore`` or ``reset``; a reset names the backup that was made before it. ``more`` are the other files
    of a restore of several. ``scheduled_for`` is when an approved plan is to run: it is planned anew then, and done only
    if nothing moved. ``safety_id`` is the backup of the affected tables that was made just before.
    """

    __tablename__ = "restore_job"
    __table_args__ = (
        Index("ix_restore_job_status_lease_until", "status", "lease_until"),
        Index("ix_restore_job_site_id_created_at", "site_id", "created_at"),
    )

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
    kind: Mapped[str] = mapped_column(String(10), default="restore", server_default="restore")
    scheduled_for: Mapped[datetime | None]
    safety_id: Mapped[str | None] = mapped_column(ForeignKey("backup.id"))
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    site: Mapped[Site] = relationship(back_populates="jobs")
    backup: Mapped[Backup] = relationship(foreign_keys=[backup_id])
    safety: Mapped[Backup | None] = relationship(foreign_keys=[safety_id])
    more: Mapped[list[Backup]] = relationship(secondary=restore_job_backup, order_by="Backup.created_at")
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
