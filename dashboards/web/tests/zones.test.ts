// Land and its calendar: borders that cross themselves, what a file holds, a year of closures.
import { describe, expect, it } from "vitest";
import { attributesOf, borderState } from "../src/pages/zones/border";
import { dayOf, daysOf, monthDay, yearOf } from "../src/pages/zones/calendar";
import { areaMu, changesOf, hectares, landOf, matches, overlapsOf, rowsOf, selfCrossing, type Point } from "../src/pages/zones/land";
import type { Calendar, ClosureDecision, ClosureRule, Geometry, ZoneFacts } from "../src/pages/zones/types";

const ring: Point[] = [[117, 43], [117.01, 43], [117.01, 43.01], [117, 43.01], [117, 43]];
const square: Geometry = { type: "Polygon", coordinates: [ring] };
const zone: ZoneFacts = { id: "zone-2", name: "2号草畜平衡区", kind: "balance", township: "150425901", land_class: "grassland", authority: "township" };
const rule = (part: Partial<ClosureRule>): ClosureRule => ({
  name: "rest", kinds: ["balance"], townships: [], zones: [], land_classes: [], season: { from: "04-01", to: "06-15" },
  effective_from: null, effective_to: null, level: "enforce", legal_basis: "K", ...part,
});
const decision = (part: Partial<ClosureDecision>): ClosureDecision => ({
  id: 1, rule: "rest", year: 2026, first: "2026-04-01", last: "2026-06-30", adds: false, townships: [], zones: [], legal_basis: "12", ...part,
});
function days(calendar: Calendar, year = 2026): string[] {
  return yearOf(zone, calendar, year).map(({ first, last, level }) => `${monthDay(first, year)}..${monthDay(last, year)} ${level}`);
}

describe("a border", () => {
  it("that goes around once crosses itself nowhere, a bow tie in its middle", () => {
    expect(selfCrossing(ring)).toBeNull();
    expect(selfCrossing([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]])).toEqual([1, 1]);
  });
  it("has its area in mu within a third of a per cent", () => {
    // 0.01 degrees at 43 degrees north: 815 m by 1111 m.
    expect(Math.abs(areaMu(square) / 1_358 - 1)).toBeLessThan(0.003);
    expect(hectares(15)).toBeCloseTo(1);
  });
  it("tells its corners and where it crosses itself", () => {
    expect(borderState(square)).toMatchObject({ corners: 4, crossing: null });
    expect(borderState({ type: "MultiPolygon", coordinates: [[ring], [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]] }).crossing).toEqual([1, 1]);
  });
});

describe("neighbours", () => {
  const moved = (x: number, scale = 1): Geometry => ({ type: "Polygon", coordinates: [ring.map(([lon, lat]) => [117 + (lon - 117) * scale + x, 43 + (lat - 43) * scale])] });
  const rows = rowsOf({ type: "FeatureCollection", features: [{ type: "Feature", properties: zone, geometry: square }] });
  const found = (land: Geometry, own = "zone-9"): number => overlapsOf(land, rows, own).length;
  it("overlap where borders cross or one lies in the other", () => {
    expect([found({ type: "Polygon", coordinates: [[[117.005, 43.005], [117.02, 43.004], [117.02, 43.02], [117.005, 43.005]]] }), found(moved(0.002, 0.5))]).toEqual([1, 1]);
  });
  it("do not where they share a border, lie apart, or are the zone itself", () => {
    expect([found(moved(0.01)), found(moved(0.5)), found(square, "zone-2")]).toEqual([0, 0, 0]);
  });
});

describe("a zone as a file", () => {
  it("names who enforces only where that is not the law's own answer", () => {
    expect(attributesOf(zone)["enforcement_body"]).toBeNull();
    expect(attributesOf({ ...zone, authority: "forestry_squadron" })["enforcement_body"]).toBe("forestry_squadron");
    expect(attributesOf({ ...zone, kind: "forest-farm", land_class: "forest", authority: "forestry_squadron" })["enforcement_body"]).toBeNull();
  });
});

