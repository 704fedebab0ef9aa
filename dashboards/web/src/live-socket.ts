// The thin shell around the state machine of `live.ts`. In: start, stop. Out: calls of the handlers.
// One WebSocket per page; timers, randomness and the clock are only here.
import { initialLive, parseMessage, step, type LiveEffect, type LiveInput, type LiveState } from "./live";
import type { Herd, LiveEvent, Position } from "./types";

const TICK_MS = 1_000;

export interface LiveHandlers {
  onState(state: LiveState): void;
  onEvent(event: LiveEvent): void;
  onPositions(items: Position[], herds: Herd[]): void;
  onReload(): void;
  onSuspectSession(): void;
}

export interface LiveConnection {
  start(): void;
  stop(): void;
}

export function liveConnection(handlers: LiveHandlers): LiveConnection {
  let state = initialLive;
  let socket: WebSocket | null = null;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let tickTimer: ReturnType<typeof setInterval> | undefined;

  function feed(input: LiveInput): void {
    const next = step(state, input, Date.now(), Math.random());
    const changed = next.state !== state;
    state = next.state;
    if (changed) handlers.onState(state);
    for (const effect of next.effects) perform(effect);
  }

  function connect(since: number | null): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = since === null ? "" : `?since=${since}`;
    const opened = new WebSocket(`${scheme}//${location.host}/api/v1/live${query}`);
    socket = opened;
    // A socket that was replaced still fires its last events: only the current one may speak.
    opened.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (socket !== opened || typeof event.data !== "string") return;
      const message = parseMessage(event.data);
      if (message !== null) feed({ type: "message", message });
    });
    opened.addEventListener("close", () => {
      if (socket === opened) feed({ type: "closed" });
    });
  }

  function perform(effect: LiveEffect): void {
    switch (effect.do) {
      case "connect":
        connect(effect.since);
        break;
      case "close": {
        const old = socket;
        socket = null;
        clearTimeout(retryTimer);
        old?.close();
        break;
      }
      case "retry_after":
        clearTimeout(retryTimer);
        retryTimer = setTimeout(() => {
          feed({ type: "retry" });
        }, effect.delay_ms);
        break;
      case "send_credit":
        if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"credit"}');
        break;
      case "check_session":
        handlers.onSuspectSession();
        break;
      case "reload":
        handlers.onReload();
        break;
      case "apply_event":
        handlers.onEvent(effect.event);
        break;
      case "apply_positions":
        handlers.onPositions(effect.items, effect.herds);
        // Credit only once a frame was painted: a hidden tab stops here, and so does the server.
        requestAnimationFrame(() => {
          feed({ type: "drawn" });
        });
        break;
    }
  }

  return {
    start() {
      tickTimer ??= setInterval(() => {
        feed({ type: "tick" });
      }, TICK_MS);
      feed({ type: "start" });
    },
    stop() {
      clearInterval(tickTimer);
      tickTimer = undefined;
      feed({ type: "stop" });
    },
  };
}
