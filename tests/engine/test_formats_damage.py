"""Damage is named precisely, and undone on request where that needs no guess. The file itself is never written to."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixture_files import COMPRESSIONS, Record, as_array, as_lines, overwrite, read_back, records_of
from tests.mutations import mutate
from webapp.engine.errors import (
    REPAIRS,
    EmptyBackup,
    FileRefused,
    MalformedFile,
    RepairRefused,
    TruncatedFile,
    UnknownFormat,
)
from webapp.engine.formats import diagnose, recognise

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"

RECORDS: list[Record] = [
    {"model": "a.b", "pk": pk, "fields": {"name": f"Zoë नमस्ते {pk}", "n": [pk, {"k": None}]}} for pk in range(1, 6)
]
ARRAY = as_array(RECORDS, ensure_ascii=False)
LINES = as_lines(RECORDS, ensure_ascii=False)
LOG = "[2026-03-12 02:00:01] INFO Größe: {ok}\nLoading settings ...\n".encode()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats") / "backup"


DAMAGED = [
    ("bom", b"\xef\xbb\xbf" + ARRAY),
    ("bom", b"\xef\xbb\xbf" + LINES),
    ("prefix", LOG + ARRAY),
    ("prefix", LOG + LINES),
    ("prefix", b"Dumping: " + ARRAY),
    ("utf16", ARRAY.decode().encode("utf-16")),
    ("utf16", LINES.decode().encode("utf-16-le")),
    ("utf16", b"\xfe\xff" + ARRAY.decode().encode("utf-16-be")),
    ("utf16", ARRAY.decode().encode("utf-32")),
    ("concatenated", as_array(RECORDS[:2]) + as_array([]) + b"\n" + as_array(RECORDS[2:], indent=1)),
    ("concatenated", as_array(RECORDS[:2]) + b",\n" + as_array(RECORDS[2:])),
    ("concatenated", "".join(json.dumps(record, indent=2) for record in RECORDS).encode()),
    ("concatenated", LINES.replace(b"\n", b"")),
]


@pytest.mark.parametrize("compression", ["", "gzip", "zip"])
@pytest.mark.parametrize(("kind", "text"), DAMAGED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_repair_is_named_and_then_made(file: Path, kind: str, text: bytes, compression: str) -> None:
    stored = COMPRESSIONS[compression](text)
    overwrite(file, stored)
    comma = text == DAMAGED[10][1]  # lists with a comma between them: it is the comma that does not belong
    with pytest.raises(MalformedFile) as refused:
        read_back(file, 50)
    if not comma:
        assert refused.value.repair == refused.value.problem().repair == kind
        assert f"--repair {kind}" in refused.value.hint
        assert [(each.kind, each.repairable) for each in diagnose(file)] == [(kind, True)]
    for chunk in (7, 1 << 20):
        source = recognise(file, "", {kind})
        assert records_of(source, chunk) == RECORDS
        assert (source.repairs, source.partial) == ((kind,), False)
    assert file.read_bytes() == stored


def test_a_sound_file_needs_no_repair_and_gets_none(file: Path) -> None:
    for text in (ARRAY, LINES, ARRAY.replace(b", ", b",\r\n"), LINES.replace(b"\n", b"\r\n")):
        overwrite(file, text)
        assert diagnose(file) == ()
        source = recognise(file, "", REPAIRS)
        assert records_of(source) == RECORDS
        assert (source.repairs, source.partial) == ((), False)


def test_several_kinds_of_damage_are_found_one_after_the_other(file: Path) -> None:
    text = LOG + as_array(RECORDS[:2]) + as_array(RECORDS[2:])[:-60]
    overwrite(file, text.decode().encode("utf-16"))
    assert [each.kind for each in diagnose(file)] == ["utf16", "prefix", "concatenated", "salvage"]
    source = recognise(file, "", {"utf16", "prefix", "concatenated", "salvage"})
    assert records_of(source) == RECORDS[:4]
    assert source.repairs == ("concatenated", "prefix", "salvage", "utf16")
    assert source.partial


@pytest.mark.parametrize(
    ("kind", "before", "after"), [("bom", b"\xef\xbb\xbf", b""), ("prefix", LOG, b""), ("concatenated", ARRAY, b"")]
)
def test_a_flaw_behind_a_repair_keeps_its_place_in_the_file(file: Path, kind: str, before: bytes, after: bytes) -> None:
    text = before + ARRAY.replace(b'"pk": 4', b'"pk": 04') + after
    overwrite(file, text)
    with pytest.raises(MalformedFile, match="number") as refused:
        read_back(file, 64, (kind,))
    assert refused.value.place.byte == text.index(b'"pk": 04') + 7


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_flaw_in_utf_16_is_placed_by_the_bytes_of_the_file(file: Path, encoding: str) -> None:
    text = "\ufeff" + ARRAY.decode().replace('"pk": 4', '"pk": 04')
    stored = text.encode(encoding)
    overwrite(file, stored)
    with pytest.raises(MalformedFile, match="number") as refused:
        read_back(file, 64, ("utf16",))
    at = len(text[: text.index('"pk": 04') + 7].encode(encoding))
    assert refused.value.place.byte == at
    assert f"byte {at:,}" in refused.value.message


def test_utf_16_that_is_none_is_refused(file: Path) -> None:
    good = ARRAY.decode().encode("utf-16")
    for stored, kind in ((good[:-1], TruncatedFile), (good[:100] + b"\x00\xd8" + good[100:], MalformedFile)):
        overwrite(file, stored)
        with pytest.raises(kind, match="not valid UTF-16"):
            read_back(file, 64, ("utf16",))


@pytest.mark.parametrize("compression", ["", "gzip", "bzip2", "xz", "lzma"])
@pytest.mark.parametrize("form", ["array", "lines", "xml"])
def test_salvage_gives_the_complete_records_before_the_cut(file: Path, form: str, compression: str) -> None:
    text = {"array": ARRAY, "lines": LINES, "xml": XML}[form]
    stored = COMPRESSIONS[compression](text)
    for length in range(20, len(stored) - 1, 1 if compression else 3):
        overwrite(file, stored[:length])
        cut = _refusal(file)
        if cut is None:
            assert text[:length].endswith((b"}", b"}\n"))  # lines, cut after one of them
            continue
        if not cut.repair:
            continue  # it is cut before the end of the first record
        assert (cut.code, cut.repair) == ("truncated_file", "salvage")
        source = recognise(file, "", {"salvage"})
        found = records_of(source, 64)
        assert source.partial
        assert found == RECORDS[: len(found)]
        if not compression:
            assert len(found) == text[:length].count({"array": b"}]}}", "lines": b"}]}}", "xml": b"</object>"}[form])


XML = (
    b'<?xml version="1.0"?><django-objects>'
    + b"".join(
        b'<object model="a.b" pk="%d"><field name="name">%s</field><field name="n" type="JSONField">%s</field></object>'
        % (record["pk"], record["fields"]["name"].encode(), json.dumps(record["fields"]["n"]).encode())
        for record in RECORDS
    )
    + b"</django-objects>"
)


def _refusal(file: Path) -> FileRefused | None:
    try:
        read_back(file)
    except FileRefused as refused:
        return refused
    return None


def test_without_a_complete_record_there_is_nothing_to_salvage(file: Path) -> None:
    overwrite(file, ARRAY[:30])
    with pytest.raises(TruncatedFile) as refused:
        read_back(file, repairs=("salvage",))
    assert refused.value.repair == ""


def test_other_damage_is_not_salvaged(file: Path) -> None:
    overwrite(file, ARRAY.replace(b'"pk": 4', b'"pk": 04'))
    with pytest.raises(MalformedFile, match="number"):
        read_back(file, repairs=tuple(REPAIRS))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (b"{}", EmptyBackup, "empty backup: it is {}"),
        (b' {"error": "dump failed"}\n', EmptyBackup, "dump failed"),
        (b'{"metadata": {"version": "1.0"}, "companies": []}', EmptyBackup, "not a list of records"),
        (b'{"data": [{"model": "a.b", "fields": {}}]}', UnknownFormat, "single JSON object"),
        (b'{"broken', UnknownFormat, "single JSON object"),
    ],
)
def test_an_object_instead_of_a_list_is_called_what_it_is(
    file: Path, text: bytes, kind: type[FileRefused], words: str
) -> None:
    overwrite(file, text)
    with pytest.raises(kind, match=words):
        recognise(file, "", REPAIRS)
    assert [(each.kind, each.repairable) for each in diagnose(file)] == [(kind.code, False)]


def test_an_unknown_repair_is_refused(file: Path) -> None:
    overwrite(file, ARRAY)
    with pytest.raises(RepairRefused, match="known are bom"):
        recognise(file, "", {"wish"})


@pytest.mark.parametrize("start", range(0, len(DAMAGED), 3))
def test_mutated_files_with_every_repair_are_read_or_refused(file: Path, start: int) -> None:
    seed = random.Random(start)
    repairs = set(REPAIRS)
    messages = set()
    for _ in range(400):
        overwrite(file, mutate(DAMAGED[start][1], seed))
        try:
            source = recognise(file, "", repairs)
            records_of(source, 1 << seed.randrange(4, 12))
        except FileRefused as refused:
            messages.add(refused.message)
        if seed.random() < 0.05:
            diagnose(file)
    assert not [message for message in messages if "not known)" in message]


# ---------------------------------------------------------------- mojibake

TEXTS = ["Zoë", "naïve café", "नमस्ते", "Ω≈ç", "5 €", "“quoted” – 🙂", "Łódź", "Привет"]


def misread(text: str, codec: str) -> str:
    """The text after a program has read its UTF-8 wrongly. Windows programs read undefined bytes as Latin-1 does."""
    if codec == "latin-1":
        return text.encode().decode("latin-1")
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode())


@pytest.mark.parametrize("ascii_only", [False, True], ids=["utf-8", "escaped"])
@pytest.mark.parametrize("codec", ["cp1252", "latin-1"])
@pytest.mark.parametrize("lines", [False, True], ids=["array", "lines"])
def test_mojibake_is_found_and_turned_back(file: Path, codec: str, lines: bool, ascii_only: bool) -> None:
    right: list[Record] = [
        {"model": "a.b", "pk": pk, "fields": {"t": text, "j": {"k": [text, "plain"]}}} for pk, text in enumerate(TEXTS)
    ]
    wrong = json.loads(json.dumps(right))
    for record in wrong:
        record["fields"]["t"] = misread(record["fields"]["t"], codec)
        record["fields"]["j"]["k"][0] = record["fields"]["t"]
    write = as_lines if lines else as_array
    overwrite(file, write(wrong, ensure_ascii=ascii_only))
    assert read_back(file) == wrong
    (damage,) = diagnose(file)
    assert (damage.kind, damage.repairable) == ("mojibake", True)
    assert (damage.samples[0].before, damage.samples[0].after) == (misread("Zoë", codec), "Zoë")
    source = recognise(file, "", {"mojibake"})
    assert records_of(source, 200) == right
    assert source.repairs == ("mojibake",)
    places = [block.place(index) for block in source.blocks() for index in range(len(block.records))]
    text = file.read_bytes()
    assert [text[place.byte :].startswith(b'{"model"') for place in places] == [True] * len(TEXTS)


def test_mixed_mojibake_is_not_turned_back(file: Path) -> None:
    overwrite(
        file, as_array([{"model": "a.b", "pk": 1, "fields": {"t": "Zo\u00c3\u00ab and Zoë"}}], ensure_ascii=False)
    )
    with pytest.raises(RepairRefused, match=r"Zo.* in record 1 cannot be turned back"):
        read_back(file, repairs=("mojibake",))


@pytest.mark.parametrize(
    "text", [*TEXTS, "CAFÉ…", "«CAFÉ»", "Spaß“", "SÃO PAULO", "À bientôt", "Â", "Ünal – Çelik™", "é" * 9, "ÉÈÊ©®"]
)
def test_ordinary_text_is_no_mojibake(file: Path, text: str) -> None:
    records: list[Record] = [{"model": "a.b", "pk": 1, "fields": {"t": text}}]
    for ascii_only in (True, False):
        overwrite(file, as_array(records, ensure_ascii=ascii_only))
        assert diagnose(file) == ()
        assert read_back(file, repairs=("mojibake",)) == records


@settings(max_examples=80, deadline=None)
@given(right=st.lists(st.text("aé ß€नम🙂Ł", min_size=1, max_size=8), min_size=1, max_size=4))
def test_whatever_is_turned_back_was_what_it_becomes(file: Path, right: list[str]) -> None:
    overwrite(file, as_array([_with(misread(text, "cp1252")) for text in right], ensure_ascii=False))
    assert read_back(file, repairs=("mojibake",)) == [_with(text) for text in right]


def _with(text: str) -> Record:
    return {"model": "a.b", "pk": 1, "fields": {"t": text}}
