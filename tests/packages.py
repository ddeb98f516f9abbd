"""Packages of a document system for tests, made with Python's own archives: what tests read must not come from what they test."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

Record = Mapping[str, object]

MOMENT = datetime(2026, 3, 11, 18, 30, tzinfo=UTC)


def contents(records: Iterable[Record] | bytes, files: Mapping[str, bytes] = {}) -> dict[str, bytes]:
    """The members of a package, as the document system writes them."""
    rows = [] if isinstance(records, bytes) else list(records)
    fixture = records if isinstance(records, bytes) else json.dumps(rows, default=str).encode()
    counts = Counter(str(row["model"]) for row in rows)
    stored = {
        f"storage/{path if path.startswith('documents/') else 'media/' + path}": text for path, text in files.items()
    }
    return {
        "metadata.json": json.dumps({"export_timestamp": MOMENT.isoformat(), "export_type": "full"}).encode(),
        "database/database_backup.json": fixture,
        "database/backup_metadata.json": json.dumps({"total_records": len(rows), "model_counts": counts}).encode(),
        "database/checksum.txt": f"{hashlib.sha256(fixture).hexdigest()}  database_backup.json\n".encode(),
        "storage/manifest.json": json.dumps(
            {
                "files": {
                    path.removeprefix("storage/"): {
                        "size": len(text),
                        "checksum": hashlib.sha256(text).hexdigest(),
                        "modified": MOMENT.isoformat(),
                    }
                    for path, text in stored.items()
                }
            }
        ).encode(),
        **stored,
        "configuration/environment.env": b"SECRET=practice",
        "scripts/restore.sh": b"exit 1\n",
    }


def tar(path: Path, members: Mapping[str, bytes], *, mode: str = "w:gz", before: str = "./") -> Path:
    """An archive of these members."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is one of its own
        for name, text in members.items():
            info = tarfile.TarInfo(before + name)
            info.size = len(text)
            info.mtime = MOMENT.timestamp()
            archive.addfile(info, io.BytesIO(text))
    return path


def zipped(path: Path, members: Mapping[str, bytes], *, before: str = "") -> Path:
    """The same as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(before + name, text)
    return path