describe("a file before it is published", () => {
  const file = (coordinates: unknown): string => JSON.stringify({ features: [{ geometry: { type: "Polygon", coordinates } }, { geometry: null }] });
  it("shows its land where that is in degrees", () => {
    expect(landOf(file([ring]))).toEqual([square, null]);
    expect(landOf(file([[[39_500_000, 4_800_000]]]))).toEqual([]);
    expect(landOf("<kml/>")).toEqual([]);
  });
  it("is new, changed or the same land", () => {
    const present = new Map(rowsOf({ type: "FeatureCollection", features: [{ type: "Feature", properties: zone, geometry: square }] }).map((row) => [row.zone.id, row]));
    const feature = { index: 0, reason: null, version: 2, notes: [], difference: null };
    const other: Geometry = { type: "Polygon", coordinates: [ring.map(([x, y]) => [x + 1, y])] };
    expect(changesOf([{ ...feature, id: "zone-9", outcome: "published" }], [other], present)).toEqual([{ id: "zone-9", name: "zone-9", before: null, after: other }]);
    expect(changesOf([{ ...feature, id: "zone-2", outcome: "published" }], [other], present)).toMatchObject([{ before: square, after: other }]);
    expect(changesOf([{ ...feature, id: "zone-2", outcome: "unchanged" }], [other], present)).toMatchObject([{ before: square, after: square }]);
    expect(changesOf([{ ...feature, id: "zone-2", outcome: "published" }], [], present)).toEqual([]);
  });
});

describe("the list", () => {
  it("finds by name, kind, township and closure", () => {
    const [row] = rowsOf({ type: "FeatureCollection", features: [{ type: "Feature", properties: zone, geometry: square }] });
    const all = { text: "", kind: "", township: "", level: "" };
    expect(row && [all, { ...all, text: "平衡" }, { ...all, text: "ZONE-2" }, { ...all, level: "none" }].map((filter) => matches(row, filter))).toEqual([true, true, true, true]);
    expect(row && [{ ...all, kind: "reserve" }, { ...all, township: "1" }, { ...all, level: "enforce" }].map((filter) => matches(row, filter))).toEqual([false, false, false]);
  });
});

describe("a year of closures", () => {
  it("has the season of the rule, the stricter one where two meet", () => {
    const spring = rule({ name: "green-up", level: "warn", season: { from: "03-01", to: "04-10" } });
    expect(days({ rules: [spring, rule({})], decisions: [] })).toEqual(["03-01..03-31 warn", "04-01..06-15 enforce"]);
  });
  it("is all year without a season, and goes over the turn of the year", () => {
    expect(days({ rules: [rule({ season: null })], decisions: [] }, 2028)).toEqual(["01-01..12-31 enforce"]);
    expect(days({ rules: [rule({ season: { from: "11-01", to: "02-10" } })], decisions: [] })).toEqual(["01-01..02-10 enforce", "11-01..12-31 enforce"]);
    expect([daysOf(2028), dayOf("2028-02-29", 2028)]).toEqual([366, 59]);
  });
  it("follows the last decision of the year that is about this zone", () => {
    const decisions = [decision({}), decision({ id: 2, last: "2026-06-20" }), decision({ id: 3, last: "2026-07-30", townships: ["1"] })];
    expect(days({ rules: [rule({})], decisions })).toEqual(["04-01..06-20 enforce"]);
    expect(days({ rules: [rule({})], decisions }, 2027)).toEqual(["04-01..06-15 enforce"]);
    expect(days({ rules: [rule({})], decisions: [decision({ adds: true, first: "2026-08-01", last: "2026-08-05" })] })).toEqual(["04-01..06-15 enforce", "08-01..08-05 enforce"]);
  });
  it("leaves out rules of other land and other years", () => {
    expect(days({ rules: [rule({ kinds: ["forest"] }), rule({ zones: ["zone-3"] }), rule({ effective_to: "2025-12-31" })], decisions: [] })).toEqual([]);
  });
});
