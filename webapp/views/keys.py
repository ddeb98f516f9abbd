"""The key of a site's backups: made, taken from somebody, given back, forgotten. For roots."""

from __future__ import annotations

from flask import Blueprint, Response, flash, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp import keys
from webapp.audit import note
from webapp.engine.errors import Refusal
from webapp.models import Backup, Site, db
from webapp.views.fragments import see_other
from webapp.views.permissions import allow, find_site

blueprint = Blueprint("keys", __name__, url_prefix="/sites/<int:site_id>/encryption")

LONGEST_KEY_FILE = 64 << 10


@blueprint.get("/")
@allow("root")
def page(site_id: int) -> str:
    """Whether new backups are encrypted, and who can open them."""
    return _page(find_site(site_id))


@blueprint.post("/make")
@allow("root")
def make(site_id: int) -> Response:
    """A new key for new backups; the keys of old ones stay."""
    site = find_site(site_id)
    keys.make(site)
    flash("New backups are encrypted from now on. Save the key file now, away from the backups.")
    return see_other(url_for("keys.page", site_id=site.id))


@blueprint.post("/use")
@allow("root")
def use(site_id: int) -> Response | tuple[str, int]:
    """Encrypt for a public key whose secret one somebody else keeps."""
    site = find_site(site_id)
    try:
        keys.use(site, request.form.get("recipient", ""))
    except Refusal as refusal:
        return _page(site, refusal, "use"), 422
    flash("New backups are encrypted for this key.")
    return see_other(url_for("keys.page", site_id=site.id))


@blueprint.post("/give")
@allow("root")
def give(site_id: int) -> Response | tuple[str, int]:
    """Keep the secret keys of a key file here, so that backups can be opened."""
    site = find_site(site_id)
    file = request.files.get("file")
    sent = file.stream.read(LONGEST_KEY_FILE) if file is not None and file.filename else b""
    try:
        added = keys.give(site, sent, request.form.get("passphrase", ""))
    except Refusal as refusal:
        return _page(site, refusal, "give"), 422
    flash("The key is kept here now." if added else "This key was kept here already.")
    return see_other(url_for("keys.page", site_id=site.id))


@blueprint.post("/file")
@allow("root")
def file(site_id: int) -> AnyResponse:
    """The key file, protected by a passphrase where one was given."""
    site = find_site(site_id)
    content, ending = keys.sealed_key_file(site, request.form.get("passphrase", ""))
    note("key.download", site.name, site=site.name)
    db.session.commit()
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{site.name}-backup-key{ending}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/forget")
@allow("root")
def forget(site_id: int) -> Response:
    """Remove the secret keys from this installation."""
    site = find_site(site_id)
    keys.forget(site)
    flash("The secret key is not kept here any more. Opening an encrypted backup needs the key file.")
    return see_other(url_for("keys.page", site_id=site.id))


@blueprint.post("/stop")
@allow("root")
def stop(site_id: int) -> Response:
    """Encrypt no more new backups."""
    site = find_site(site_id)
    keys.stop(site)
    flash("New backups are not encrypted. The ones that are stay so.")
    return see_other(url_for("keys.page", site_id=site.id))


def _page(site: Site, refusal: Refusal | None = None, where: str = "") -> str:
    encrypted = db.session.query(Backup).filter(Backup.site_id == site.id, Backup.encrypted, Backup.path != "").count()
    return render_template(
        "sites/encryption.html",
        site=site,
        kept=keys.is_kept(site),
        held=len(keys.secrets_of(site)),
        encrypted=encrypted,
        refusal=refusal,
        where=where,
    )
