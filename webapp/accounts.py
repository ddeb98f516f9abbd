"""Accounts: the people who may log in, for the pages and for the command line.

Each function commits what it did together with its line in the audit. Whatever takes something away from an account
(password, role, the account itself) also ends its sessions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select

from webapp import audit
from webapp.models import ROLES, Site, User, db
from webapp.passwords import hash_password, is_right, random_password
from webapp.refusals import (
    CurrentPasswordWrong,
    LastRoot,
    LoginRefused,
    RoleRefused,
    UnknownUser,
    UsernameRefused,
)

USERNAME = re.compile(r"[\w.@+-]{1,80}")


@dataclass(frozen=True)
class FirstRoot:
    """The account of a new installation, with the password that is shown once."""

    username: str
    password: str = field(repr=False)


def ensure_first_root() -> FirstRoot | None:
    """Make the first account of a new installation. None when there are accounts already."""
    if db.session.scalar(select(func.count()).select_from(User)):
        return None
    password = random_password()
    user = create_user("root", password, "root")
    return FirstRoot(user.username, password)


def canonical(username: str) -> str:
    """A name as it is kept: two spellings that look alike are one account."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def list_users() -> list[User]:
    """All accounts, by name."""
    return list(db.session.scalars(select(User).order_by(User.username)))


def find_user(username: str) -> User:
    """The account of that name.

    Raises:
        UnknownUser: there is none.
    """
    user = _by_name(username)
    if user is None:
        raise UnknownUser(username=username)
    return user


def log_in(username: str, password: str) -> User:
    """The account that name and password open. The refusal does not tell which of them was wrong.

    Raises:
        LoginRefused: wrong name, wrong password, or a disabled account.
    """
    user = _by_name(username)
    right = is_right(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        audit.note("login", canonical(username), result="refused", user=user)
        db.session.commit()
        raise LoginRefused
    audit.note("login", user.username, user=user)
    db.session.commit()
    return user


def create_user(username: str, password: str, role: str, sites: Sequence[Site] = ()) -> User:
    """Add an account.

    Raises:
        UsernameRefused, PasswordRefused, RoleRefused: nothing was added.
    """
    name = canonical(username)
    if not USERNAME.fullmatch(name):
        reason = "use letters, digits and . @ + - _, at most 80" if name else "it is empty"
        raise UsernameRefused(username=username, reason=reason, field="username")
    if _by_name(name):
        raise UsernameRefused(username=name, reason="it is taken", field="username")
    user = User(
        username=name, password_hash=hash_password(password, name), role=_known(role), active=True, session_epoch=0
    )
    user.sites = list(sites)
    db.session.add(user)
    audit.note("user.create", name, role=role, sites=[site.name for site in sites])
    db.session.commit()
    return user


def set_password(user: User, password: str) -> None:
    """Give an account a new password and end its sessions."""
    user.password_hash = hash_password(password, user.username)
    _end_sessions(user)
    audit.note("user.password", user.username)
    db.session.commit()


def change_password(user: User, current: str, password: str) -> None:
    """A person's own change: the current password proves that it is the person.

    Raises:
        CurrentPasswordWrong: it does not.
        PasswordRefused: the new one is not acceptable.
    """
    if not is_right(user.password_hash, current):
        audit.note("user.password", user.username, result="refused")
        db.session.commit()
        raise CurrentPasswordWrong(field="current")
    set_password(user, password)


def confirm(user: User, password: str) -> None:
    """Have a person who is signed in prove once more that it is they, before something that cannot be undone lightly.

    Raises:
        CurrentPasswordWrong
    """
    if not is_right(user.password_hash, password):
        audit.note("password.confirm", user.username, result="refused")
        db.session.commit()
        raise CurrentPasswordWrong(field="password")


def set_role(user: User, role: str) -> None:
    """Give an account another role and end its sessions."""
    if _known(role) == user.role:
        return
    if user.role == "root":
        _keep_a_root(user)
    before, user.role = user.role, role
    _end_sessions(user)
    audit.note("user.role", user.username, before=before, after=role)
    db.session.commit()


def set_sites(user: User, sites: Sequence[Site]) -> None:
    """Say which sites an admin or viewer works with."""
    user.sites = list(sites)
    audit.note("user.sites", user.username, sites=[site.name for site in sites])
    db.session.commit()


def disable(user: User) -> None:
    """Close an account; its sessions end at once and its name stays in the history."""
    if user.role == "root":
        _keep_a_root(user)
    user.active = False
    _end_sessions(user)
    audit.note("user.disable", user.username)
    db.session.commit()


def enable(user: User) -> None:
    """Open a closed account again."""
    user.active = True
    audit.note("user.enable", user.username)
    db.session.commit()


def end_sessions(user: User) -> None:
    """Sign an account out everywhere."""
    _end_sessions(user)
    audit.note("user.sign_out_everywhere", user.username)
    db.session.commit()


def _by_name(username: str) -> User | None:
    return db.session.scalar(select(User).where(User.username == canonical(username)))


def _known(role: str) -> str:
    if role not in ROLES:
        raise RoleRefused(role=role, field="role")
    return role


def _end_sessions(user: User) -> None:
    user.session_epoch = User.session_epoch + 1  # in SQL: two at once are two


def _keep_a_root(user: User) -> None:
    others = select(func.count()).where(User.role == "root", User.active, User.id != user.id)
    if user.active and not db.session.scalar(others):
        raise LastRoot(username=user.username)
