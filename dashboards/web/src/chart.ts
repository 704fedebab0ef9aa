// What a line chart says and how its axis is written. In: times, series. Out: rows that the drawing library takes, labels of ticks,
// the text alternative's figures. Pure; drawing is `components/LineChart.vue`.
import { dateTime } from "./format";

/** `null` is a gap and stays one; over `undefined` (another line's moment) the line goes on. */
export type ChartValue = number | null | undefined;

/** Values of one thing over time. */
export interface ChartSeries {
  label: string;
  /** As people write it; empty for a bare number. Series of one unit share an axis. */
  unit: string;
  /** One for each time. */
  values: ChartValue[];
  /** The lowest and highest around each value: drawn as a shade. */
  band?: { low: ChartValue[]; high: ChartValue[] } | undefined;
}

/** A line across the chart, on the axis of the first series: a threshold in force. */
export interface ChartLimit {
  label: string;
  value: number;
}

/** What somebody hears who does not see the line. */
export interface ChartSummary {
  known: number;
  first: { at_ms: number; value: number };
  last: { at_ms: number; value: number };
  low: number;
  high: number;
}

/** Where a series and its band stand among the rows. */
export interface ChartPlace {
  line: number;
  low: number | null;
  high: number | null;
}

const DAY_MS = 86_400_000;
const isKnown = (value: ChartValue): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** `null` where nothing is known at all. */
export function summaryOf(times: readonly number[], values: readonly ChartValue[]): ChartSummary | null {
  let summary: ChartSummary | null = null;
  times.forEach((at_ms, index) => {
    const value = values[index];
    if (!isKnown(value)) return;
    summary ??= { known: 0, first: { at_ms, value }, last: { at_ms, value }, low: value, high: value };
    summary.known += 1;
    summary.last = { at_ms, value };
    summary.low = Math.min(summary.low, value);
    summary.high = Math.max(summary.high, value);
  });
  return summary;
}

/** As many digits as a reader needs: `0.34`, `12.4`, `1,240`. */
export function chartNumber(value: number): string {
  const size = Math.abs(value);
  return value.toLocaleString("en-US", { maximumFractionDigits: size >= 1_000 ? 0 : size >= 10 ? 1 : 2 });
}

export const withUnit = (value: number, unit: string): string => (unit === "" ? chartNumber(value) : `${chartNumber(value)} ${unit}`);

/** The rows of the drawing library: times, then each line followed by the ends of its band. */
export function rowsOf(times: readonly number[], series: readonly ChartSeries[]): { rows: ChartValue[][]; places: ChartPlace[] } {
  const rows: ChartValue[][] = [[...times]];
  const fitted = (values: readonly ChartValue[]): ChartValue[] =>
    times.map((_, index) => {
      const value = values[index];
      return isKnown(value) || (value === undefined && index < values.length) ? value : null;
    });
  const places = series.map(({ values, band }) => {
    const line = rows.push(fitted(values)) - 1;
    if (band === undefined) return { line, low: null, high: null };
    const high = rows.push(fitted(band.high)) - 1;
    const low = rows.push(fitted(band.low)) - 1;
    return { line, low, high };
  });
  return { rows, places };
}

/** Values with a gap on both sides: a line alone would not show them. */
export function lonely(values: readonly ChartValue[]): number[] {
  const met = values.flatMap((value, index) => (value === undefined ? [] : [index]));
  return met.filter((index, at) => {
    const [before, after] = [met[at - 1], met[at + 1]].map((neighbour) => (neighbour === undefined ? null : values[neighbour]));
    return isKnown(values[index]) && !isKnown(before) && !isKnown(after);
  });
}

/** Labels of ticks in legal time: hours, with the date under the first of each day; dates, with the year under the first of each year. */
export function tickLabels(ticks_ms: readonly number[], step_ms: number): string[] {
  let before = "";
  return ticks_ms.map((tick) => {
    const [date = "", time = ""] = dateTime(tick).split(" ");
    const [above, below] = step_ms < DAY_MS ? [time.slice(0, 5), date.slice(5)] : [date.slice(5), date.slice(0, 4)];
    const label = below === before ? above : `${above}\n${below}`;
    before = below;
    return label;
  });
}
