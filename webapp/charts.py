"""Where things go in a chart: plain geometry for the SVG macros of templates/macros/charts.html."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.engine.answers import Counts


@dataclass(frozen=True)
class Tile:
    """A rectangle of a treemap; ``index`` is the position of its value in what was given."""

    index: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Segment:
    """A part of a stacked bar, in units of the bar's width."""

    name: str
    count: int
    x: float
    width: float


PARTS = ("insert", "update", "delete", "blocked", "skipped", "same")
"""What a bar of counts shows, most important first."""


def treemap(values: Sequence[float], width: float, height: float) -> list[Tile]:
    """Rectangles whose areas are as the values, as square as may be (Bruls, Huizing, van Wijk 2000)."""
    total = sum(values)
    if total <= 0:
        return []
    order = sorted((index for index, value in enumerate(values) if value > 0), key=lambda index: -values[index])
    scale = width * height / total
    waiting = [(index, values[index] * scale) for index in order]
    tiles: list[Tile] = []
    x, y = 0.0, 0.0
    while waiting:
        side = min(width, height)
        row = [waiting.pop(0)]
        while waiting and _worst([*row, waiting[0]], side) <= _worst(row, side):
            row.append(waiting.pop(0))
        thickness = sum(area for _, area in row) / side
        along = 0.0
        for index, area in row:
            length = area / thickness
            if width >= height:
                tiles.append(Tile(index, x, y + along, thickness, length))
            else:
                tiles.append(Tile(index, x + along, y, length, thickness))
            along += length
        if width >= height:
            x, width = x + thickness, width - thickness
        else:
            y, height = y + thickness, height - thickness
    return tiles


def _worst(row: Iterable[tuple[int, float]], side: float) -> float:
    areas = [area for _, area in row]
    total = sum(areas)
    return max(max(side * side * area / total**2, total**2 / (side * side * area)) for area in areas)


def stack(counts: Counts, width: float, least: float = 3.0, parts: Sequence[str] = PARTS) -> list[Segment]:
    """The parts of a bar. Every part that is not zero can be seen, so the widths are not quite in proportion."""
    shown = [(name, count) for name in parts if (count := getattr(counts, name))]
    total = sum(count for _, count in shown)
    spare = width - least * len(shown)
    segments: list[Segment] = []
    x = 0.0
    for name, count in shown:
        part = least + spare * count / total
        segments.append(Segment(name, count, x, part))
        x += part
    return segments


@dataclass(frozen=True)
class Dot:
    """A stored backup on the line of a plan's retention, from 0 (the oldest) to 1 (now)."""

    id: str
    at: datetime
    why: str
    x: float
    going: bool


def thinning(points: Sequence[tuple[datetime, str, str]], going: Collection[str], at: datetime) -> list[Dot]:
    """Where the backups of a plan lie in time. ``points``: when, why kept, id; ``going``: those that are pushed out next."""
    if not points:
        return []
    oldest = min(when for when, _, _ in points)
    span = max((at - oldest).total_seconds(), 1.0)
    return [
        Dot(id_, when, why, max(0.0, min(1.0, (when - oldest).total_seconds() / span)), id_ in going)
        for when, why, id_ in points
    ]
