// What a chart says, and how its axis is written.
import { describe, expect, it } from "vitest";
import { chartNumber, lonely, rowsOf, summaryOf, tickLabels, withUnit } from "../src/chart";

const HOUR = 3_600_000;
/** 1 April, 00:00 in Asia/Shanghai. */
const MIDNIGHT = Date.parse("2026-03-31T16:00:00Z");

describe("the text alternative", () => {
  it("knows first, last, lowest and highest, and passes over gaps", () => {
    expect(summaryOf([1, 2, 3, 4], [null, 5, -2, 3])).toEqual({ known: 3, first: { at_ms: 2, value: 5 }, last: { at_ms: 4, value: 3 }, low: -2, high: 5 });
  });
  it("is nothing where nothing is known", () => {
    expect(summaryOf([1, 2], [null, null])).toBeNull();
    expect(summaryOf([], [])).toBeNull();
  });
});

describe("rows", () => {
  it("hold each line and the ends of its band, and a gap for what is missing or no number", () => {
    const { rows, places } = rowsOf(
      [1, 2, 3],
      [
        { label: "a", unit: "cm", values: [1, Number.NaN], band: { low: [0, 1, 2], high: [2, 3, 4] } },
        { label: "b", unit: "%", values: [7, null, 9] },
      ],
    );
    expect(rows).toEqual([[1, 2, 3], [1, null, null], [2, 3, 4], [0, 1, 2], [7, null, 9]]);
    expect(places).toEqual([{ line: 1, high: 2, low: 3 }, { line: 4, high: null, low: null }]);
  });
  it("let a line go on where another line has its moment", () => {
    expect(rowsOf([1, 2, 3], [{ label: "a", unit: "", values: [1, undefined, 3] }]).rows).toEqual([[1, 2, 3], [1, undefined, 3]]);
  });
  it("name the values that stand alone between gaps", () => {
    expect(lonely([1, null, 2, 3, null, 4])).toEqual([0, 5]);
    expect(lonely([1, undefined, 2, null, undefined, 4])).toEqual([5]);
  });
});

describe("the axis", () => {
  it("is in legal time, with the date once a day", () => {
    expect(tickLabels([MIDNIGHT - HOUR, MIDNIGHT, MIDNIGHT + HOUR], HOUR)).toEqual(["23:00\n03-31", "00:00\n04-01", "01:00"]);
  });
  it("names days, with the year once a year", () => {
    expect(tickLabels([MIDNIGHT, MIDNIGHT + 24 * HOUR], 24 * HOUR)).toEqual(["04-01\n2026", "04-02"]);
  });
});

describe("numbers", () => {
  it("have as many digits as a reader needs, and their unit", () => {
    expect([chartNumber(0.3456), chartNumber(12.345), chartNumber(1240.6)]).toEqual(["0.35", "12.3", "1,241"]);
    expect([withUnit(3.2, "cm"), withUnit(0.3, "")]).toEqual(["3.2 cm", "0.3"]);
  });
});
