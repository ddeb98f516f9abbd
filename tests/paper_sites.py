"""A small site whose rows name files, its folder of files, and backups of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import packages, sites
from tests.restoring import Restoring
from webapp.engine import commands
from webapp.engine.answers import Choices, Outcome, Plan

DDL = """
CREATE TABLE "office_paper" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "title" varchar(80) NOT NULL UNIQUE,
  "file_path" varchar(200) NULL
);
CREATE TABLE "office_person" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" varchar(80) NOT NULL UNIQUE,
  "photo" varchar(200) NOT NULL
);
"""

PROFILE = """
name = "office"
[categories.papers]
title = "Papers"
tables = ["office_paper"]
[categories.people]
title = "People"
tables = ["office_person"]
[tables.office_paper]
title = "Papers"
name = "{title}"
keys = [["title"]]
files = ["file_path"]
[tables.office_person]
title = "People"
name = "{name}"
keys = [["name"]]
files = ["photo"]
"""

PAPERS = {1: "documents/2026/one.txt", 2: "documents/2026/two.txt", 3: "letters/three.txt", 4: None}
PEOPLE = {1: "photos/meera.png", 2: ""}

Files = dict[str, bytes]


def files() -> Files:
    """The files of the site, by path; one of them is named by no row."""
    named = [path for path in (*PAPERS.values(), *PEOPLE.values()) if path]
    return {path: f"This is {path}.\n".encode() for path in (*named, "notes/loose.txt")}


def records() -> list[dict[str, Any]]:
    """The rows of the site as a fixture has them."""
    papers = [
        {"model": "office.paper", "pk": key, "fields": {"title": f"Paper {key}", "file_path": path}}
        for key, path in PAPERS.items()
    ]
    people = [
        {"model": "office.person", "pk": key, "fields": {"name": f"Person {key}", "photo": path}}
        for key, path in PEOPLE.items()
    ]
    return papers + people


@dataclass
class Office(Restoring):
    """The site, and restores of packages into it."""

    media: Path = Path()

    def package(self, held: Mapping[str, bytes] | None = None, rows: list[dict[str, Any]] | None = None) -> Path:
        """A package of the site as :func:`records` and :func:`files` have it, or of others."""
        members = packages.contents(records() if rows is None else rows, files() if held is None else held)
        return packages.tar(self.folder / f"package-{next(self.numbers)}.tar.gz", members)

    def plan_of(self, package: Path, **choices: Any) -> tuple[Path, Plan]:
        """The plan file of a restore of a package, and its summary."""
        output = self.folder / f"{next(self.numbers)}.plan"
        plan = commands.make_plan(
            package,
            self.url,
            stages=self.folder / "stages",
            output=output,
            profile=self.profile,
            choices=Choices(**choices),
            media=self.media,
        )
        return output, plan

    def carry_out(self, package: Path, path: Path, plan: Plan, job: str = "") -> Outcome:
        """Apply a plan of a package."""
        job = job or f"job-{next(self.numbers)}"
        return commands.apply_plan(
            path,
            plan.digest,
            self.url,
            job=job,
            receipt=self.folder / f"{job}.receipt",
            confirm_removal=plan.removal,
            media=self.media,
            source=package,
        )

    def bring_back(self, package: Path, **choices: Any) -> Outcome:
        """Plan and apply."""
        path, plan = self.plan_of(package, **choices)
        assert plan.problem_count == 0, plan.problems
        return self.carry_out(package, path, plan)

    def held(self) -> Files:
        """What is in the folder, without what restores keep there."""
        return {
            path.relative_to(self.media).as_posix(): path.read_bytes()
            for path in sorted(self.media.rglob("*"))
            if path.is_file() and ".smart-restore" not in path.parts
        }

    def lay_out(self, held: Mapping[str, bytes]) -> None:
        """Write files into the folder."""
        for name, text in held.items():
            path = self.media / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)


def office(url: str, folder: Path, *, empty: bool = False) -> Office:
    """The site with its rows and files, or an empty one with an empty folder."""
    profile = folder / "office.toml"
    profile.write_text(PROFILE)
    media = folder / "media"
    media.mkdir()
    sites.build(url, DDL)
    site = Office(url, folder, str(profile), media=media)
    if not empty:
        sites.write(
            url,
            {
                "office_paper": [
                    {"id": key, "title": f"Paper {key}", "file_path": path} for key, path in PAPERS.items()
                ],
                "office_person": [{"id": key, "name": f"Person {key}", "photo": path} for key, path in PEOPLE.items()],
            },
        )
        site.lay_out(files())
    return site
