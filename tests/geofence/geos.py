"""What GEOS says of points and zones: an oracle, and a peer to measure beside.

In: ZONES, POINTS as `tests/bench/zone_sets.py` writes them, the first COUNT of the points, and how often to ask.
Out: one line of JSON with the seconds of the fastest time; OUT.inside and OUT.border, pairs of point and zone in
little-endian 32-bit words, of the points strictly inside and exactly on a border. Never: a point in both.

GEOS's own fast way: a tree of the zones' boxes, and prepared zones. Only the question is timed.
"""

import json
import sys
import time

import numpy as np
import shapely


def main(zones_path, points_path, count, times, out):
    zones = np.array(read_zones(np.fromfile(zones_path, "<i4")))
    xy = np.fromfile(points_path, "<i4").reshape(-1, 2)[: int(count)].astype(np.float64)
    tree = shapely.STRtree(zones)
    shapely.prepare(zones)
    points = shapely.points(xy)
    seconds = []
    for _ in range(int(times)):
        begun = time.perf_counter()
        of_point, of_zone = candidates(tree, points)
        inside = shapely.contains_xy(zones[of_zone], xy[of_point, 0], xy[of_point, 1])
        seconds.append(time.perf_counter() - begun)
    border = ~inside & shapely.intersects_xy(zones[of_zone], xy[of_point, 0], xy[of_point, 1])
    pairs = np.stack([of_point, of_zone], axis=1).astype("<u4")
    pairs[inside].tofile(f"{out}.inside")
    pairs[border].tofile(f"{out}.border")
    print(json.dumps({"seconds": min(seconds), "points": len(xy)}))


def candidates(tree, points):
    """Pairs of points and zones whose boxes hold them, zone by zone: a zone is then in the cache."""
    of_point, of_zone = tree.query(points)
    order = np.argsort(of_zone, kind="stable")
    return of_point[order], of_zone[order]


def read_zones(words):
    place = 0

    def take():
        nonlocal place
        place += 1
        return int(words[place - 1])

    def ring():
        nonlocal place
        length = 2 * take()
        place += length
        return words[place - length : place].reshape(-1, 2).astype(np.float64)

    def polygon():
        outline, *holes = [ring() for _ in range(take())]
        return shapely.Polygon(outline, holes)

    # A zone of one part is a polygon: GEOS is faster with it.
    zones = [[polygon() for _ in range(take())] for _ in range(take())]
    return [parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts) for parts in zones]


if __name__ == "__main__":
    main(*sys.argv[1:])
