// The live connection as a pure state machine. In: what happened (input) and when. Out: the next state and what to do
// (effects). Never touches a socket, a timer or chance: the shell in `live-socket.ts` does, so every path has a test.
import type { Herd, LiveEvent, Position, ServerMessage } from "./types";

/** The server pings every 10 s; two lost pings and some slack mean that nobody is there. */
export const SILENCE_LIMIT_MS = 25_000;
export const BACKOFF_MIN_MS = 1_000;
export const BACKOFF_MAX_MS = 30_000;

/** `live`: greeted and heard within the silence limit. Anything else is offline to the operator. */
export type Phase = "stopped" | "connecting" | "live" | "waiting";

export interface LiveState {
  phase: Phase;
  /** Last event taken, sent as `since`; `null` until the first greeting. */
  since: number | null;
  /** Failed attempts since the last greeting. */
  attempts: number;
  /** When we last heard anything, by the local clock. */
  heard_at_ms: number;
  /** Server clock minus local clock. */
  offset_ms: number;
}

export type LiveInput =
  | { type: "start" }
  | { type: "stop" }
  | { type: "message"; message: ServerMessage }
  | { type: "closed" }
  | { type: "retry" }
  | { type: "drawn" }
  | { type: "tick" };

export type LiveEffect =
  | { do: "connect"; since: number | null }
  | { do: "close" }
  | { do: "retry_after"; delay_ms: number }
  | { do: "send_credit" }
  | { do: "check_session" }
  | { do: "reload" }
  | { do: "apply_event"; seq: number; event: LiveEvent }
  | { do: "apply_positions"; items: Position[]; herds: Herd[] };

export interface Step {
  state: LiveState;
  effects: LiveEffect[];
}

export const initialLive: LiveState = { phase: "stopped", since: null, attempts: 0, heard_at_ms: 0, offset_ms: 0 };

/** Doubling from 1 s to 30 s; `chance` in 0..1 spreads the upper half, so that a hall of consoles does not return at once. */
export function backoffMs(attempts: number, chance: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(attempts, 10));
  return Math.round(Math.max(BACKOFF_MIN_MS, full / 2 + (full / 2) * chance));
}

/** Whether the operator must be told. The very first attempt is not yet a failure. */
export function isOffline(state: LiveState): boolean {
  return state.phase === "waiting" || (state.phase === "connecting" && state.attempts > 0);
}

export function step(state: LiveState, input: LiveInput, now_ms: number, chance: number): Step {
  switch (input.type) {
    case "start":
      if (state.phase !== "stopped") return { state, effects: [] };
      return {
        state: { ...state, phase: "connecting", attempts: 0, heard_at_ms: now_ms },
        effects: [{ do: "connect", since: state.since }],
      };
    case "stop":
      return { state: { ...state, phase: "stopped", since: null }, effects: [{ do: "close" }] };
    case "closed":
      return lost(state, [], chance);
    case "retry":
      if (state.phase !== "waiting") return { state, effects: [] };
      return {
        state: { ...state, phase: "connecting", heard_at_ms: now_ms },
        effects: [{ do: "connect", since: state.since }],
      };
    case "drawn":
      return { state, effects: state.phase === "live" ? [{ do: "send_credit" }] : [] };
    case "tick": {
      const open = state.phase === "live" || state.phase === "connecting";
      if (!open || now_ms - state.heard_at_ms < SILENCE_LIMIT_MS) return { state, effects: [] };
      return lost(state, [{ do: "close" }], chance);
    }
    case "message":
      return hear(state, input.message, now_ms);
  }
}

/** The connection is gone: wait, and ask whether it is our session that ended if we were never greeted. */
function lost(state: LiveState, first: LiveEffect[], chance: number): Step {
  if (state.phase === "stopped" || state.phase === "waiting") return { state, effects: [] };
  const effects = [...first];
  if (state.phase === "connecting") effects.push({ do: "check_session" });
  effects.push({ do: "retry_after", delay_ms: backoffMs(state.attempts, chance) });
  return { state: { ...state, phase: "waiting", attempts: state.attempts + 1 }, effects };
}

function hear(before: LiveState, message: ServerMessage, now_ms: number): Step {
  if (before.phase === "stopped" || before.phase === "waiting") return { state: before, effects: [] };
  const state: LiveState = { ...before, heard_at_ms: now_ms };
  if ("server_time" in message && typeof message.server_time === "number") state.offset_ms = message.server_time - now_ms;
  switch (message.type) {
    case "hello": {
      // A server whose log is shorter than what we saw has another history: nothing we hold is safe.
      const restarted = state.since !== null && message.seq < state.since;
      const first = state.since === null;
      state.phase = "live";
      state.attempts = 0;
      if (first || restarted) state.since = message.seq;
      return { state, effects: first || restarted ? [{ do: "reload" }] : [] };
    }
    case "event":
      // Word that the registry changed has no number of its own: it bears the last one told, and asking anew is never wrong.
      if (message.event.kind === "zones" || message.event.kind === "devices") return { state, effects: [{ do: "apply_event", seq: message.seq, event: message.event }] };
      if (state.since !== null && message.seq <= state.since) return { state, effects: [] };
      state.since = message.seq;
      return { state, effects: [{ do: "apply_event", seq: message.seq, event: message.event }] };
    case "positions":
      return { state, effects: [{ do: "apply_positions", items: message.items, herds: message.herds }] };
    case "resync":
      state.since = message.seq;
      return { state, effects: [{ do: "reload" }] };
    case "ping":
      return { state, effects: [] };
  }
}

/** A text frame as a message; `null` for what we do not know, so that a newer server may say more. */
export function parseMessage(text: string): ServerMessage | null {
  const known = ["hello", "event", "positions", "resync", "ping"];
  try {
    const value = JSON.parse(text) as { type?: unknown };
    return typeof value.type === "string" && known.includes(value.type) ? (value as ServerMessage) : null;
  } catch {
    return null;
  }
}
