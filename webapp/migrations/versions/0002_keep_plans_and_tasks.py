"""Keep backups, plans and tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database forward."""
    op.create_table(
        "backup_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("categories_json", sa.Text(), nullable=False),
        sa.Column("media", sa.Boolean(), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("frequency", sa.String(length=10), nullable=False),
        sa.Column("cron", sa.String(length=100), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=True),
        sa.Column("keep_count", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=True),
        sa.Column("last_at", sa.DateTime(), nullable=True),
        sa.Column("active_since", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_backup_plan_created_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_backup_plan_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_plan")),
        sa.UniqueConstraint("site_id", "name", name="uq_backup_plan_site_id_name"),
    )
    with op.batch_alter_table("backup_plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_backup_plan_next_at"), ["next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_backup_plan_site_id"), ["site_id"], unique=False)

    op.create_table(
        "task",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("backup_id", sa.String(length=32), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("answer_json", sa.Text(), nullable=True),
        sa.Column("error_json", sa.Text(), nullable=True),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["backup_id"], ["backup.id"], name=op.f("fk_task_backup_id_backup"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_task_created_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["backup_plan.id"], name=op.f("fk_task_plan_id_backup_plan"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_task_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_backup_id"), ["backup_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_task_status_lease_until", ["status", "lease_until"], unique=False)

    op.create_table(
        "restore_job_backup",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("backup_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["backup_id"], ["backup.id"], name=op.f("fk_restore_job_backup_backup_id_backup")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["restore_job.id"], name=op.f("fk_restore_job_backup_job_id_restore_job"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "backup_id", name=op.f("pk_restore_job_backup")),
    )
    with op.batch_alter_table("backup", schema=None) as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(10), type_=sa.String(12), existing_nullable=False)
        batch_op.add_column(sa.Column("format", sa.String(length=20), server_default="fixture", nullable=False))
        batch_op.add_column(sa.Column("base_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("plan_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("categories_json", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("media", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("encrypted", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("instant", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("verified_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("verified_problem", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("proven_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("drill_json", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("removed_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("removed_why", sa.String(length=200), server_default="", nullable=False))
        batch_op.create_index("ix_backup_site_id_created_at", ["site_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_backup_base_id"), ["base_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_backup_plan_id"), ["plan_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_backup_plan_id_backup_plan"), "backup_plan", ["plan_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(batch_op.f("fk_backup_base_id_backup"), "backup", ["base_id"], ["id"])

    with op.batch_alter_table("restore_job", schema=None) as batch_op:
        batch_op.create_index("ix_restore_job_site_id_created_at", ["site_id", "created_at"], unique=False)
        batch_op.add_column(sa.Column("kind", sa.String(length=10), server_default="restore", nullable=False))
        batch_op.add_column(sa.Column("scheduled_for", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("safety_id", sa.String(length=32), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_restore_job_safety_id_backup"), "backup", ["safety_id"], ["id"])

    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.add_column(sa.Column("media_root", sa.String(length=500), server_default="", nullable=False))
        batch_op.add_column(sa.Column("recipient", sa.String(length=120), server_default="", nullable=False))
        batch_op.add_column(sa.Column("identity_sealed", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """And back."""
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_column("identity_sealed")
        batch_op.drop_column("recipient")
        batch_op.drop_column("media_root")

    with op.batch_alter_table("restore_job", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_restore_job_safety_id_backup"), type_="foreignkey")
        batch_op.drop_column("safety_id")
        batch_op.drop_column("scheduled_for")
        batch_op.drop_column("kind")
        batch_op.drop_index("ix_restore_job_site_id_created_at")

    with op.batch_alter_table("backup", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_backup_base_id_backup"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_backup_plan_id_backup_plan"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_backup_plan_id"))
        batch_op.drop_index(batch_op.f("ix_backup_base_id"))
        batch_op.drop_index("ix_backup_site_id_created_at")
        batch_op.drop_column("removed_why")
        batch_op.drop_column("removed_at")
        batch_op.drop_column("drill_json")
        batch_op.drop_column("proven_at")
        batch_op.drop_column("verified_problem")
        batch_op.drop_column("verified_at")
        batch_op.drop_column("instant")
        batch_op.drop_column("pinned")
        batch_op.drop_column("encrypted")
        batch_op.drop_column("media")
        batch_op.drop_column("categories_json")
        batch_op.drop_column("plan_id")
        batch_op.drop_column("base_id")
        batch_op.drop_column("format")
        batch_op.alter_column("kind", existing_type=sa.String(12), type_=sa.String(10), existing_nullable=False)

    op.drop_table("restore_job_backup")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_status_lease_until")
        batch_op.drop_index(batch_op.f("ix_task_site_id"))
        batch_op.drop_index(batch_op.f("ix_task_plan_id"))
        batch_op.drop_index(batch_op.f("ix_task_created_at"))
        batch_op.drop_index(batch_op.f("ix_task_backup_id"))

    op.drop_table("task")
    with op.batch_alter_table("backup_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_backup_plan_site_id"))
        batch_op.drop_index(batch_op.f("ix_backup_plan_next_at"))

    op.drop_table("backup_plan")
