"""Whatever is written is read back, in any style, compression and size of block."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixture_files import COMPRESSIONS, Record, as_array, as_lines, overwrite, read_back
from webapp.engine.errors import FileRefused, TruncatedFile
from webapp.engine.formats import recognise
from webapp.engine.formats.block import Block

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"

# Strings that look like the borders of records, of keys, of escapes and of numbers that are too long.
TRICKS = st.sampled_from(
    [
        '},{"model"',
        '"}}, {"model": "x", "fields": {',
        "}\n{",
        '":',
        ":)",
        '\\":',
        "\\",
        "\\u0000",
        "\\ud800",
        "[[[[",
        "1" * 50,
        "1e500,",
        "नमस्ते 🙂",
        "\u2028\n\t",
        " : ",
    ]
)
TEXTS = TRICKS | st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12)
NUMBERS = st.integers(-(10**40) + 1, 10**40 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "model": TEXTS,
            "pk": st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2),
            "fields": st.dictionaries(TEXTS, VALUES, max_size=5),
        }
    ),
    max_size=12,
)
STYLES = st.fixed_dictionaries(
    {"ensure_ascii": st.booleans(), "separators": st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :")])}
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats") / "backup"


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=RECORDS,
    style=STYLES,
    indent=st.sampled_from([None, 0, 2]),
    compression=st.sampled_from(sorted(COMPRESSIONS)),
    chunk=st.sampled_from([1, 7, 64, 300, 1 << 20]),
)
def test_an_array_is_read_as_it_was_written(
    file: Path, records: list[Record], style: dict[str, Any], indent: int | None, compression: str, chunk: int
) -> None:
    overwrite(file, COMPRESSIONS[compression](as_array(records, indent=indent, **style)))
    assert recognise(file).compression == compression
    assert read_back(file, chunk) == records


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=RECORDS.filter(bool),
    style=STYLES,
    end=st.sampled_from([b"\n", b"\r\n", b" \n\n \t\n"]),
    compression=st.sampled_from(sorted(COMPRESSIONS)),
    chunk=st.sampled_from([1, 7, 64, 300, 1 << 20]),
)
def test_lines_are_read_as_they_were_written(
    file: Path, records: list[Record], style: dict[str, Any], end: bytes, compression: str, chunk: int
) -> None:
    overwrite(file, COMPRESSIONS[compression](as_lines(records, **style).replace(b"\n", end)))
    assert recognise(file).compression == compression
    assert read_back(file, chunk) == records


@settings(max_examples=200)
@given(records=RECORDS.filter(bool), lines=st.booleans(), chunk=st.sampled_from([64, 300, 1 << 20]))
def test_every_record_knows_its_place(file: Path, records: list[Record], lines: bool, chunk: int) -> None:
    text = as_lines(records) if lines else as_array(records, indent=1)
    overwrite(file, text)
    number = 0
    for block in recognise(file).blocks(chunk=chunk):
        assert text[block.byte :].startswith(block.text)
        for index in range(len(block.records)):
            number += 1
            place = block.place(index)
            assert place.record == number
            assert place.line == (number if lines else None)
            assert place.byte is not None
            found, _ = json.JSONDecoder().raw_decode(text[place.byte :].decode())
            assert found == records[number - 1]


SMALL: list[Record] = [
    {
        "model": "school.student",
        "pk": 1,
        "fields": {"name": 'Zoë \\ "}, {" 🙂', "fee": "12.50", "tags": [1, {"a": -1.5e3}]},
    },
    {"model": "school.student", "pk": "b", "fields": {}},
    {"model": "school.class", "fields": {"open": True, "left": None}},
]


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"ensure_ascii": False}])
def test_every_truncation_of_an_array_is_refused(file: Path, compression: str, style: dict[str, Any]) -> None:
    whole = COMPRESSIONS[compression](as_array(SMALL, **style))
    for length in range(len(whole)):
        overwrite(file, whole[:length])
        with pytest.raises(FileRefused) as refused:
            read_back(file, 64)
        assert refused.value.code != "refused"


def test_a_truncated_array_is_called_truncated(file: Path) -> None:
    whole = as_array(SMALL, ensure_ascii=False)
    for length in range(2, len(whole)):
        overwrite(file, whole[:length])
        with pytest.raises(TruncatedFile) as refused:
            read_back(file)
        assert refused.value.place.byte is not None
        assert refused.value.place.byte <= length


def test_every_truncation_of_lines_is_refused_or_ends_with_a_whole_record(file: Path) -> None:
    whole = as_lines(SMALL, ensure_ascii=False)
    complete = {sum(map(len, whole.splitlines(keepends=True)[:count])): count for count in range(1, 4)}
    for length in range(11, len(whole)):
        overwrite(file, whole[:length])
        count = complete.get(length, complete.get(length + 1))
        if count is None:
            with pytest.raises(TruncatedFile):
                read_back(file, 64)
        else:
            assert [record["fields"] for record in read_back(file)] == [record["fields"] for record in SMALL[:count]]


def test_empty_lists_have_no_records(file: Path) -> None:
    for text in (b"[]", b" \r\n[ \t]\n"):
        overwrite(file, text)
        assert read_back(file, 1) == []


def test_a_block_stays_small_while_the_file_grows(file: Path) -> None:
    record = {"model": "a.b", "pk": 1, "fields": {"text": "x" * 1000}}
    overwrite(file, as_array([record] * 3000))
    sizes = [len(block.text) for block in recognise(file).blocks(chunk=1 << 16)]
    assert max(sizes) < 2 << 16


def test_progress_counts_stored_bytes(file: Path) -> None:
    overwrite(file, COMPRESSIONS["gzip"](as_array(SMALL)))
    told: list[tuple[str, int, int]] = []
    for _ in recognise(file).blocks(lambda *progress: told.append(progress)):
        pass
    size = file.stat().st_size
    assert told[-1] == ("read", size, size)


def test_equal_key_counts_are_enough_to_confirm(file: Path) -> None:
    overwrite(file, as_array(SMALL))
    for block in _blocks(file):
        block.confirm(3 + 3 + 2 + 3 + 1 + 2)  # each record's own keys, its fields', and those inside them


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("school/*.json")) or [None], ids=lambda path: path and path.stem)
def test_the_sample_files_of_a_real_school_are_read(sample: Path | None) -> None:
    if sample is None:
        pytest.skip("the sample files of other programs are not here (../shared/samples)")
    assert read_back(sample, 5000) == [
        {"model": record["model"], "pk": record.get("pk"), "fields": record["fields"]}
        for record in json.loads(sample.read_text())
    ]


def _blocks(file: Path) -> Iterator[Block]:
    return recognise(file).blocks()


def test_places_are_the_same_in_whatever_order_they_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(
        "[" + ",\n ".join(f'{{"model": "a.b", "pk": {n}, "fields": {{"x": {{}}}}}}' for n in range(20)) + "]"
    )
    block = next(iter(recognise(file).blocks()))
    wanted = [file.read_bytes().index(b'{"model": "a.b", "pk": %d,' % n) for n in range(len(block.records))]
    assert len(wanted) > 15
    for n in (*range(len(wanted)), 14, 3, 3, 0, 7):
        assert block.place(n).byte == wanted[n]
    assert block.place(99).byte is None
