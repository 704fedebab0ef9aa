// Finding, survey coordinates, measuring and clusters: what the map computes.
import { LineString, Polygon } from "ol/geom";
import { fromLonLat } from "ol/proj";
import { describe, expect, it } from "vitest";
import { find, middleOf, placeIn, type Findable } from "../src/map/find";
import { gaussOf, gaussZone } from "../src/map/gauss";
import { cluster } from "../src/map/geometry";
import { measuredOf } from "../src/map/measure";

describe("typed coordinates", () => {
  it.each(["43.3 117.5", "43.3,117.5", "43.3，117.5", "117.5 43.3", "43.3°N 117.5°E", "北纬43.3 东经117.5"])("%s is a place", (text) => {
    expect(placeIn(text)).toEqual({ lat: 43.3, lon: 117.5 });
  });
  it.each(["43.3", "cam-01", "43.3 217.5", "3号禁牧区"])("%s is none", (text) => {
    expect(placeIn(text)).toBeNull();
  });
});

describe("a search", () => {
  const thing = (id: string, name: string): Findable => ({ kind: "zone", id, name, words: "", place: { lat: 43, lon: 117 } });
  it("puts beginnings before the rest and stops at the most", () => {
    const things = [thing("a", "巴彦3号"), thing("b", "3号禁牧区"), thing("c", "8号")];
    expect(find(things, "3号", 5).map(({ id }) => id)).toEqual(["b", "a"]);
    expect(find(things, "号", 1)).toHaveLength(1);
    expect(find(things, " ", 5)).toEqual([]);
  });
  it("flies to the middle of a zone", () => {
    expect(middleOf([[[[117, 43], [118, 43], [118, 44], [117, 43]]]])).toEqual({ lat: 43.5, lon: 117.5 });
    expect(middleOf([])).toBeNull();
  });
});

describe("3-degree zones", () => {
  it("have the codes of their meridians", () => {
    expect(gaussZone(117.5)).toEqual({ zone: 39, meridian_deg: 117, epsg: 4548 });
    expect(gaussZone(75)?.epsg).toBe(4534);
    expect(gaussZone(135)?.epsg).toBe(4554);
    expect(gaussZone(0)).toBeNull();
  });
  it("count from the equator and from 500 km west of the meridian", async () => {
    const on = await gaussOf({ lat: 43.3, lon: 117 });
    expect(on?.y_m).toBeCloseTo(500_000, 3);
    // The length of the meridian to 43.3 degrees, 111,133 m a degree on the mean there.
    expect(on?.x_m).toBeGreaterThan(4_795_000);
    expect(on?.x_m).toBeLessThan(4_797_500);
    expect((await gaussOf({ lat: 43.3, lon: 117.5 }))?.y_m).toBeGreaterThan(540_000);
  });
});

describe("the ruler", () => {
  const at = (lat: number, lon: number): number[] => fromLonLat([lon, lat]);
  it("measures on the ground, not on the map", () => {
    const line = measuredOf(new LineString([at(43, 117), at(44, 117)]));
    expect(line?.kind === "line" && line.length_m).toBeCloseTo(111_195, -2);
    const area = measuredOf(new Polygon([[at(43, 117), at(43, 117.01), at(43.01, 117.01), at(43.01, 117), at(43, 117)]]));
    expect(area?.kind === "area" && area.area_m2 / 1_000).toBeCloseTo(904.2, 0);
  });
});

describe("incidents seen from afar", () => {
  it("stand together with a count, the first for all", () => {
    const marks = [[0, 0], [1, 1], [50, 0]];
    expect(cluster(marks, (mark) => mark, 10)).toEqual([{ first: [0, 0], count: 2 }, { first: [50, 0], count: 1 }]);
    expect(cluster(marks, (mark) => mark, 0)).toHaveLength(3);
  });
});
