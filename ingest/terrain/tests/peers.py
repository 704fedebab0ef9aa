"""Writes elevation models as GDAL does, of land whose height is known at each place, and where they have which height."""

import json
import math
import sys

import numpy
import pyproj
import rasterio
from rasterio.transform import from_origin

folder = sys.argv[1]


def height(lon, lat):
    """Hills of a few kilometres."""
    return 1300 + 150 * math.sin(lon * 90) + 100 * math.cos(lat * 110) + 2000 * (lat - 43.2)


def write(name, crs, origin, step, size, dtype, void=None, **profile):
    to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    columns, rows = size
    with rasterio.open(
        f"{folder}/{name}.tif", "w", driver="GTiff", width=columns, height=rows, count=1, dtype=dtype, nodata=void,
        crs=f"EPSG:{crs}", transform=from_origin(*origin, *step), **profile,
    ) as file:
        heights = numpy.zeros((rows, columns))
        for row in range(rows):
            x, y = rasterio.transform.xy(file.transform, [row] * columns, list(range(columns)))
            lon, lat = to_degrees.transform(x, y)
            heights[row] = [height(*place) for place in zip(lon, lat)]
        if void is not None:
            heights[:3, :5] = void
        file.write(heights.astype(dtype) if dtype.startswith("float") else numpy.rint(heights).astype(dtype), 1)
    with rasterio.open(f"{folder}/{name}.tif") as file:
        band = file.read(1)
        places = []
        # Half a cell around a model that is drawn anew is a guess.
        margin = 0 if crs in (4490, 4326) else 1
        for row in range(margin, rows - margin, 7):
            for column in range(margin, columns - margin, 11):
                lon, lat = to_degrees.transform(*file.xy(row, column))
                found = float(band[row, column])
                places.append([lon, lat, None if found == file.nodata else found])
        return {"places": places}


degrees = dict(origin=(117.3, 43.4), step=(1 / 1200, 1 / 1200), size=(150, 130))
metres = lambda zone: dict(origin=(zone + 525_000.0, 4_805_000.0), step=(90.0, 90.0), size=(140, 120))
expected = {
    "plain-4490-int16": write("plain-4490-int16", 4490, dtype="int16", **degrees),
    "tiled-4326-float-lzw": write(
        "tiled-4326-float-lzw", 4326, dtype="float32", tiled=True, blockxsize=64, blockysize=64, compress="lzw", predictor=3,
        **degrees,
    ),
    "strips-4326-void-deflate": write(
        "strips-4326-void-deflate", 4326, dtype="int16", void=-32768, compress="deflate", predictor=2, **degrees
    ),
    "float-void": write("float-void", 4490, dtype="float32", void=-3.4028234663852886e38, **degrees),
    "double-bigtiff": write("double-bigtiff", 4326, dtype="float64", BIGTIFF="YES", **degrees),
    "kruger-4548": write("kruger-4548", 4548, dtype="float32", compress="deflate", **metres(0)),
    "kruger-4527": write("kruger-4527", 4527, dtype="int16", void=-9999, **metres(39_000_000)),
    "utm-32650": write("utm-32650", 32650, dtype="float32", **metres(0)),
}
with open(f"{folder}/expected.json", "w") as file:
    json.dump(expected, file)
