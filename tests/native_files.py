"""Native backups taken apart and put together again, with a right seal, whatever is wrong inside."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from webapp.engine.formats import native_layout as layout


@dataclass(frozen=True)
class Member:
    """A member and its content."""

    name: str
    content: bytes

    @property
    def method(self) -> int:
        return layout.STORED if self.name.startswith("media/") else layout.DEFLATED

    def packed(self) -> bytes:
        if self.method == layout.STORED:
            return self.content
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(self.content) + deflate.flush()


def members(whole: bytes) -> list[Member]:
    """The members of a backup."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return [Member(name, archive.read(name)) for name in archive.namelist()]


def sealed(body: bytes) -> bytes:
    """A file whose end marker is right."""
    return body + layout.seal(hashlib.sha256(body).hexdigest())


def same(entry: layout.Entry) -> layout.Entry:
    return entry


def put_together(parts: Sequence[Member], lie: Callable[[layout.Entry], layout.Entry] = same) -> bytes:
    """A backup of these members; ``lie`` changes what the headers and the directory say of each."""
    body = b""
    entries = []
    for part in parts:
        packed = part.packed()
        told = lie(
            layout.Entry(part.name, part.method, zlib.crc32(part.content), len(packed), len(part.content), len(body))
        )
        entries.append(told)
        body += layout.header(told.name, told.method) + packed + layout.descriptor(told)
    directory = b"".join(layout.listed(entry) for entry in entries)
    return sealed(body + directory + layout.tail(len(entries), len(body), len(directory)))


def changed(parts: Sequence[Member], name: str, content: bytes, *, told: bool = True) -> list[Member]:
    """The members with another content of one; ``told`` says that the manifest knows of it."""
    found = [replace(part, content=content) if part.name == name else part for part in parts]
    if not told:
        return found

    def tell(manifest: dict[str, Any]) -> None:
        part = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if name == layout.FILES:
            manifest["files"]["listing"] = part
            return
        kind, _, rest = name.partition("/")
        manifest["tables"][int(rest.partition("-")[0]) - 1]["records" if kind == "tables" else "index"] = part

    return manifest_changed(found, tell)


def manifest_changed(parts: Sequence[Member], change: Callable[[dict[str, Any]], None]) -> list[Member]:
    """The members with another manifest, written as the program writes it."""
    manifest = json.loads(parts[-1].content)
    change(manifest)
    text = json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n"
    return [*parts[:-1], Member(layout.MANIFEST, text)]


def write(path: Path, whole: bytes) -> Path:
    path.write_bytes(whole)
    return path
