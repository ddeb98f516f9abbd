"""Duplicate keys are found by counting, and the count never errs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixture_files import overwrite
from webapp.engine.errors import MalformedFile
from webapp.engine.formats import recognise

NAMES = st.sampled_from(["a", "b", ":", '"', '":', "\\", '\\"', " :", "\\u0061", ""])
TEXTS = st.sampled_from(["", ":", '":', '\\":', '": 1, "a":', "\\", '\\\\"', ": x", " :", "a"])
SPACES = st.sampled_from(["", " ", "\t", "\r ", " \t "])


class Pairs(list[tuple[str, Any]]):
    """An object as a file may tell it: with names that repeat."""


VALUES = st.recursive(
    st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4).map(Pairs),
    max_leaves=8,
)
OBJECTS = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(Pairs)


def _write(value: Any, draw: st.DataObject) -> str:
    if isinstance(value, Pairs):
        pairs = [_name(name, draw) + draw.draw(SPACES) + ":" + draw.draw(SPACES) + _write(x, draw) for name, x in value]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(x, draw) for x in value) + "]"
    return json.dumps(value)


def _name(name: str, draw: st.DataObject) -> str:
    return r'"\u0061"' if name == "a" and draw.draw(st.booleans()) else json.dumps(name)


def _repeats(value: Any) -> bool:
    if isinstance(value, Pairs):
        return len({name for name, _ in value}) < len(value) or any(_repeats(x) for _, x in value)
    return isinstance(value, list) and any(_repeats(x) for x in value)


def _count(value: Any) -> int:
    """The keys that a reader consumes who lets the last of equal names win."""
    if isinstance(value, dict):
        return len(value) + sum(_count(x) for x in value.values())
    return sum(_count(x) for x in value) if isinstance(value, list) else 0


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats") / "backup"


@settings(max_examples=300)
@given(objects=st.lists(OBJECTS, min_size=1, max_size=3), lines=st.booleans(), draw=st.data())
def test_a_block_is_confirmed_if_and_only_if_no_name_repeats(
    file: Path, objects: list[Pairs], lines: bool, draw: st.DataObject
) -> None:
    records = [_write(Pairs([("model", "x"), ("fields", fields)]), draw) for fields in objects]
    overwrite(file, ("\n".join(records) if lines else f"[{', '.join(records)}]").encode())
    keys = sum(_count(json.loads(record)) for record in records)
    for known in (keys, None):
        blocks = list(recognise(file).blocks())
        if any(map(_repeats, objects)):
            with pytest.raises(MalformedFile, match="twice in one object"):
                _confirm(blocks, known)
        else:
            _confirm(blocks, known)


def _confirm(blocks: list[Any], keys: int | None) -> None:
    """Confirm blocks that hold ``keys`` together, each by what it holds itself."""
    for block in blocks:
        own = sum(_count(json.loads(bytes(record.fields))) + 2 for record in block.records)
        if len(blocks) == 1 and keys is not None:
            assert own <= keys
        block.confirm(None if keys is None else own)
