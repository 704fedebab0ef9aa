// How news meets what is held.
import { describe, expect, it } from "vitest";
import { compareIncidents, extendTrail, isNewlyUrgent, KEPT_ITEMS_MAX, mergePositions, replaceAll, TRAIL_LENGTH_MAX, upsert } from "../src/merge";
import type { Incident, LatLon, Position } from "../src/types";

function incident(id: string, fields: Partial<Incident> = {}): Incident {
  return {
    id,
    status: "open",
    severity: "urgent",
    zones: [],
    first_seen: "2026-04-22T01:00:00Z",
    last_seen: "2026-04-22T01:00:00Z",
    position: { lat: 43.3, lon: 117.5 },
    ...fields,
  };
}
const position = (id: string, ts: number): Position => ({ id, kind: "drone", lat: 43, lon: 117, ts });

describe("a reloaded list", () => {
  it("replaces what was held, except what the live stream changed meanwhile", () => {
    const held = new Map([incident("a"), incident("b", { status: "acknowledged" }), incident("gone")].map((item) => [item.id, item]));
    const next = replaceAll(held, [incident("a", { severity: "notice" }), incident("b")], new Set(["b"]));
    expect([...next.keys()].sort()).toEqual(["a", "b"]);
    expect(next.get("a")?.severity).toBe("notice");
    expect(next.get("b")?.status).toBe("acknowledged");
  });
});

describe("too many items", () => {
  it("push out the oldest that is done with, never an open one", () => {
    let held = new Map<string, Incident>();
    held.set("old-open", incident("old-open"));
    held.set("old-done", incident("old-done", { status: "resolved" }));
    for (let index = held.size; index < KEPT_ITEMS_MAX; index += 1) held.set(`i${index}`, incident(`i${index}`));
    held = upsert(held, incident("new"), (item) => item.status === "resolved");
    expect(held.size).toBe(KEPT_ITEMS_MAX);
    expect(held.has("old-open")).toBe(true);
    expect(held.has("old-done")).toBe(false);
    expect(held.has("new")).toBe(true);
  });
});

describe("the queue's order", () => {
  it("puts urgent before the rest, untouched before taken, new before old, resolved last", () => {
    const items = [
      incident("done", { status: "resolved" }),
      incident("taken", { status: "acknowledged" }),
      incident("notice", { severity: "notice" }),
      incident("older"),
      incident("newer", { first_seen: "2026-04-22T02:00:00Z" }),
    ];
    expect(items.sort(compareIncidents).map((item) => item.id)).toEqual(["newer", "older", "taken", "notice", "done"]);
  });
});

describe("the alert sound", () => {
  it("is for what became urgent just now", () => {
    expect(isNewlyUrgent(undefined, incident("a"))).toBe(true);
    expect(isNewlyUrgent(incident("a", { severity: "warning" }), incident("a"))).toBe(true);
  });
  it("is not for repeats, late data, lesser severity or what somebody already took", () => {
    expect(isNewlyUrgent(incident("a"), incident("a"))).toBe(false);
    expect(isNewlyUrgent(undefined, incident("a", { late: true }))).toBe(false);
    expect(isNewlyUrgent(undefined, incident("a", { severity: "warning" }))).toBe(false);
    expect(isNewlyUrgent(undefined, incident("a", { status: "acknowledged" }))).toBe(false);
  });
});

describe("positions", () => {
  it("are the latest by the time of the fix, whatever order they come in", () => {
    const held = new Map<string, Position>();
    mergePositions(held, [position("d", 200)]);
    const taken = mergePositions(held, [position("d", 100), position("e", 50)]);
    expect(taken.map((item) => item.id)).toEqual(["e"]);
    expect(held.get("d")?.ts).toBe(200);
  });
  it("leave a track of bounded length without repeated points", () => {
    const trail: LatLon[] = [];
    for (let index = 0; index < TRAIL_LENGTH_MAX + 30; index += 1) {
      extendTrail(trail, { lat: index, lon: 0 });
      extendTrail(trail, { lat: index, lon: 0 });
    }
    expect(trail.length).toBe(TRAIL_LENGTH_MAX);
    expect(trail.at(-1)?.lat).toBe(TRAIL_LENGTH_MAX + 29);
  });
});
