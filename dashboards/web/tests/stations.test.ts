// Stations: spans of time and the same days of earlier years, several years over one axis, doubts, texts.
import { describe, expect, it } from "vitest";
import { align, gapLimit } from "../src/pages/stations/align";
import { daysDoubted, flagsByKind } from "../src/pages/stations/flags";
import { legalYear, spanBefore, spanOf, yearsBefore } from "../src/pages/stations/periods";
import { compareStations, greenState, inLanguage } from "../src/pages/stations/station-text";
import type { Station } from "../src/pages/stations/types";

const at = (text: string): number => Date.parse(text);
const NOON = at("2026-11-27T12:00:00+08:00");

describe("periods", () => {
  it("of a season are legal days, first and last included", () => {
    expect(spanOf("season", NOON)).toEqual({ from_ms: at("2026-03-01T00:00:00+08:00"), to_ms: at("2026-10-01T00:00:00+08:00"), step: "1d" });
  });
  it("are of the last season until this year's begins", () => {
    expect(spanOf("season", at("2026-02-28T23:59:59+08:00")).from_ms).toBe(at("2025-03-01T00:00:00+08:00"));
    expect(spanOf("season", at("2026-03-01T00:00:00+08:00")).from_ms).toBe(at("2026-03-01T00:00:00+08:00"));
  });
  it("lie on the same legal date in earlier years, leap years between or not", () => {
    expect(yearsBefore(NOON, 3)).toBe(at("2023-11-27T12:00:00+08:00"));
    expect(yearsBefore(at("2024-02-29T06:00:00+08:00"), 1)).toBe(at("2023-02-28T06:00:00+08:00"));
  });
  it("of earlier years move back over this year's", () => {
    const span = spanBefore(spanOf("week", NOON), 1);
    expect(span.to_ms + span.shift_ms).toBe(NOON);
  });
  it("know the legal year, which begins eight hours before UTC's", () => {
    expect(legalYear(at("2025-12-31T16:00:00Z"))).toBe(2026);
    expect(legalYear(at("2025-12-31T15:59:59Z"))).toBe(2025);
  });
});

describe("lines over one axis", () => {
  it("go on over each other's moments and break in their own gaps only", () => {
    const { times, lines } = align(
      [
        { shift_ms: 0, points: [[0, 1, 2, 3], [10, 1, 2, 3], [20, 4, 5, 6], [100, 1, 1, 1]] },
        { shift_ms: 5, points: [[0, 7], [10, 8], [20, 9], [30, 9], [40, 9], [50, 9], [60, 9], [70, 9], [80, 9], [90, 9]] },
      ],
      10,
    );
    expect(times.filter((time) => time < 20)).toEqual([0, 5, 10, 15]);
    expect(lines[0]?.mean.slice(0, 5)).toEqual([2, undefined, 2, undefined, 5]);
    expect(lines[0]?.mean.slice(times.indexOf(20) + 1, times.indexOf(100)).every((value) => value === null)).toBe(true);
    expect(times).toContain(60);
    expect(lines[1]?.mean).not.toContain(null);
    expect(lines[0]?.low[0]).toBe(1);
    expect(lines[0]?.high[0]).toBe(3);
    expect(lines[1]?.high[1]).toBe(7);
  });
  it("do not break where the station always speaks that rarely", () => {
    expect(gapLimit([0, 100, 200, 300], 10)).toBe(300);
    expect(gapLimit([0], 10)).toBe(30);
  });
});

describe("doubts", () => {
  it("are summed kind by kind, the newest time of each; words that nobody here can explain are left out", () => {
    expect(flagsByKind([[1, ["stuck"]], [2, ["range", "stuck"]], [3, ["new word"]]])).toEqual([
      { name: "range", count: 1, last_ms: 2 },
      { name: "stuck", count: 2, last_ms: 2 },
    ]);
  });
  it("of days are summed", () => {
    expect(daysDoubted([[1, 288, 3], [2, 280, 0]])).toEqual({ came: 568, flagged: 3 });
  });
});

const station = (device: string, past: string[] = [], sound = true): Station => ({
  device,
  past,
  latest: [{ field: "ndvi", unit: "1", value: 0.2, ts: 1, sound }],
  green_up: { judged: false, greened_on: null, confidence: null },
});

describe("the list", () => {
  it("has what is past a limit first, then what is doubted, then by number", () => {
    const list = [station("station-10"), station("station-2"), station("station-3", [], false), station("station-4", ["frost"])];
    expect(list.sort(compareStations).map(({ device }) => device)).toEqual(["station-4", "station-3", "station-2", "station-10"]);
  });
  it("tells green, not green and nobody knows apart", () => {
    const green = (judged: boolean, greened_on: string | null): Station => ({ ...station("s"), green_up: { judged, greened_on, confidence: null } });
    expect([green(true, "2026-05-20"), green(true, null), green(false, null)].map(greenState)).toEqual(["greened", "not_yet", "unknown"]);
  });
});

describe("texts in two languages at once", () => {
  it("are shown in the reader's", () => {
    expect(inLanguage("草畜平衡区春季休牧 balance zone, rest period", "zh")).toBe("草畜平衡区春季休牧");
    expect(inLanguage("草畜平衡区春季休牧 balance zone, rest period", "en")).toBe("balance zone, rest period");
    expect(inLanguage("our own rule", "zh")).toBe("our own rule");
  });
});
