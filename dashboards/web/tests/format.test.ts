// Times, ages and numbers as text.
import { describe, expect, it } from "vitest";
import { age, clockTime, coordinates, dateTime, distance, duration, integer, interval, parseTime, probability, shortName } from "../src/format";

const NOON = Date.parse("2026-04-01T04:00:00Z");

describe("legal time", () => {
  it("is Asia/Shanghai with 24 hours and seconds", () => {
    expect(dateTime(NOON)).toBe("2026-04-01 12:00:00");
  });
  it("starts the day at 00, not 24", () => {
    expect(dateTime(Date.parse("2026-03-31T16:00:00Z"))).toBe("2026-04-01 00:00:00");
  });
  it("names the date only when it is another legal day, though the UTC day is the same", () => {
    expect(clockTime(NOON - 1_000, NOON)).toBe("11:59:59");
    expect(clockTime(Date.parse("2026-03-31T15:59:59Z"), Date.parse("2026-03-31T16:00:01Z"))).toBe("03-31 23:59:59");
  });
  it("reads RFC 3339 and milliseconds, and calls anything else unknown", () => {
    expect(parseTime("2026-04-01T12:00:00+08:00")).toBe(NOON);
    expect(parseTime(NOON)).toBe(NOON);
    expect(parseTime("yesterday")).toBeNull();
    expect(parseTime(null)).toBeNull();
  });
});

describe("ages", () => {
  it.each([
    [0, "0 秒前", "0 s ago"],
    [59_999, "59 秒前", "59 s ago"],
    [60_000, "1 分前", "1 min ago"],
    [3_599_000, "59 分前", "59 min ago"],
    [3_600_000, "1 小时前", "1 h ago"],
    [172_800_000, "2 天前", "2 d ago"],
  ])("of %d ms are rounded down to the largest unit", (elapsed_ms, zh, en) => {
    expect(age(NOON - elapsed_ms, NOON, "zh")).toBe(zh);
    expect(age(NOON - elapsed_ms, NOON, "en")).toBe(en);
  });
  it("of a clock slightly ahead are zero, of a clock far ahead say so", () => {
    expect(age(NOON + 3_000, NOON, "zh")).toBe("0 秒前");
    expect(age(NOON + 120_000, NOON, "zh")).toBe("2 分后");
    expect(age(NOON + 120_000, NOON, "en")).toBe("in 2 min");
  });
  it("are never negative", () => {
    expect(duration(-5, "en")).toBe("0 s");
  });
});

describe("numbers", () => {
  it("are grouped, and intervals keep both ends unless they are equal", () => {
    expect(integer(11270781)).toBe("11,270,781");
    expect(interval({ low: 4_320, high: 5_280 })).toBe("4,320–5,280");
    expect(interval({ low: 7, high: 7 })).toBe("7");
  });
  it("say metres or kilometres, degrees and hemispheres", () => {
    expect(distance(84.6)).toBe("85 m");
    expect(distance(1_540)).toBe("1.5 km");
    expect(coordinates(43.3012, 117.5021)).toBe("43.30120°N 117.50210°E");
    expect(coordinates(-1, -2)).toBe("1.00000°S 2.00000°W");
  });
  it("never claim certainty for what is likely", () => {
    expect(probability(0.999)).toBe("> 99 %");
    expect(probability(0.971)).toBe("97 %");
    expect(probability(0)).toBe("< 1 %");
  });
});

describe("a name on the map", () => {
  it.each([
    ["巴彦查干苏木3号禁牧区（演示）", "巴彦查干苏木", "3号禁牧区"],
    ["巴彦查干苏木3号禁牧区", "", "巴彦查干苏木3号禁牧区"],
    ["North slope (leased)", "South", "North slope"],
    ["（未命名）", "", "（未命名）"],
    ["达来诺日镇", "达来诺日镇", "达来诺日镇"],
  ])("%s within %s is %s", (name, within, short) => {
    expect(shortName(name, within)).toBe(short);
  });
});
