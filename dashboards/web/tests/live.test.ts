// The live connection's state machine: every path without a socket or a timer.
import { describe, expect, it } from "vitest";
import { backoffMs, initialLive, isOffline, parseMessage, SILENCE_LIMIT_MS, step, type LiveEffect, type LiveInput, type LiveState } from "../src/live";
import type { LiveEvent, ServerMessage } from "../src/types";

const hello = (seq: number): LiveInput => ({ type: "message", message: { type: "hello", seq, server_time: 5_000 } });
const told = (seq: number, news: LiveEvent): LiveInput => ({ type: "message", message: { type: "event", seq, event: news } });
const event = (seq: number): LiveInput => told(seq, { kind: "delivery", delivery: { id: "1", state: "pending", attempts: 0 } });

/** Plays inputs at their times; gives the last state and everything that was asked for. */
function play(inputs: readonly [number, LiveInput][], from: LiveState = initialLive): { state: LiveState; effects: LiveEffect[] } {
  let state = from;
  const effects: LiveEffect[] = [];
  for (const [now_ms, input] of inputs) {
    const next = step(state, input, now_ms, 0.5);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}
const names = (effects: readonly LiveEffect[]): string[] => effects.map((effect) => effect.do);
const live = play([
  [0, { type: "start" }],
  [100, hello(7)],
]);

describe("greeting", () => {
  it("first connects without a sequence number and loads everything once greeted", () => {
    expect(live.effects).toEqual([{ do: "connect", since: null }, { do: "reload" }]);
    expect(live.state).toMatchObject({ phase: "live", since: 7, offset_ms: 4_900 });
  });
  it("does not load again when the server still has what we missed", () => {
    const again = play([[200, { type: "closed" }], [1_500, { type: "retry" }], [1_600, hello(9)], [1_700, event(8)], [1_800, event(9)]], live.state);
    expect(names(again.effects)).toEqual(["retry_after", "connect", "apply_event", "apply_event"]);
    expect(again.effects[1]).toEqual({ do: "connect", since: 7 });
    expect(again.state.since).toBe(9);
  });
  it("loads everything when the server's log is shorter than what we saw", () => {
    const again = play([[200, { type: "closed" }], [1_500, { type: "retry" }], [1_600, hello(2)]], live.state);
    expect(names(again.effects)).toContain("reload");
    expect(again.state.since).toBe(2);
  });
});

describe("events", () => {
  it("are taken once and in order", () => {
    const { state, effects } = play([[200, event(8)], [210, event(8)], [220, event(5)], [230, event(12)]], live.state);
    expect(names(effects)).toEqual(["apply_event", "apply_event"]);
    expect(state.since).toBe(12);
  });
  it("of the registry bear the last number told and are taken each time", () => {
    const { state, effects } = play([[200, told(7, { kind: "zones" })], [210, told(7, { kind: "devices" })]], live.state);
    expect(names(effects)).toEqual(["apply_event", "apply_event"]);
    expect(state.since).toBe(7);
  });
  it("are followed by a reload after a gap that the server told us of", () => {
    const { state, effects } = play([[200, { type: "message", message: { type: "resync", seq: 40 } }]], live.state);
    expect(names(effects)).toEqual(["reload"]);
    expect(state.since).toBe(40);
  });
});

describe("positions", () => {
  it("are credited only after they were drawn", () => {
    const message: ServerMessage = { type: "positions", seq: 7, server_time: 6_000, items: [], herds: [] };
    const taken = play([[200, { type: "message", message }]], live.state);
    expect(names(taken.effects)).toEqual(["apply_positions"]);
    expect(names(play([[220, { type: "drawn" }]], taken.state).effects)).toEqual(["send_credit"]);
  });
  it("earn no credit on a connection that is gone", () => {
    const gone = play([[200, { type: "closed" }]], live.state);
    expect(play([[220, { type: "drawn" }]], gone.state).effects).toEqual([]);
  });
});

describe("heartbeat", () => {
  it("is missed after 25 s without a message, not before", () => {
    const almost = play([[100 + SILENCE_LIMIT_MS - 1, { type: "tick" }]], live.state);
    expect(isOffline(almost.state)).toBe(false);
    const over = play([[100 + SILENCE_LIMIT_MS, { type: "tick" }]], live.state);
    expect(isOffline(over.state)).toBe(true);
    expect(names(over.effects)).toEqual(["close", "retry_after"]);
  });
  it("is kept alive by a ping", () => {
    const message: ServerMessage = { type: "ping", seq: 7, server_time: 9_000 };
    const { state } = play([[20_000, { type: "message", message }], [44_999, { type: "tick" }]], live.state);
    expect(isOffline(state)).toBe(false);
  });
  it("also ends an attempt that is never answered", () => {
    const { state, effects } = play([[0, { type: "start" }], [SILENCE_LIMIT_MS, { type: "tick" }]]);
    expect(isOffline(state)).toBe(true);
    expect(names(effects)).toContain("check_session");
  });
});

describe("losing the connection", () => {
  it("is told to the operator at once, a first attempt is not", () => {
    expect(isOffline(play([[0, { type: "start" }]]).state)).toBe(false);
    expect(isOffline(play([[200, { type: "closed" }]], live.state).state)).toBe(true);
    expect(isOffline(play([[200, { type: "closed" }], [1_200, { type: "retry" }]], live.state).state)).toBe(true);
  });
  it("asks whether the session ended only if we were not greeted", () => {
    expect(names(play([[200, { type: "closed" }]], live.state).effects)).toEqual(["retry_after"]);
    expect(names(play([[0, { type: "start" }], [50, { type: "closed" }]]).effects)).toContain("check_session");
  });
  it("waits longer each time, between 1 and 30 s, and starts over once greeted", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((attempts) => backoffMs(attempts, 1))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(backoffMs(5, 0)).toBe(15_000);
    expect(backoffMs(0, 0)).toBe(1_000);
    const { state } = play([[200, { type: "closed" }], [300, { type: "retry" }], [400, { type: "closed" }], [500, { type: "retry" }]], live.state);
    expect(state.attempts).toBe(2);
    expect(play([[600, hello(7)]], state).state.attempts).toBe(0);
  });
  it("stops for good when the person logs out", () => {
    const out = play([[200, { type: "stop" }], [300, { type: "closed" }], [400, { type: "retry" }]], live.state);
    expect(out.state.phase).toBe("stopped");
    expect(names(out.effects)).toEqual(["close"]);
  });
});

describe("frames", () => {
  it("of a kind or shape that we do not know are ignored", () => {
    expect(parseMessage('{"type":"hello","seq":1,"server_time":2}')).toMatchObject({ type: "hello" });
    expect(parseMessage('{"type":"later"}')).toBeNull();
    expect(parseMessage("null")).toBeNull();
    expect(parseMessage("not json")).toBeNull();
  });
});
