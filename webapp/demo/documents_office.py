"""Accounts, roles, types, sources, states and placeholders of the demo document system."""

from __future__ import annotations

import json

from webapp.demo import names
from webapp.demo.framework import install, unusable_password
from webapp.demo.ledger import Ledger, text

MODELS = (
    "auth.group",
    "auth.permission",
    "contenttypes.contenttype",
    "documents.document",
    "documents.documentaccesslog",
    "documents.documentdependency",
    "documents.documentsource",
    "documents.documenttype",
    "documents.documentversion",
    "placeholders.placeholderdefinition",
    "sessions.session",
    "users.role",
    "users.user",
    "users.userrole",
    "workflows.documentstate",
    "workflows.documenttransition",
    "workflows.documentworkflow",
    "audit.audittrail",
)
DOCUMENT = MODELS.index("documents.document") + 1
"""The content type of documents; primary keys count from 1 in the order of these tuples."""

RIGHTS = ("can_review_document", "can_approve_document", "can_obsolete_document")

GROUPS = {
    "Document Viewers": ("view_document",),
    "Document Authors": ("add_document", "change_document"),
    "Document Reviewers": ("can_review_document",),
    "Document Approvers": ("can_approve_document",),
    "Document Admins": ("change_document", "delete_document", "can_obsolete_document"),
}

ROLES = (
    ("Document Viewer", "O1", "read", None),
    ("Document Author", "O1", "write", 1),
    ("Document Reviewer", "O1", "review", 2),
    ("Document Approver", "O1", "approve", 3),
    ("Document Admin", "O1", "admin", 4),
    ("Schedule Viewer", "S1", "read", None),
    ("User Admin", "S2", "admin", None),
)
"""Name, module, permission level, and the number of the role that it inherits from."""

STAFF = (("admin", 1, 5), ("author", 9, 2), ("reviewer", 6, 3), ("approver", 4, 4), ("viewer", 5, 1))
"""Prefix of the user names, how many, and the number of their group and of their role."""

TYPES = (
    ("POL", "Policies", 10),
    ("SOP", "Standard Operating Procedures", 7),
    ("FRM", "Forms and Templates", 5),
    ("MAN", "Manuals", 10),
    ("REC", "Records", 15),
    ("PRO", "Protocols", 7),
)
"""Code, name, years of retention."""

SOURCES = ("Created in house", "Scanned original", "Supplier", "Authority")

CHAIN = (
    ("DRAFT", "Draft"),
    ("PENDING_REVIEW", "Pending review"),
    ("UNDER_REVIEW", "Under review"),
    ("REVIEWED", "Reviewed"),
    ("PENDING_APPROVAL", "Pending approval"),
    ("APPROVED_PENDING_EFFECTIVE", "Approved, not yet effective"),
    ("EFFECTIVE", "Effective"),
    ("SUPERSEDED", "Superseded"),
    ("OBSOLETE", "Obsolete"),
    ("TERMINATED", "Terminated"),
)

AUTHORS, REVIEWERS, APPROVERS = range(2, 11), range(11, 17), range(17, 21)
PEOPLE = 25
ADMIN = 1


def furnish(system: Ledger) -> None:
    """Write everything that documents refer to."""
    install(system, MODELS)
    _rights(system)
    _people(system)
    _roles(system)
    _catalogue(system)


def _rights(system: Ledger) -> None:
    system.insert(
        "auth_permission",
        [
            {"name": name.replace("_", " ").capitalize(), "content_type_id": DOCUMENT, "codename": name}
            for name in RIGHTS
        ],
    )
    numbers = dict(
        system.connection.execute(
            "SELECT codename, id FROM auth_permission WHERE content_type_id = ?", (DOCUMENT,)
        ).fetchall()
    )
    system.insert("auth_group", [{"name": name} for name in GROUPS])
    system.insert(
        "auth_group_permissions",
        [
            {"group_id": group, "permission_id": numbers[right]}
            for group, rights in enumerate(GROUPS.values(), 1)
            for right in rights
        ],
    )


def _people(system: Ledger) -> None:
    people = [(f"{prefix}{order:02d}", place) for prefix, many, place in STAFF for order in range(1, many + 1)]
    system.insert("users", [_person(system, number, name) for number, (name, _) in enumerate(people, 1)])
    system.insert(
        "users_groups",
        [
            {"user_id": number, "group_id": group}
            for number, (_, place) in enumerate(people, 1)
            for group in sorted({1, place})
        ],
    )
    reviewer = system.ids("SELECT id FROM auth_permission WHERE codename = 'can_review_document'")[0]
    system.insert("users_user_permissions", [{"user_id": APPROVERS[0], "permission_id": reviewer}])


