// Series of several years over one axis of time. In: points in steps. Out: what a chart takes. Pure.
import type { SeriesPoint } from "./types";

export interface Line {
  points: readonly SeriesPoint[];
  shift_ms: number;
}

/** `undefined`: nothing to draw there, the line goes on; `null`: a gap. */
export type Value = number | null | undefined;

export interface AlignedLine {
  mean: Value[];
  low: Value[];
  high: Value[];
}

/** More missing steps than this are a gap, unless the station always speaks that rarely. */
const STEPS_BRIDGED = 3;

/** From how far apart on two points are not joined: by the step, or by how often the station speaks. */
export function gapLimit(times: readonly number[], step_ms: number): number {
  const distances = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const usual = distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
  return STEPS_BRIDGED * Math.max(step_ms, usual);
}

const meanOf = (point: SeriesPoint): number => (point.length === 4 ? point[2] : point[1]);
const lowOf = (point: SeriesPoint): number => point[1];
const highOf = (point: SeriesPoint): number => (point.length === 4 ? point[3] : point[1]);

/** All lines over the union of their times; a gap of one line is `null` in that line only. */
export function align(lines: readonly Line[], step_ms: number): { times: number[]; lines: AlignedLine[] } {
  const moved = lines.map(({ points, shift_ms }) => new Map(points.map((point) => [point[0] + shift_ms, point])));
  const gaps = moved.map((points) => gapsOf([...points.keys()], step_ms));
  const middles = gaps.flat().map(({ after, before }) => after + Math.floor((before - after) / 2));
  const times = [...new Set([...moved.flatMap((points) => [...points.keys()]), ...middles])].sort((a, b) => a - b);
  return {
    times,
    lines: moved.map((points, index) => {
      const missing = inGaps(times, gaps[index] ?? []);
      const pick = (of: (point: SeriesPoint) => number): Value[] =>
        times.map((time, at) => {
          const point = points.get(time);
          return point === undefined ? (missing[at] === true ? null : undefined) : of(point);
        });
      return { mean: pick(meanOf), low: pick(lowOf), high: pick(highOf) };
    }),
  };
}

/** Nothing is known after one moment and before another. */
interface Gap {
  after: number;
  before: number;
}

function gapsOf(times: readonly number[], step_ms: number): Gap[] {
  const limit = gapLimit(times, step_ms);
  return times.flatMap((before, index) => {
    const after = times[index - 1];
    return after !== undefined && before - after > limit ? [{ after, before }] : [];
  });
}

/** Which of the times lie in a gap; both are in order. */
function inGaps(times: readonly number[], gaps: readonly Gap[]): boolean[] {
  let at = 0;
  return times.map((time) => {
    while (time >= (gaps[at]?.before ?? Infinity)) at += 1;
    return time > (gaps[at]?.after ?? Infinity);
  });
}
