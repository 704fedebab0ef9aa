// Notices: their order, what is held of them, and which pictures an incident shows.
import { describe, expect, it } from "vitest";
import { shownPictures } from "../src/evidence";
import { groupNotices, noticesGoingOn, takeNotice } from "../src/notices";
import type { Notice } from "../src/types";

function notice(id: string, fields: Partial<Notice> = {}): Notice {
  const text = { zh: "镜头", en: "lens" };
  return { id, matter: "flaw", code: "lens", devices: [], devices_count: 0, since: "2026-04-22T01:00:00Z", text, ...fields };
}
const held = (...list: Notice[]): Map<string, Notice> => new Map(list.map((one) => [one.id, one]));

describe("notices", () => {
  it("are grouped by matter, fires first, the newest of each first", () => {
    const groups = groupNotices([
      notice("old"),
      notice("new", { since: "2026-04-22T02:00:00Z" }),
      notice("fire", { matter: "fire" }),
      notice("cut off", { matter: "outage" }),
    ]);
    expect(groups.map((group) => [group.matter, group.notices.map((one) => one.id)])).toEqual([
      ["fire", ["fire"]],
      ["outage", ["cut off"]],
      ["flaw", ["new", "old"]],
    ]);
  });

  it("are held while they last", () => {
    const going = takeNotice(held(), notice("a"));
    expect([...going.keys()]).toEqual(["a"]);
    expect(takeNotice(going, notice("a", { until: "2026-04-22T03:00:00Z" })).size).toBe(0);
  });

  it("that ended while a list was under way do not come back with it", () => {
    const next = noticesGoingOn(held(notice("begun")), [notice("ended"), notice("listed")], new Set(["ended", "begun"]));
    expect([...next.keys()].sort()).toEqual(["begun", "listed"]);
  });
});

describe("pictures of an incident", () => {
  const kept = (snapshot_id: string, ts: string, why: string) => ({ snapshot_id, hash: `hash-${snapshot_id}`, device: "cam-1", ts, why });

  it("show what was seen over the kept file, and the one before the alarm first", () => {
    const named = [{ snapshot_id: "s-2", device: "cam-1", ts: "2026-04-22T01:00:10Z", boxes: [[0.1, 0.2, 0.3, 0.4]] as [number, number, number, number][] }];
    const shown = shownPictures(named, [kept("s-2", "2026-04-22T01:00:10Z", "named"), kept("s-1", "2026-04-22T01:00:00Z", "before")]);
    expect(shown.map((one) => [one.snapshot_id, one.hash, one.before, one.boxes.length])).toEqual([
      ["s-1", "hash-s-1", true, 0],
      ["s-2", "hash-s-2", false, 1],
    ]);
  });

  it("without a kept file keep their boxes", () => {
    const named = [{ snapshot_id: "s-1", device: "drone-1", ts: "2026-04-22T01:00:00Z" }];
    expect(shownPictures(named, [])[0]).toMatchObject({ hash: null, before: false, boxes: [] });
  });
});
