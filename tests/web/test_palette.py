"""The palette can be read: WCAG 2.2 contrast of every pair of colours that carries text, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parent.parent.parent / "static" / "app.css").read_text()
ROOTS = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
LIGHT = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", ROOTS[0]))
DARK = LIGHT | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", ROOTS[1]))

TONES = ("insert", "update", "delete", "same", "skipped", "blocked")
PAIRS = [
    *((ink, ground) for ink in ("ink", "soft", "accent") for ground in ("paper", "card", "sunken")),
    ("accent-ink", "accent"),
    ("accent", "accent-wash"),
    ("ink", "accent-wash"),
    ("card", "delete"),
    *((tone, f"{tone}-wash") for tone in TONES),
    *(("ink", f"{tone}-wash") for tone in TONES),
    *((tone, "card") for tone in TONES),
]


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_its_ground(theme: dict[str, str]) -> None:
    weak = [f"{ink} on {ground}" for ink, ground in PAIRS if contrast(theme[ink], theme[ground]) < 4.5]
    assert weak == []


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_edge_of_a_field_can_be_seen(theme: dict[str, str]) -> None:
    assert contrast(theme["line-strong"], theme["card"]) >= 3
    assert contrast(theme["focus"], theme["paper"]) >= 3
