// Patrols: what comes first, shares as text, lines on the ground.
import { describe, expect, it } from "vitest";
import { lengthOf, metresBetween, parseVertices, partOf, routeId, vertexText } from "../src/pages/patrols/line";
import { compareCoverage, compareDuties, dutyState, isShort, percent } from "../src/pages/patrols/order";
import { lasted } from "../src/pages/patrols/patrol-text";
import type { CoverageRow, Duty, LonLat } from "../src/pages/patrols/types";

const NORTH: LonLat[] = [[117.5, 43], [117.5, 43.01], [117.5, 43.02]];

describe("lines", () => {
  it("are as long as on the ground: a hundredth of a degree of latitude is 1.11 km", () => {
    expect(metresBetween([117.5, 43], [117.5, 43.01])).toBeCloseTo(1_111.95, 1);
    expect(lengthOf(NORTH)).toBeCloseTo(2_223.9, 0);
    expect(lengthOf([])).toBe(0);
  });
  it("are cut where a gap begins and ends, over a vertex between", () => {
    const part = partOf(NORTH, 500, 1_700);
    expect(part).toHaveLength(3);
    expect(lengthOf(part)).toBeCloseTo(1_200, 0);
    expect(part[1]).toEqual([117.5, 43.01]);
  });
  it("have no part past their end", () => {
    expect(partOf(NORTH, 3_000, 4_000)).toEqual([]);
    expect(lengthOf(partOf(NORTH, 2_000, 9_000))).toBeCloseTo(223.9, 0);
  });
  it("are read as people write them, and written so that they are read again", () => {
    expect(parseVertices("117.5, 43.3\n\n 117.6，43.4 ")).toEqual({ line: [[117.5, 43.3], [117.6, 43.4]] });
    expect(parseVertices(vertexText(NORTH))).toEqual({ line: NORTH });
    expect(parseVertices("117.5 43.3\n117.6")).toEqual({ wrong: 2 });
    expect(parseVertices("43.3, 117.5")).toEqual({ wrong: 1 });
    expect(parseVertices("a, b")).toEqual({ wrong: 1 });
  });
  it("are named by the legal time at which they were made", () => {
    expect(routeId(Date.parse("2026-04-01T00:00:05+08:00"))).toBe("route-20260401000005");
  });
});

describe("how long", () => {
  it("is told in two units, one where the second would be nothing", () => {
    expect([45, 248, 240, 6_723, 3_600].map((seconds) => lasted(seconds, "zh"))).toEqual(["45 秒", "4 分 8 秒", "4 分", "1 小时 52 分", "1 小时"]);
  });
});

describe("shares", () => {
  it("are never all nor nothing unless they are", () => {
    expect([0, 0.00001, 0.0021, 0.0585, 0.5, 0.9996, 1].map(percent)).toEqual(["0 %", "0.1 %", "0.2 %", "5.9 %", "50 %", "99 %", "100 %"]);
  });
});

const duty = (over: Partial<Duty>): Duty => ({ duty: "d", name: { zh: "", en: "" }, every: "week", times: 2, done: 0, due: "2026-04-05T16:00:00Z", overdue: false, devices: [], ...over });

describe("duties", () => {
  it("are overdue, to do or done", () => {
    expect([duty({ overdue: true }), duty({ done: 1 }), duty({ done: 2 })].map(dutyState)).toEqual(["overdue", "open", "done"]);
  });
  it("come by that, then by what is due soonest", () => {
    const list = [duty({ done: 2, duty: "a" }), duty({ duty: "b", due: "2026-05-01T00:00:00Z" }), duty({ duty: "c" }), duty({ duty: "d", overdue: true })];
    expect(list.sort(compareDuties).map((one) => one.duty)).toEqual(["d", "c", "b", "a"]);
  });
});

const zone = (id: string, share: number, blind_mu: number, blind_since: string | null = null): CoverageRow => ({
  zone: { id, name: id },
  kind: "no-grazing",
  closure: "enforce",
  area_mu: 100,
  watched: { hour: 0, day: 0, week: share },
  limit_h: 168,
  share_min: 0.5,
  watched_in_limit: share,
  blind_mu,
  blind_since,
});

describe("coverage", () => {
  it("has the told blind zones first, then the least watched, then the larger blind land", () => {
    const list = [zone("a", 0.9, 1), zone("b", 0, 10), zone("c", 0, 90), zone("d", 0.4, 5, "2026-04-01T00:00:00Z")];
    expect(list.sort(compareCoverage).map((one) => one.zone.id)).toEqual(["d", "c", "b", "a"]);
  });
  it("is short below what is asked, not at it", () => {
    expect([zone("a", 0.49, 1), zone("b", 0.5, 1)].map(isShort)).toEqual([true, false]);
  });
});
