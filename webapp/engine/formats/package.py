"""Packages of the document system: a tar (packed or not) or a zip with a fixture, the files of the system, and what is
written down of both.

    metadata.json
    database/database_backup.json   the fixture
    database/backup_metadata.json   {"total_records": ..., "model_counts": {...}}
    database/checksum.txt           "<sha256>  database_backup.json"
    storage/manifest.json           {"files": {path: {"size", "checksum", "modified"}}}
    storage/documents/...           files below documents/
    storage/media/...               all other files
    configuration/..., scripts/...  not read

A later generation has ``database.dump``, ``storage.tar.gz`` (the files, in an archive of their own) and ``manifest.json``.

Nothing is unpacked by name: members are gone through in their order, and what is said of them is held against what they are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from webapp.engine.answers import FilePart, Place, StoredFile
from webapp.engine.errors import ArchiveRefused, FileRefused, FilesUnreadable, PackageRefused
from webapp.engine.folder import flaw_of
from webapp.engine.formats import django_json, django_lines
from webapp.engine.formats.block import Block
from webapp.engine.formats.members import Found, Packing, fixture_reading, inside, packing_of, walk, zip_names
from webapp.engine.formats.postgresql_archive import read_dump
from webapp.engine.formats.recognition import open_text
from webapp.engine.formats.source import Report, Source, quiet

TITLE = "Package of a document system, with a Django fixture"
DUMPED = "Package of a document system, with a dump of PostgreSQL"

FIXTURE = "database/database_backup.json"
METADATA = "metadata.json"
COUNTS = "database/backup_metadata.json"
CHECKSUM = "database/checksum.txt"
MANIFEST = "storage/manifest.json"
DUMP = "database.dump"
PACKED_FILES = "storage.tar.gz"

LONGEST_MANIFEST = 1 << 26
"""Bytes of the list of files."""

_TEXTS = {
    METADATA: 1 << 20,
    COUNTS: 1 << 20,
    CHECKSUM: 1 << 16,
    MANIFEST: LONGEST_MANIFEST,
    "manifest.json": LONGEST_MANIFEST,
}
"""Members that are read whole, and how long they may be."""

_TOPS = ("database", "storage", "configuration", "scripts", METADATA, "manifest.json", DUMP, PACKED_FILES)
_SECRET = (".env", "secret", "password", "private", ".key", ".pem", "credential")
_PIECE = 1 << 20


def fits(path: Path, start: bytes) -> bool:
    """Whether a file is a tar, or a zip with the members of a package."""
    packing = packing_of(path, start)
    if packing != "zip":
        return packing is not None
    try:
        names = {_without_top(name) for name in zip_names(path)}
    except ArchiveRefused:
        return False
    return bool(names & {FIXTURE, MANIFEST, COUNTS})


def open_container(path: Path, name: str, sha256: str, size: int, repairs: frozenset[str]) -> Package:
    """The package as a source."""
    with path.open("rb") as file:
        packing = packing_of(path, file.read(1 << 12))
    assert packing is not None
    return Package(path, name, sha256, size, packing, repairs)


@dataclass
class _Survey:
    """What one pass over all members found."""

    texts: dict[str, bytes] = field(default_factory=dict)
    fixture: str = ""  # the member's name as the archive has it
    fixture_sha256: str = ""
    files: dict[str, StoredFile] = field(default_factory=dict)  # by the member's name
    others: Counter[str] = field(default_factory=Counter)  # members that are not read, by their folder
    secrets: int = 0
    dump: str = ""  # the name of the member that is a dump, where there is no fixture


@dataclass
class Package:
    """A package: records from its fixture, files from its storage."""

    path: Path
    name: str
    sha256: str
    size: int
    packing: Packing
    asked: frozenset[str]
    _inner: Source | None = None
    _walking: Iterator[tuple[str, Found]] | None = None

    @property
    def format(self) -> str:
        """What its records are in."""
        return DUMPED if self.survey.dump and not self.survey.fixture else TITLE

    @property
    def compression(self) -> str:
        """How it is packed."""
        return "" if self.packing == "tar" else self.packing

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was repaired in the fixture."""
        return self._inner.repairs if self._inner else ()

    @property
    def parts(self) -> tuple[FilePart, ...]:
        """No parts: one fixture."""
        return ()

    @property
    def partial(self) -> bool:
        """Whether records of the fixture are lost."""
        return self._inner is not None and self._inner.partial

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the package is not read, and what its manifest promises in vain."""
        found = []
        survey = self.survey
        if survey.others:
            listed = ", ".join(f"{name} ({count:,})" for name, count in sorted(survey.others.items()))
            found.append(f"The package also holds what is never restored: {listed}.")
        if survey.secrets:
            found.append(
                f"{survey.secrets:,} of that look like secrets. Keep this package where nobody else can read it."
            )
        lost = self._missing_files()
        if lost:
            found.append(f"Its manifest lists {len(lost):,} files that it does not hold, the first is {lost[0]}.")
        if not survey.fixture and not survey.dump:
            found.append("The package holds files only, and no records.")
        return tuple(found)

    def blocks(self, report: Report = quiet) -> Iterator[Block]:
        """The records of the fixture, once everything that is said of the package holds.

        Raises:
            PackageRefused: something does not.
        """
        survey = self.survey
        self._check_fixture()
        self._check_files()
        counts: Counter[str] = Counter()
        if survey.fixture:
            try:
                reading = fixture_reading(self.packing, self.size, survey.fixture)
                texts = (django_json, django_lines)
                self._inner = open_text(self.path, self.name, self.sha256, reading, texts, self.asked)
                for block in self._inner.blocks(report):
                    counts.update(record.model for record in block.records)
                    yield block
            except FileRefused as refused:
                raise _named(refused) from None
            if not self.partial:
                self._check_counts(counts)
        elif survey.dump:
            yield from self._dumped(survey.dump, report)

    def _dumped(self, name: str, report: Report) -> Iterator[Block]:
        for member in walk(self.path, self.packing, self.size):
            if member.name == name:
                try:
                    yield from read_dump(member)
                except FileRefused as refused:
                    raise _named(refused, DUMP) from None
        report("read", self.size, self.size)

    def files(self) -> Iterator[StoredFile]:
        """The files below ``storage``, in the order of the archive."""
        yield from self.survey.files.values()

    def read_file(self, sha256: str) -> Iterator[bytes]:
        """The content of a file. The archive is gone through on from the file that was read before."""
        wanted = self._by_content.get(sha256, set())
        for _ in range(2):
            if self._walking is None:
                self._walking = self._members()
            for name, member in self._walking:
                if name in wanted:
                    digest = hashlib.sha256()
                    while piece := member.read(_PIECE):
                        digest.update(piece)
                        yield piece
                    if digest.hexdigest() != sha256:
                        break
                    return
            self._walking = None
        raise FilesUnreadable(path=min(wanted, default=sha256[:12]), reason="its content is another one")

    @cached_property
    def _by_content(self) -> dict[str, set[str]]:
        """Names of the members with each content."""
        found: dict[str, set[str]] = {}
        for member, file in self.survey.files.items():
            found.setdefault(file.sha256, set()).add(member)
        return found

    @cached_property
    def survey(self) -> _Survey:
        """One pass over all members.

        Raises:
            FileRefused: the archive is damaged or hostile.
        """
        found, seen, paths = _Survey(), set[str](), set[str]()
        for full, member in self._members():
            plain = _plain(full)
            if plain.casefold() in seen:
                raise PackageRefused(reason=f"two members have the name {plain[:80]!r}")
            seen.add(plain.casefold())
            name = _without_top(plain)
            if name in _TEXTS:
                found.texts[name] = _whole(member, _TEXTS[name])
            elif name == FIXTURE:
                found.fixture = member.name
                found.fixture_sha256 = _digest(member)
            elif name.startswith(("storage/", f"{PACKED_FILES}/")):
                path = _path_in_site(name)
                if path.casefold() in paths:
                    raise PackageRefused(reason=f"two members are the file {path[:80]!r}")
                paths.add(path.casefold())
                found.files[full] = StoredFile(
                    path=path, sha256=_digest(member), size=member.size, modified=member.modified
                )
            elif name == DUMP:
                found.dump = member.name
            else:
                found.others[name.partition("/")[0]] += 1
                found.secrets += any(word in name.lower() for word in _SECRET)
        if not (found.fixture or found.dump or found.files):
            first = min(seen, default="nothing")
            raise PackageRefused(
                reason=f"it holds neither {FIXTURE} nor files in storage. It has {len(seen):,} members, the first is {first[:60]}"
            )
        self._date(found)
        return found

    def _members(self) -> Iterator[tuple[str, Found]]:
        """All members with their names; those of the archive inside the archive follow its name."""
        for member in walk(self.path, self.packing, self.size):
            if _without_top(member.name) != PACKED_FILES:
                yield member.name, member
                continue
            for each in inside(member):
                inner = each.name
                while inner.startswith("./"):
                    inner = inner[2:]
                yield f"{member.name}/{inner}", each

    # ------------------------------------------------------------ what is said of the members

    def _check_fixture(self) -> None:
        said = self.survey.texts.get(CHECKSUM)
        if said is None or not self.survey.fixture:
            return
        for line in said.decode("utf-8", "replace").splitlines():
            digest, _, name = line.strip().partition(" ")
            named = name.strip(" *").rpartition("/")[2]
            if named in ("", FIXTURE.rpartition("/")[2]) and digest.lower() != self.survey.fixture_sha256:
                raise PackageRefused(
                    reason=f"its checksum.txt says that {FIXTURE} has the sha256 {digest[:12]}…, and it has"
                    f" {self.survey.fixture_sha256[:12]}…: it is damaged or was changed"
                )

    def _check_counts(self, counts: Counter[str]) -> None:
        said = _object(self.survey.texts.get(COUNTS), COUNTS)
        total, models = said.get("total_records"), said.get("model_counts")
        if isinstance(models, dict):
            held = {label.casefold(): count for label, count in counts.items()}
            for label, count in models.items():
                if isinstance(count, int) and held.get(str(label).casefold(), 0) != count:
                    raise PackageRefused(
                        reason=f"its {COUNTS} counts {count:,} records of {str(label)[:60]}, and {FIXTURE} holds"
                        f" {held.get(str(label).casefold(), 0):,}"
                    )
        if isinstance(total, int) and total != sum(counts.values()):
            raise PackageRefused(
                reason=f"its {COUNTS} counts {total:,} records, and {FIXTURE} holds {sum(counts.values()):,}"
            )

    def _check_files(self) -> None:
        listed = _listed(self.survey)
        for file in self.survey.files.values():
            said = listed.get(file.path)
            if said is None:
                continue
            digest = said.get("checksum")
            if isinstance(digest, str) and len(digest) == 64 and digest.lower() != file.sha256:
                raise PackageRefused(
                    reason=f"the file {file.path} is not the one of its manifest: it is damaged or was changed"
                )
            if isinstance(said.get("size"), int) and said["size"] != file.size:
                raise PackageRefused(
                    reason=f"the file {file.path} has {file.size:,} bytes, and {said['size']:,} by its manifest"
                )

    def _missing_files(self) -> list[str]:
        held = {file.path for file in self.survey.files.values()}
        return sorted(path for path in _listed(self.survey) if path not in held)

    def _date(self, found: _Survey) -> None:
        """The manifest knows better than the archive when a file was written."""
        listed = _listed(found)
        for member, file in found.files.items():
            moment = _moment(listed.get(file.path, {}).get("modified"))
            if moment:
                found.files[member] = msgspec.structs.replace(file, modified=moment)


def _plain(name: str) -> str:
    """A member's name without ``./`` before it.

    Raises:
        PackageRefused: it is no relative path.
    """
    plain = name
    while plain.startswith("./"):
        plain = plain[2:]
    if flaw := flaw_of(plain):
        raise PackageRefused(reason=f"its member {name[:80]!r} is not allowed: {flaw}")
    return plain


def _without_top(name: str) -> str:
    """A member's name without the folder that everything may lie in."""
    while name.startswith("./"):
        name = name[2:]
    first, _, rest = name.partition("/")
    return rest if first not in _TOPS and rest.partition("/")[0] in _TOPS else name


