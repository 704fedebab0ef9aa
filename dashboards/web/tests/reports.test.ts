// Reports: spans of the season, what is asked, lengths of bars.
import { describe, expect, it } from "vitest";
import { fileUrl } from "../src/pages/reports/api";
import { sheetPictures } from "../src/pages/reports/pictures";
import { askedOf, barShare, isSpan, spanOf } from "../src/pages/reports/season";
import type { ShownPicture } from "../src/evidence";
import type { SeasonRow } from "../src/pages/reports/types";

const november = Date.parse("2026-11-27T02:00:00Z");

describe("a span", () => {
  it("is a quarter, a year, a rest period", () => {
    expect(spanOf("quarter", november)).toEqual({ from: "2026-10-01", to: "2026-12-31" });
    expect(spanOf("last_quarter", november)).toEqual({ from: "2026-07-01", to: "2026-09-30" });
    expect(spanOf("last_quarter", Date.parse("2026-01-10T02:00:00Z"))).toEqual({ from: "2025-10-01", to: "2025-12-31" });
    expect(spanOf("year", november)).toEqual({ from: "2026-01-01", to: "2026-12-31" });
    expect(spanOf("rest", november)).toEqual({ from: "2026-04-01", to: "2026-06-15" });
    expect(spanOf("rest", Date.parse("2026-02-01T00:00:00Z"))).toEqual({ from: "2025-04-01", to: "2025-06-15" });
  });
  it("goes by Beijing's date", () => {
    expect(spanOf("quarter", Date.parse("2026-09-30T16:00:00Z")).from).toBe("2026-10-01");
  });
  it("includes its last day when it is asked for", () => {
    expect(askedOf({ from: "2026-10-01", to: "2026-12-31" }, "")).toEqual({ from: "2026-10-01", to: "2027-01-01" });
    expect(fileUrl("season", askedOf({ from: "2026-10-01", to: "2026-12-31" }, "150425901"), "csv")).toBe(
      "/api/v1/reports/season?from=2026-10-01&to=2027-01-01&township=150425901&format=csv",
    );
  });
  it("has two dates in order", () => {
    expect([isSpan({ from: "2026-10-02", to: "2026-10-01" }), isSpan({ from: "", to: "2026-10-01" }), isSpan({ from: "2026-10-01", to: "2026-10-01" })]).toEqual([false, false, true]);
  });
});

describe("a bar", () => {
  const row = (incidents: number): SeasonRow => ({ incidents }) as SeasonRow;
  it("is measured against the longest", () => {
    expect(barShare(row(5), [row(10), row(5)])).toBe(0.5);
    expect(barShare(row(0), [row(0)])).toBe(0);
  });
});

describe("the pictures of a case sheet", () => {
  const picture = (key: string, boxes: number, hash: string | null = key, before = false): ShownPicture => ({
    key,
    device: "cam-1",
    snapshot_id: key,
    ts: 0,
    hash,
    boxes: Array.from({ length: boxes }, () => [0, 0, 1, 1]),
    before,
  });
  it("are kept ones, one from before, then those with boxes, in the order of time", () => {
    const all = [picture("before", 0, "b", true), picture("one", 1), picture("two", 2), picture("lost", 3, null), picture("bare", 0)];
    expect(sheetPictures(all, 3).map(({ key }) => key)).toEqual(["before", "one", "two"]);
    expect(sheetPictures(all, 2).map(({ key }) => key)).toEqual(["before", "two"]);
    expect(sheetPictures(all, 9).map(({ key }) => key)).toEqual(["before", "one", "two", "bare"]);
  });
});
