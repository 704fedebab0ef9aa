"""What other programs write and read: GDAL (in pyogrio), PROJ (in pyproj), GEOS (in shapely).

    peers.py write FOLDER   surveys in every format, and what PROJ says where their vertices are (expected.json)
    peers.py read FOLDER    what GDAL finds in the files of FOLDER that we wrote, as JSON
    peers.py valid FILE     whether GEOS finds every polygon of a GeoJSON valid
"""

import json
import random
import sys
import warnings
from pathlib import Path

import geopandas
import pyogrio
import pyproj
import shapely

warnings.filterwarnings("ignore")
KINDS = ["禁牧区", "草畜平衡区", "国有林场", "打草场"]


def fields(crs, count=4):
    """Neighbouring fields of a few kilometres with an enclave, in the coordinates of crs, as GDAL's users have them."""
    random.seed(7)
    to_crs = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True)
    rows = []
    for number in range(count):
        west, south = 117.2 + 0.03 * number, 43.1
        corners = [(west, south), (west + 0.03, south), (west + 0.03, south + 0.02), (west, south + 0.02)]
        hole = [(west + 0.01, south + 0.005), (west + 0.02, south + 0.005), (west + 0.015, south + 0.01)]
        project = lambda ring: [to_crs.transform(*point) for point in ring]
        polygon = shapely.Polygon(project(corners), [project(hole)])
        if number % 2:
            island = [(west, south + 0.03), (west + 0.01, south + 0.03), (west + 0.005, south + 0.04)]
            polygon = shapely.MultiPolygon([polygon, shapely.Polygon(project(island))])
        rows.append({"BSM": f"15042{number}", "地类名称": KINDS[number % 4], "面积": 1.5 * number, "geometry": polygon})
    return geopandas.GeoDataFrame(rows, crs=crs)


def expected(frame):
    """Every corner in WGS84 by PROJ; CGCS2000 counts as WGS84."""
    to_degrees = pyproj.Transformer.from_crs(frame.crs, "EPSG:4490", always_xy=True)
    return [[list(to_degrees.transform(x, y)) for x, y in shapely.get_coordinates(shape)] for shape in frame.geometry]


def write(folder):
    found = {}
    for code in (4490, 4326, 4527, 4548, 4498, 4509, 32650):
        frame = fields(f"EPSG:{code}")
        for encoding in ("GBK", "UTF-8"):
            name = f"shp_{code}_{encoding}"
            (folder / name).mkdir(parents=True, exist_ok=True)
            pyogrio.write_dataframe(frame, folder / name / "land.shp", encoding=encoding, promote_to_multi=True)
            found[name] = {"corners": expected(frame), "kind": "地类名称"}
            if code == 4527:
                # Without the file that states the encoding, and with heights.
                bare = f"shp_{code}_{encoding}_no_cpg"
                (folder / bare).mkdir(exist_ok=True)
                raised = frame.set_geometry(shapely.force_3d(frame.geometry, 1200.0))
                pyogrio.write_dataframe(raised, folder / bare / "land.shp", encoding=encoding)
                (folder / bare / "land.cpg").unlink(missing_ok=True)
                dbf = bytearray((folder / bare / "land.dbf").read_bytes())
                dbf[29] = 0
                (folder / bare / "land.dbf").write_bytes(dbf)
                found[bare] = {"corners": expected(frame), "kind": "地类名称"}
    for code in (4490, 4548, 4527):
        frame = fields(f"EPSG:{code}")
        name = f"gpkg_{code}"
        (folder / name).mkdir(exist_ok=True)
        pyogrio.write_dataframe(frame, folder / name / "land.gpkg", layer="禁牧区划")
        found[name] = {"corners": expected(frame), "kind": "地类名称"}
        name = f"json_{code}"
        (folder / name).mkdir(exist_ok=True)
        options = {} if code != 4490 else {"RFC7946": "YES"}
        pyogrio.write_dataframe(frame, folder / name / "land.geojson", driver="GeoJSON", COORDINATE_PRECISION=12, **options)
        found[name] = {"corners": expected(frame), "kind": "地类名称"}
    frame = fields("EPSG:4326")
    (folder / "kml").mkdir(exist_ok=True)
    pyogrio.write_dataframe(frame, folder / "kml" / "land.kml", driver="KML")
    found["kml"] = {"corners": expected(frame), "kind": "地类名称"}
    (folder / "expected.json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    # Places all over the country in every system that is read by its code, and their degrees.
    systems = []
    for code in [*range(4491, 4555), *range(32643, 32654)]:
        crs = pyproj.CRS.from_epsg(code)
        meridian = next(p.value for p in crs.coordinate_operation.params if p.name == "Longitude of natural origin")
        to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
        from_degrees = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
        places = [from_degrees.transform(meridian + random.uniform(-3.5, 3.5), random.uniform(18, 54)) for _ in range(200)]
        places = [[x, y, *to_degrees.transform(x, y)] for x, y in places]
        systems.append({"code": code, "texts": [crs.to_wkt("WKT1_ESRI"), crs.to_wkt("WKT1_GDAL"), crs.to_wkt()], "places": places})
    (folder / "systems.json").write_text(json.dumps(systems), encoding="utf-8")


def read(folder):
    answer = {}
    for file in sorted(folder.iterdir()):
        if file.suffix not in (".zip", ".geojson", ".kml"):
            continue
        frame = pyogrio.read_dataframe(f"/vsizip/{file}" if file.suffix == ".zip" else file)
        parts = [shape.geoms if shape.geom_type == "MultiPolygon" else [shape] for shape in frame.geometry]
        rings = lambda part: [list(part.exterior.coords), *(list(hole.coords) for hole in part.interiors)]
        answer[file.name] = {
            "crs": frame.crs.to_epsg(),
            "columns": [column for column in frame.columns if column != "geometry"],
            "rows": json.loads(frame.drop(columns="geometry").to_json(orient="records", force_ascii=False)),
            "valid": bool(all(frame.geometry.is_valid)),
            "rings": [sorted([point[:2] for point in ring[:-1]] for part in shape for ring in rings(part)) for shape in parts],
        }
    print(json.dumps(answer, ensure_ascii=False))


def valid(file):
    frame = pyogrio.read_dataframe(file)
    print(json.dumps([shapely.is_valid_reason(shape) for shape in frame.geometry]))


if __name__ == "__main__":
    {"write": write, "read": read, "valid": valid}[sys.argv[1]](Path(sys.argv[2]))
