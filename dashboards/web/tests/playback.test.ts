// Playback: where things were at an instant, what went on, and which span the address means.
import { describe, expect, it } from "vitest";
import { happeningsOf, incidentAt, shareOf } from "../src/pages/playback/happenings";
import { GAP_MS, HIDDEN_AFTER_MS, headingOf, moverAt, TRAIL_MS, trailAt } from "../src/pages/playback/instant";
import { flawOf, fromField, incidentPeriod, presetPeriod, readSettings, toField, writeSettings } from "../src/pages/playback/period";
import type { TrackPoint } from "../src/pages/playback/types";
import type { Incident, Notice } from "../src/types";

const STEP_S = 3;
const close: TrackPoint[] = [
  [0, 43, 117],
  [10_000, 43.1, 117.2],
];

describe("a mover at an instant", () => {
  it("is on the straight line between two close points", () => {
    expect(moverAt(close, 5_000, STEP_S)).toMatchObject({ lat: 43.05, lon: 117.1, ts: 5_000, stale: false });
    expect(moverAt(close, 10_000, STEP_S)).toMatchObject({ lat: 43.1, lon: 117.2, stale: false });
  });
  it("is nowhere before its first point, nor without any", () => {
    expect(moverAt(close, -1, STEP_S)).toBeNull();
    expect(moverAt([], 0, STEP_S)).toBeNull();
  });
  it("stays stale at the last place through a gap", () => {
    const apart: TrackPoint[] = [[0, 43, 117], [GAP_MS, 44, 118]];
    expect(moverAt(apart, 60_000, STEP_S)).toMatchObject({ lat: 43, lon: 117, ts: 0, stale: true });
    // Where points come every ten minutes, ten minutes are no gap.
    expect(moverAt(apart, GAP_MS / 2, 600)).toMatchObject({ lat: 43.5, stale: false });
  });
  it("grows stale after its last point, and is hidden at last", () => {
    expect(moverAt(close, 10_000 + GAP_MS - 1, STEP_S)?.stale).toBe(false);
    expect(moverAt(close, 10_000 + GAP_MS, STEP_S)?.stale).toBe(true);
    expect(moverAt(close, 10_001 + HIDDEN_AFTER_MS, STEP_S)).toBeNull();
  });
  it("heads where it goes", () => {
    expect(headingOf([0, 43, 117], [1, 44, 117])).toBe(0);
    expect(headingOf([0, 0, 117], [1, 0, 118])).toBe(90);
    expect(headingOf([0, 43, 117], [1, 43, 117])).toBeNull();
  });
});

describe("a trail", () => {
  it("is of ten minutes, and ends where the mover is", () => {
    const long: TrackPoint[] = Array.from({ length: 21 }, (_, index) => [index * 60_000, index, 117]);
    const trail = trailAt(long, 20 * 60_000 - 30_000, STEP_S);
    expect(trail[0]?.lat).toBe((20 * 60_000 - TRAIL_MS) / 60_000);
    expect(trail.at(-1)?.lat).toBe(19.5);
  });
  it("begins anew after a gap", () => {
    const apart: TrackPoint[] = [[0, 1, 117], [GAP_MS, 2, 117], [GAP_MS + 1_000, 3, 117]];
    expect(trailAt(apart, GAP_MS + 1_000, STEP_S).map(({ lat }) => lat)).toEqual([2, 3, 3]);
  });
});

const incident = {
  id: "inc-1",
  status: "resolved",
  first_seen: "2026-11-27T02:00:00Z",
  last_seen: "2026-11-27T02:30:00Z",
  ended_at: "2026-11-27T02:40:00Z",
  timeline: [
    { at: "2026-11-27T02:00:10Z", what: "opened" },
    { at: "2026-11-27T02:01:00Z", what: "grew" },
    { at: "2026-11-27T02:05:00Z", what: "acknowledged", by: "li" },
    { at: "2026-11-27T02:20:00Z", what: "dispatched", by: "li" },
    { at: "2026-11-27T02:35:00Z", what: "resolved", by: "li" },
  ],
} as unknown as Incident;
const when = (time: string): number => Date.parse(`2026-11-27T${time}Z`);

describe("an incident at an instant", () => {
  it("is as it was then", () => {
    expect(["02:01:00", "02:06:00", "02:25:00"].map((time) => incidentAt(incident, when(time))?.status)).toEqual(["open", "acknowledged", "dispatched"]);
  });
  it("is none before, after, and once resolved", () => {
    expect(["01:59:59", "02:36:00", "02:41:00"].map((time) => incidentAt(incident, when(time)))).toEqual([null, null, null]);
  });
});

describe("what happened", () => {
  it("stands in the order of time, within the span, without growing", () => {
    const notice = { id: "n", since: when("02:02:00"), until: when("09:00:00") } as unknown as Notice;
    const list = happeningsOf([incident], [notice], { from_ms: when("02:00:00"), to_ms: when("02:10:00") });
    expect(list.map(({ what }) => (what.kind === "incident" ? what.event : "notice"))).toEqual(["opened", "notice", "acknowledged"]);
  });
  it("lies somewhere along the bar", () => {
    expect(shareOf({ from_ms: 0, to_ms: 100 }, 25)).toBe(0.25);
    expect(shareOf({ from_ms: 0, to_ms: 100 }, -5)).toBe(0);
  });
});

describe("the span", () => {
  const now_ms = when("02:35:00");
  it("of yesterday is a legal day in Beijing", () => {
    expect(presetPeriod("yesterday", now_ms)).toEqual({ from_ms: Date.parse("2026-11-25T16:00:00Z"), to_ms: Date.parse("2026-11-26T16:00:00Z") });
    expect(presetPeriod("hour", now_ms)).toEqual({ from_ms: when("01:35:00"), to_ms: now_ms });
  });
  it("of an incident is ten minutes longer at both ends, but not longer than now", () => {
    expect(incidentPeriod(incident, now_ms)).toEqual({ from_ms: when("01:50:00"), to_ms: now_ms });
    expect(incidentPeriod(incident, when("05:00:00"))?.to_ms).toBe(when("02:40:00"));
  });
  it("is refused when it is the wrong way round or too long", () => {
    expect(flawOf({ from_ms: 2, to_ms: 1 })).toBe("order");
    expect(flawOf({ from_ms: 0, to_ms: 8 * 86_400_000 })).toBe("long");
    expect(flawOf({ from_ms: 0, to_ms: 1 })).toBeNull();
  });
  it("survives the address", () => {
    const period = { from_ms: when("01:00:00"), to_ms: when("02:00:00") };
    const query = writeSettings(period, "inc-1", 300, when("01:30:00"));
    expect(readSettings(query)).toEqual({ period, incident: "inc-1", speed: 300, at_ms: when("01:30:00") });
    expect(readSettings({ from: "nonsense", speed: "7" })).toEqual({ period: null, incident: null, speed: 60, at_ms: null });
  });
  it("stands in fields in Beijing time", () => {
    expect(toField(when("02:35:00"))).toBe("2026-11-27T10:35");
    expect(fromField("2026-11-27T10:35")).toBe(when("02:35:00"));
    expect(fromField("")).toBeNull();
  });
});
