"""Any history of a site, backed up in any steps, can be gone back to at any of them."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import sites, small_sites
from tests.native_files import changed, manifest_changed, members, put_together, write
from tests.restoring import wipe
from webapp.engine import backups, commands
from webapp.engine.answers import Choices
from webapp.engine.errors import BaseMissing, BaseUnfit, ChainBroken
from webapp.engine.formats import as_chains, recognise

EXAMPLES = settings(
    max_examples=int(os.environ.get("LAW_EXAMPLES", "15")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

SCHEMA = """
CREATE TABLE "shop_customer" (
  "id" integer NOT NULL PRIMARY KEY,
  "name" varchar(20) NOT NULL,
  "updated_at" datetime NULL
);
CREATE TABLE "shop_price" (
  "item" varchar(10) NOT NULL,
  "day" integer NOT NULL,
  "amount" decimal(10, 2) NULL,
  PRIMARY KEY ("item", "day")
);
CREATE TABLE "log_event" (
  "what" varchar(20) NULL
);
"""
TABLES = ("log_event", "shop_customer", "shop_price")

KEYLESS = "log_event"
"""A table without a key is backed up and not restored: no row can be told from its like."""

words = st.sampled_from(("a", "b", "it''s", "é", ""))
keys = st.integers(1, 4)
days = st.integers(1, 2)

change = st.one_of(
    st.builds(
        "INSERT INTO shop_customer SELECT {0}, '{1}', '2026-01-0{2} 10:00:00' WHERE NOT EXISTS"
        " (SELECT 1 FROM shop_customer WHERE id = {0})".format,
        keys,
        words,
        days,
    ),
    st.builds("UPDATE shop_customer SET name = '{1}' WHERE id = {0}".format, keys, words),  # past the stamp
    st.builds("UPDATE shop_customer SET name = '{0}', updated_at = '2026-02-01 09:00:00'".format, words),
    st.builds(
        "UPDATE shop_customer SET id = id + 10 WHERE id = {0} AND NOT EXISTS (SELECT 1 FROM shop_customer WHERE id > 10)".format,
        keys,
    ),
    st.builds("DELETE FROM shop_customer WHERE id = {0}".format, keys),
    st.builds(
        "INSERT INTO shop_price SELECT '{0}', {1}, {2} WHERE NOT EXISTS"
        " (SELECT 1 FROM shop_price WHERE item = '{0}' AND day = {1})".format,
        words,
        days,
        st.sampled_from(("NULL", "1.50", "2")),
    ),
    st.builds("UPDATE shop_price SET amount = {1} WHERE day = {0}".format, days, st.sampled_from(("NULL", "1.50"))),
    st.builds("DELETE FROM shop_price WHERE item = '{0}'".format, words),
    # Rows without a key, many of them alike.
    st.builds("INSERT INTO log_event (what) VALUES ('{0}'), ('{1}'), (NULL)".format, words, words),
    st.builds("DELETE FROM log_event WHERE what = '{0}'".format, words),
    st.just("DELETE FROM log_event"),
)
histories = st.lists(st.lists(change, max_size=4), min_size=1, max_size=4)

State = dict[str, Counter[str]]


def state(url: str) -> State:
    """What the site holds, as the database says."""
    return {table: Counter(map(repr, sites.rows(url, table))) for table in TABLES}


def read(paths: list[Path]) -> dict[str, Counter[str]]:
    """What a chain yields."""
    (source,) = as_chains([recognise(path, path.name) for path in paths])
    found: dict[str, Counter[str]] = {}
    for block in source.blocks():
        for record in block.records:
            values = {"pk": json.loads(bytes(record.pk)), **json.loads(bytes(record.fields))}
            found.setdefault(record.model, Counter())[repr(values)] += 1
    return found


def restore(paths: list[Path], url: str, folder: Path) -> None:
    """Make a site what a chain says."""
    plan = commands.make_plan(
        paths,
        url,
        stages=folder,
        output=folder / "made.plan",
        choices=Choices(categories=("shop",), remove=True, origin="same"),
    )
    assert plan.ready, plan.problems
    commands.apply_plan(
        folder / "made.plan", plan.digest, url, job=os.urandom(8).hex(), receipt=folder / "r", confirm_removal=plan.removal
    )  # fmt: skip


@pytest.fixture
def shop(site_database: str) -> str:
    return sites.build(site_database, SCHEMA)


@EXAMPLES
@given(history=histories, data=st.data())
def test_any_point_of_any_history_comes_back(
    shop: str, tmp_path: Path, history: list[list[str]], data: st.DataObject
) -> None:
    wipe(shop)
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        chain: list[Path] = []
        states: list[State] = []
        fulls: list[Path] = []
        for number, step in enumerate([["SELECT 1"], *history]):
            sites.execute(shop, *step)
            states.append(state(shop))
            made = backups.make(shop, folder / f"{number}.srb", base=chain)
            chain.append(folder / f"{number}.srb")
            backups.make(shop, folder / f"full-{number}.srb")
            fulls.append(folder / f"full-{number}.srb")
            assert made.rows == sum(map(Counter.total, states[-1].values()))
            if number:
                before, after = states[-2], states[-1]
                assert made.records == sum((after[table] - before[table]).total() for table in TABLES)
        for number, full in enumerate(fulls):
            assert read(chain[: number + 1]) == read([full])
        point = data.draw(st.integers(0, len(history)))
        restore(chain[: point + 1], shop, folder)
        expected = {**states[point], KEYLESS: Counter()}
        assert {**state(shop), KEYLESS: Counter()} == expected
        wipe(shop)
        restore(chain[: point + 1], shop, folder)
        assert state(shop) == expected


# ---------------------------------------------------------------- what is no chain


@pytest.fixture
def chain(sqlite: str, tmp_path: Path) -> list[Path]:
    """Three points of the library."""
    small_sites.library(sqlite)
    paths: list[Path] = []
    for number, change in enumerate(
        ("SELECT 1", "DELETE FROM library_loan WHERE id = 1", "UPDATE library_tag SET title = 'x'")
    ):
        sites.execute(sqlite, change)
        backups.make(sqlite, tmp_path / f"{number}.srb", base=paths)
        paths.append(tmp_path / f"{number}.srb")
    return paths


def test_the_order_of_the_files_makes_no_difference_but_for_the_last(chain: list[Path]) -> None:
    expected = read(chain)
    for before in itertools.permutations(chain[:-1]):
        assert read([*before, chain[-1]]) == expected


def test_a_base_that_is_missing_is_named(chain: list[Path]) -> None:
    for given_paths in ([chain[2]], [chain[0], chain[2]], [chain[1], chain[2]]):
        with pytest.raises(BaseMissing, match=r"increment on the backup [0-9a-f]{32}"):
            backups.check(given_paths)


def test_a_base_is_known_by_its_bytes_and_not_only_by_its_id(chain: list[Path]) -> None:
    """The same id in another file: somebody wrote the backup anew."""
    other = write(chain[0], put_together(members(chain[0].read_bytes())))
    assert backups.check(other)
    with pytest.raises(ChainBroken, match="another sha256"):
        backups.check(chain)


def test_a_row_that_is_nowhere_is_named(chain: list[Path], tmp_path: Path) -> None:
    """The last file's index names a row that neither it nor its bases hold."""
    parts = members(chain[1].read_bytes())
    index = next(part for part in parts if part.name.startswith("index/") and part.name.endswith("library_tag"))
    lines = index.content.splitlines(keepends=True)
    forged = b"".join([b"0" * 32 + lines[0][32:], *lines[1:]])
    total = f"{sum(int(line[:32], 16) for line in forged.splitlines()) % 2**128:032x}"

    def tell(manifest: dict[str, Any]) -> None:
        (table,) = (each for each in manifest["tables"] if each["table"] == "library_tag")
        table["digest"] = total

    made = put_together(manifest_changed(changed(parts, index.name, forged), tell))
    with pytest.raises(ChainBroken, match="library_tag"):
        backups.check([chain[0], write(tmp_path / "made.srb", made)])