def _person(system: Ledger, number: int, username: str) -> dict[str, object]:
    chief = number == ADMIN
    return {
        "id": number,
        "password": unusable_password(system),
        "last_login": text(system.before(system.chance.randint(1, 40))) if number % 4 else None,
        "is_superuser": chief,
        "username": username,
        "first_name": system.pick(*names.GIRLS, *names.BOYS),
        "last_name": system.pick(*names.SURNAMES),
        "email": f"{username}@documents.example",
        "is_staff": chief,
        "is_active": number != PEOPLE,
        "date_joined": text(system.before(800)),
        "uuid": system.uuid(),
        "employee_id": f"E{number:04d}" if number % 5 else None,
        "phone_number": system.mobile() if number % 3 else None,
        "department": system.pick("Quality", "Production", "Laboratory", "Stores"),
        "position": system.pick("Officer", "Scientist", "Lead", "Manager"),
        "is_validated": True,
        "validation_date": text(system.before(700)),
        "validation_expiry": None,
        "password_changed_at": text(system.before(100)),
        "mfa_enabled": False,
        "failed_login_attempts": 0,
        "account_locked_until": None,
        "metadata": json.dumps({"desk": f"B-{number}"}),
        "manager_id": None if chief else ADMIN,
        "created_by_id": None if chief else ADMIN,
    } | system.created(790)


def _roles(system: Ledger) -> None:
    system.insert(
        "roles",
        [
            {
                "uuid": system.uuid(),
                "name": name,
                "description": f"{name}.",
                "module": module,
                "permission_level": level,
                "is_active": True,
                "is_system_role": True,
                "metadata": "{}",
                "inherits_from_id": parent,
                "created_by_id": ADMIN,
            }
            | system.created(780)
            for name, module, level, parent in ROLES
        ],
    )
    places = [place for _, many, place in STAFF for _ in range(many)]
    grants = [(user, place) for user, place in enumerate(places, 1)] + [(ADMIN, 7), (APPROVERS[0], 3), (PEOPLE, 6)]
    system.insert(
        "user_roles",
        [
            {
                "uuid": system.uuid(),
                "assigned_at": text(system.before(system.chance.randint(300, 700))),
                "expires_at": None,
                "is_active": user != PEOPLE,
                "revoked_at": text(system.before(30)) if user == PEOPLE else None,
                "assignment_reason": system.pick("Joined the department", "Stands in for a colleague", ""),
                "revocation_reason": "Left the company" if user == PEOPLE else "",
                "metadata": "{}",
                "user_id": user,
                "role_id": role,
                "assigned_by_id": ADMIN,
                "revoked_by_id": ADMIN if user == PEOPLE else None,
            }
            for user, role in grants
        ],
    )


def _catalogue(system: Ledger) -> None:
    system.insert(
        "document_types",
        [
            {
                "uuid": system.uuid(),
                "name": name,
                "code": code,
                "description": f"{name} of the company.",
                "template_required": code == "FRM",
                "template_path": "",
                "approval_required": True,
                "review_required": True,
                "retention_years": years,
                "numbering_prefix": code,
                "numbering_format": "{prefix}-{year}-{number:04d}",
                "is_active": True,
                "metadata": "{}",
                "created_by_id": ADMIN,
            }
            | system.created(770)
            for code, name, years in TYPES
        ],
    )
    system.insert(
        "document_sources",
        [
            {
                "uuid": system.uuid(),
                "name": name,
                "source_type": name.split()[0].lower(),
                "description": "",
                "requires_verification": name != SOURCES[0],
                "requires_signature": name == "Authority",
                "is_active": True,
                "created_at": text(system.before(770)),
            }
            for name in SOURCES
        ],
    )
    system.insert(
        "workflow_document_states",
        [
            {"code": code, "name": name, "description": "", "is_initial": code == "DRAFT"}
            | {"is_final": code in ("SUPERSEDED", "OBSOLETE", "TERMINATED")}
            for code, name in CHAIN
        ],
    )
    system.insert("placeholder_definitions", [_placeholder(system, name) for name in PLACEHOLDERS])


PLACEHOLDERS = (
    "DOCUMENT_NUMBER",
    "DOCUMENT_TITLE",
    "VERSION_FULL",
    "AUTHOR_NAME",
    "REVIEWER_NAME",
    "APPROVER_NAME",
    "EFFECTIVE_DATE",
    "DOWNLOADED_DATE",
    "COMPANY_NAME",
)


def _placeholder(system: Ledger, name: str) -> dict[str, object]:
    dated = name.endswith("_DATE")
    return {
        "uuid": system.uuid(),
        "name": name,
        "display_name": name.replace("_", " ").capitalize(),
        "description": "",
        "placeholder_type": "date" if dated else "text",
        "data_source": "document",
        "source_field": name.lower(),
        "format_string": "",
        "date_format": "%d %B %Y" if dated else "",
        "default_value": "",
        "validation_rules": json.dumps({"required": name.startswith("DOCUMENT")}),
        "is_active": True,
        "requires_permission": "",
        "cache_duration": 0,
        "created_by_id": ADMIN,
    } | system.created(760)
