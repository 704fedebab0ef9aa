// The queue: storms as one row, and which rows of a long list are drawn.
import { describe, expect, it } from "vitest";
import { queueItems, STORM_CASES_MIN, STORM_WINDOW_MS, stormsOf } from "../src/pages/watch/storms";
import { followed } from "../src/pages/watch/wall";
import { edgesOf, rowAt, topToShow, windowOf } from "../src/rows";
import type { Incident } from "../src/types";

const START = Date.parse("2026-04-22T01:00:00Z");
function incident(id: string, after_ms: number, fields: Partial<Incident> = {}): Incident {
  const at = new Date(START + after_ms).toISOString();
  return { id, status: "open", severity: "urgent", township: "east", zones: [], first_seen: at, last_seen: at, position: { lat: 43, lon: 117 }, ...fields };
}
const many = (count: number, step_ms: number, fields: Partial<Incident> = {}): Incident[] =>
  Array.from({ length: count }, (_, index) => incident(`i${index}`, index * step_ms, fields));

describe("a storm", () => {
  it("is five cases of one township within ten minutes, both ends included", () => {
    expect(stormsOf(many(STORM_CASES_MIN, STORM_WINDOW_MS / (STORM_CASES_MIN - 1))).get("i0")?.incidents).toHaveLength(5);
    expect(stormsOf(many(STORM_CASES_MIN, STORM_WINDOW_MS / (STORM_CASES_MIN - 1) + 1)).size).toBe(0);
    expect(stormsOf(many(STORM_CASES_MIN - 1, 1_000)).size).toBe(0);
  });
  it("is of one township, and of none where nobody knows it", () => {
    expect(stormsOf([...many(4, 1_000), incident("west", 0, { township: "west" })]).size).toBe(0);
    expect(stormsOf(many(9, 1_000, { township: null })).size).toBe(0);
  });
  it("grows on while cases follow, and a later one is another", () => {
    const later = many(5, 1_000).map((_, index) => incident(`later${index}`, 3_600_000 + index));
    const storms = stormsOf([...many(12, 120_000), ...later]);
    expect(storms.get("i0")).toBe(storms.get("i11"));
    expect(storms.get("i0")?.incidents).toHaveLength(12);
    expect(storms.get("later0")?.id).not.toBe(storms.get("i0")?.id);
  });
  it("keeps its row and its name while it is worked off, until one case is left", () => {
    const cases = many(6, 1_000);
    const before = stormsOf(cases).get("i5");
    const resolve = (count: number): Incident[] => cases.map((one, index) => (index < count ? { ...one, status: "resolved" } : one));
    const after = stormsOf(resolve(4)).get("i5");
    expect([after?.id, after?.incidents.length]).toEqual([before?.id, 2]);
    expect(stormsOf(resolve(5)).size).toBe(0);
  });
  it("is one row with a count, opens to its cases, and leaves others alone", () => {
    const cases = [incident("first", 0, { township: "west" }), ...many(5, 1_000, {}), incident("last", 0, { township: "west" })];
    cases[2] = { ...incident("i1", 1_000), status: "acknowledged" };
    const storms = stormsOf(cases);
    const closed = queueItems(cases, storms, new Set());
    expect(closed.map((item) => item.kind)).toEqual(["incident", "storm", "incident"]);
    const [, storm] = closed;
    expect(storm?.kind === "storm" && [storm.storm.incidents.length, storm.storm.unacknowledged]).toEqual([5, 4]);
    const open = queueItems(cases, storms, new Set([storm?.id ?? ""]));
    expect(open.map((item) => item.id)).toEqual(["first", storm?.id, "i0", "i1", "i2", "i3", "i4", "last"]);
  });
});

describe("rows in sight", () => {
  const edges = edgesOf(Array.from({ length: 10_000 }, (_, row) => (row % 2 === 0 ? 100 : 50)));
  it("are found by where the list is scrolled to", () => {
    expect([rowAt(edges, 0), rowAt(edges, 99), rowAt(edges, 100), rowAt(edges, 150), rowAt(edges, 1e9)]).toEqual([0, 0, 1, 2, 9_999]);
    expect(rowAt([0], 5)).toBe(0);
  });
  it("are few of many", () => {
    expect(windowOf(edges, 0, 900, 10)).toEqual({ from: 0, to: 23 });
    const { from, to } = windowOf(edges, 300_000, 900, 10);
    expect(to - from).toBeLessThan(40);
    expect(windowOf(edges, 750_000 - 900, 900, 10).to).toBe(10_000);
    expect(windowOf([0], 0, 900, 10)).toEqual({ from: 0, to: 0 });
  });
  it("move no more than they must to show one", () => {
    expect(topToShow(edges, 0, 500, 900)).toBe(0);
    expect(topToShow(edges, 4, 0, 900)).toBe(0);
    expect(topToShow(edges, 12, 0, 900)).toBe(100);
  });
});

describe("the wall", () => {
  it("follows the newest urgent case that goes on, else the newest that is not resolved", () => {
    const old = incident("old", 0);
    const lesser = incident("lesser", 2_000, { severity: "warning" });
    const left = incident("left", 3_000, { ended_at: "2026-04-22T02:00:00Z" });
    const done = incident("done", 4_000, { status: "resolved" });
    expect(followed([lesser, left, old, done])?.id).toBe("old");
    expect(followed([lesser, done])?.id).toBe("lesser");
    expect(followed([done])).toBeNull();
  });
});