def test_an_increment_needs_a_base_of_the_same_structure(chain: list[Path], sqlite: str, tmp_path: Path) -> None:
    output = tmp_path / "made.srb"
    sites.execute(sqlite, "ALTER TABLE library_tag ADD COLUMN more varchar(5)")
    with pytest.raises(BaseUnfit, match="another structure"):
        backups.make(sqlite, output, base=chain)
    write(tmp_path / "no.srb", b"{}")
    with pytest.raises(BaseUnfit, match="no native backup"):
        backups.make(sqlite, output, base=[tmp_path / "no.srb"])
    damaged = chain[2].read_bytes()
    write(chain[2], damaged[:300] + b"?" + damaged[301:])
    with pytest.raises(BaseUnfit, match="damaged"):
        backups.make(sqlite, output, base=chain)
    assert not output.exists()


def test_an_increment_is_of_the_tables_of_its_base(shop: str, tmp_path: Path) -> None:
    backups.make(shop, tmp_path / "log.srb", categories=("log",))
    for categories in ((), ("shop",)):
        with pytest.raises(BaseUnfit, match="other tables"):
            backups.make(shop, tmp_path / "made.srb", base=[tmp_path / "log.srb"], categories=categories)


def test_two_chains_and_other_files_are_restored_together(chain: list[Path], sqlite: str, tmp_path: Path) -> None:
    """Files that belong to a chain count as one; what else is given stands beside it."""
    backups.make(sqlite, tmp_path / "other.json", format="fixture")
    sources = as_chains([recognise(path, path.name) for path in (*chain, tmp_path / "other.json")])
    assert [source.name for source in sources] == ["2.srb", "other.json"]
