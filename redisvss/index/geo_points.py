"""Points on the globe, one or several per document, and which lie within a radius.

Positions are kept at the precision of Redis's 52-bit geohash (26 bits each way, under 0.6 m), because that is what
RediSearch compares: a document on the rim of a circle falls on the same side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from redisvss.index.bitmaps import bitmap_of

Floats = NDArray[np.float64]

EARTH_RADIUS_M = 6372797.560856  # Redis's geohash_helper.c
MAX_LATITUDE = 85.05112878
MAX_LONGITUDE = 180.0
_STEPS = float(1 << 26)
_FIRST_CAPACITY = 1024


def _snap(value: Floats, limit: float) -> Floats:
    """The middle of the geohash cell that holds the value."""
    cell = np.floor((value + limit) / (2 * limit) * _STEPS)
    return (np.minimum(cell, _STEPS - 1) + 0.5) / _STEPS * 2 * limit - limit


def haversine(lon: float | Floats, lat: float | Floats, lons: Floats, lats: Floats) -> Floats:
    """Metres between one point and many, or many and as many; degrees, longitude first."""
    u = np.sin(np.radians(lats - lat) / 2)
    v = np.sin(np.radians(lons - lon) / 2)
    a = u * u + np.cos(np.radians(lat)) * np.cos(np.radians(lats)) * v * v
    metres: Floats = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(a, 1.0)))
    return metres


class GeoPoints:
    """Rows of (doc_id, lon, lat); a document's rows are replaced together, freed rows are reused."""

    def __init__(self) -> None:
        self.docs = BitMap()
        self._lon: Floats = np.full(_FIRST_CAPACITY, np.nan)
        self._lat: Floats = np.full(_FIRST_CAPACITY, np.nan)
        self._doc: NDArray[np.uint32] = np.zeros(_FIRST_CAPACITY, np.uint32)
        self._rows: dict[int, list[int]] = {}
        self._free: list[int] = []
        self._used = 0

    def put(self, doc_id: int, points: list[tuple[float, float]]) -> None:
        """points: (lon, lat) in degrees, at least one."""
        rows = [self._take_row() for _ in points]
        lons, lats = np.array(points).T
        self._lon[rows] = _snap(lons, MAX_LONGITUDE)
        self._lat[rows] = _snap(lats, MAX_LATITUDE)
        self._doc[rows] = doc_id
        self._rows[doc_id] = rows
        self.docs.add(doc_id)

    def remove(self, doc_id: int) -> None:
        rows = self._rows.pop(doc_id, [])
        self._lat[rows] = np.nan  # never near anything
        self._free.extend(rows)
        self.docs.discard(doc_id)

    def within(self, lon: float, lat: float, metres: float) -> BitMap:
        """Documents with a point at most that far away.

        A band of latitudes is cut first with two comparisons; the trigonometry runs on what is left.
        """
        lats = self._lat[: self._used]
        band = np.degrees(metres / EARTH_RADIUS_M) * (1 + 1e-9)
        rows = np.flatnonzero(np.abs(lats - lat) <= band)
        near = haversine(lon, lat, self._lon[rows], lats[rows]) <= metres
        return bitmap_of(self._doc[rows[near]])

    def _take_row(self) -> int:
        if self._free:
            return self._free.pop()
        if self._used == len(self._lon):
            self._lon, self._lat = (np.concatenate([a, np.full(len(a), np.nan)]) for a in (self._lon, self._lat))
            self._doc = np.concatenate([self._doc, np.zeros_like(self._doc)])
        self._used += 1
        return self._used - 1

    def memory_bytes(self) -> int:
        return self._lon.nbytes + self._lat.nbytes + self._doc.nbytes + 120 * len(self._rows)