def _path_in_site(name: str) -> str:
    """Where a member of ``storage`` belongs below the site's folder of files."""
    return name.removeprefix(f"{PACKED_FILES}/").removeprefix("storage/").removeprefix("media/")


def _listed(survey: _Survey) -> dict[str, dict[str, Any]]:
    """The files of the manifest, by their paths below the site's folder."""
    files = _object(survey.texts.get(MANIFEST), MANIFEST).get("files")
    if not isinstance(files, dict):
        return {}
    return {_path_in_site(_without_top(str(path))): said for path, said in files.items() if isinstance(said, dict)}


def _object(text: bytes | None, name: str) -> dict[str, Any]:
    """A JSON object; an empty one where the package has none."""
    if text is None:
        return {}
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PackageRefused(reason=f"its {name} is no JSON") from None
    return found if isinstance(found, dict) else {}


def _moment(said: object) -> str:
    """When a file was written, as an instant with its zone."""
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(said, int | float) and said > 0:
            return datetime.fromtimestamp(said, UTC).isoformat()
        if isinstance(said, str) and said:
            found = datetime.fromisoformat(said)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
    return ""


def _whole(member: Any, most: int) -> bytes:
    pieces, size = [], 0
    while piece := member.read(_PIECE):
        size += len(piece)
        if size > most:
            raise PackageRefused(reason=f"its member {member.name[:80]!r} has more than {most:,} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _digest(member: Any) -> str:
    digest = hashlib.sha256()
    while piece := member.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _named(refused: FileRefused, member: str = FIXTURE) -> FileRefused:
    """The refusal with the member that it is about."""
    if "where" not in refused.facts:
        return refused
    place = refused.place
    facts = {
        **refused.facts,
        "where": f"{refused.facts['where']} of {member}",
        "place": Place(record=place.record, byte=place.byte, line=place.line, file=place.file),
    }
    return type(refused)(**facts)
