"""Files in a plan and in an analysis, as text for a person at a terminal."""

from __future__ import annotations

from webapp.cli.text import counts_table, plain, reasons, size
from webapp.engine.answers import Analysis, Plan


def of_plan(found: Plan) -> list[str]:
    """What becomes of the files, below the rows."""
    files = found.files
    if files is None:
        return []
    if files.state == "no_folder":
        return ["", f"Files: {files.held:,} in the backup are left out, for no folder is known. --media DIR names it."]
    if files.state == "not_chosen":
        return ["", f"Files: {files.held:,} in the backup are left out, as you chose."]
    lines = ["", *counts_table([("all files", files.counts)], files.counts, "Folder")[:-1]]
    if files.size:
        lines.append(f"{size(files.size)} are to be written.")
    lines += reasons("Files left out:", files.reasons)
    for gap in files.gaps:
        lines.append(plain(f"{gap.rows:,} of {gap.title} name a file that is nowhere, for example {gap.examples[0]}"))
    return lines


def of_analysis(found: Analysis) -> list[str]:
    """What a backup carries of files."""
    files = found.files
    if files is None or not files.count:
        return []
    lines = ["", f"Files: {files.count:,}, {size(files.size)}; {files.named:,} records name one of them"]
    if files.loose:
        lines.append(f"  {files.loose:,} files that no record names")
    if files.missing:
        lines.append(f"  {files.missing:,} records name a file that the backup does not hold")
    return lines
