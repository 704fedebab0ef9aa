// Keys, sound limit, map geometry and movers: the small pure rules of the desk.
import { describe, expect, it } from "vitest";
import { actionOf } from "../src/keys";
import { ellipse, reachNorth } from "../src/map/ellipse";
import { groundRange, thin, unitsPerMetre, wedge } from "../src/map/geometry";
import { moversOf } from "../src/map/movers";
import { maySound, SOUND_GAP_MS } from "../src/sound";
import type { Device, Position } from "../src/types";

const page = { tag: "BODY", inMap: false };

describe("keys", () => {
  it("move and act on the page", () => {
    expect(["j", "K", "a", "Enter", "r", "f"].map((key) => actionOf(key, false, page))).toEqual([
      "next",
      "previous",
      "acknowledge",
      "open",
      "resolve",
      "false_positive",
    ]);
  });
  it("are text in a field and the browser's with a modifier", () => {
    expect(actionOf("a", false, { tag: "INPUT", inMap: false })).toBeNull();
    expect(actionOf("r", true, page)).toBeNull();
    expect(actionOf("Escape", false, { tag: "INPUT", inMap: false })).toBe("close");
  });
  it("leave Enter to buttons and arrows to the map", () => {
    expect(actionOf("Enter", false, { tag: "BUTTON", inMap: false })).toBeNull();
    expect(actionOf("ArrowDown", false, { tag: "DIV", inMap: true })).toBeNull();
  });
});

describe("the sound", () => {
  it("comes at most once in 15 s", () => {
    expect(maySound(null, 0)).toBe(true);
    expect(maySound(0, SOUND_GAP_MS - 1)).toBe(false);
    expect(maySound(0, SOUND_GAP_MS)).toBe(true);
  });
});

describe("map geometry", () => {
  it("looks where the camera looks: a wedge to the east lies east", () => {
    const ring = wedge([100, 200], 90, 60, 10);
    expect(ring[0]).toEqual([100, 200]);
    expect(ring.at(-1)).toEqual([100, 200]);
    const arc = ring.slice(1, -1);
    for (const [x = 0] of arc) expect(x).toBeGreaterThan(100);
    expect(arc[5]?.[0]).toBeCloseTo(110);
    expect(arc[5]?.[1]).toBeCloseTo(200);
  });
  it("draws uncertainty along the view: an ellipse to the east is long from west to east", () => {
    const ring = ellipse([100, 200], 30, 10, 90);
    expect(ring[0]).toEqual(ring.at(-1)?.map((value) => expect.closeTo(value) as number));
    const [xs, ys] = [ring.map(([x = 0]) => x), ring.map(([, y = 0]) => y)];
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([expect.closeTo(70), expect.closeTo(130)]);
    expect([Math.min(...ys), Math.max(...ys)]).toEqual([expect.closeTo(190), expect.closeTo(210)]);
    expect(reachNorth(30, 10, 90)).toBeCloseTo(10);
    const aslant = ellipse([0, 0], 30, 10, 40).map(([, y = 0]) => y);
    expect(Math.max(...aslant)).toBeCloseTo(reachNorth(30, 10, 40), 0);
  });
  it("meets the ground 340 m off for 30 m of mast and 5 degrees down, and never above the horizon", () => {
    expect(groundRange(30, -5)).toBeCloseTo(342.9, 0);
    expect(groundRange(30, 0)).toBeNull();
  });
  it("stretches with latitude as Mercator does", () => {
    expect(unitsPerMetre(60)).toBeCloseTo(2);
  });
  it("keeps one dot for each cell of the screen", () => {
    const dots = [[0, 0], [1, 1], [9, 9], [11, 0]];
    expect(thin(dots, (dot) => dot, 10)).toEqual([[0, 0], [11, 0]]);
  });
});

describe("movers", () => {
  const collar: Device = { id: "collar-1", kind: "collar", health: "online", last_position: { lat: 43, lon: 117, ts: "1970-01-01T00:00:00Z" } };
  const drone: Position = { id: "drone-1", kind: "drone", lat: 43, lon: 117, ts: 0 };
  it("stand where the registry last knew them until they are heard", () => {
    const movers = moversOf(new Map(), new Map(), new Map([[collar.id, collar]]), 1_000);
    expect(movers.collars.map((mover) => [mover.position.id, mover.stale])).toEqual([["collar-1", false]]);
  });
  it("fade after two cadences, which are the device's kind's", () => {
    const movers = moversOf(new Map([["drone-1", drone]]), new Map(), new Map([[collar.id, collar]]), 120_001);
    expect(movers.drones[0]?.stale).toBe(true);
    expect(movers.collars[0]?.stale).toBe(false);
  });
});
