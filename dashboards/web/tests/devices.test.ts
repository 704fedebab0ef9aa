// Devices as a board and in order.
import { describe, expect, it } from "vitest";
import { compareBy, countByKind } from "../src/pages/devices/board";
import type { Device } from "../src/types";

const device = (id: string, fields: Partial<Device> = {}): Device => ({ id, kind: "camera", health: "online", ...fields });

describe("the board", () => {
  it("counts each kind by health, the worst first", () => {
    const board = countByKind([device("a"), device("b", { health: "silent" }), device("c"), device("d", { kind: "collar", health: "late" })]);
    expect(board).toEqual([
      { kind: "camera", total: 3, healths: [{ health: "silent", count: 1 }, { health: "online", count: 2 }] },
      { kind: "collar", total: 1, healths: [{ health: "late", count: 1 }] },
    ]);
  });
});

describe("the table", () => {
  const order = (key: Parameters<typeof compareBy>[0], down: boolean, list: Device[]): string[] => list.sort(compareBy(key, down)).map(({ id }) => id);
  it("puts the worst first by health", () => {
    expect(order("health", false, [device("a"), device("b", { health: "faulty" }), device("c", { health: "late" })])).toEqual(["b", "c", "a"]);
  });
  it("leaves what is unknown last in both directions", () => {
    const list = [device("none"), device("low", { battery_percent: 5 }), device("full", { battery_percent: 99 })];
    expect(order("battery", false, list)).toEqual(["low", "full", "none"]);
    expect(order("battery", true, list)).toEqual(["full", "low", "none"]);
  });
});
