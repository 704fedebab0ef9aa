// What ground a camera sees, and its place and mounting as a form.
import { describe, expect, it } from "vitest";
import { bodyOf, changesOf, draftOf, refusedFields, shownOf, wrongIn, type Setting } from "../src/pages/devices/pose-form";
import { groundView, placedReach, REACH_M, verticalView } from "../src/pages/devices/view-ground";

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
/** From a mast of 30 m, 20 degrees down, a narrow lens: all of the picture is ground. */
const NARROW = { height_m: 30, yaw_deg: 0, pitch_deg: -20, hfov_deg: 32 };

describe("the ground in a picture", () => {
  it("is as tall as 16:9 says", () => {
    expect(verticalView(90)).toBeCloseTo(58.72, 2);
  });
  it("is a trapezoid from the bottom ray to the top ray", () => {
    const half = verticalView(32) / 2;
    const near = 30 / Math.tan(radians(20 + half));
    const far = 30 / Math.tan(radians(20 - half));
    // How wide the picture is at its bottom and top edge: slant range times the lens, seen in the middle of the edge.
    const wide = (edge_deg: number): number => (30 / Math.sin(radians(edge_deg))) * Math.cos(radians(half)) * Math.tan(radians(16));
    const view = groundView(NARROW);
    expect(view?.outline).toHaveLength(4);
    expect(view?.near_m).toBeCloseTo(near, 6);
    expect(view?.far_m).toBeCloseTo(Math.hypot(far, wide(20 - half)), 6);
    expect(view?.middle_m).toBeCloseTo(82.424, 3);
    expect(view?.cut).toBe(false);
    expect(view?.area_mu).toBeCloseTo(((wide(20 + half) + wide(20 - half)) * (far - near)) / (2_000 / 3), 6);
  });
  it("turns clockwise from north", () => {
    const east = groundView({ ...NARROW, yaw_deg: 90 })?.outline ?? [];
    expect(Math.min(...east.map(([x]) => x))).toBeGreaterThan(0);
    expect(Math.max(...east.map(([, y]) => y))).toBeCloseTo(-Math.min(...east.map(([, y]) => y)), 6);
    const again = groundView({ ...NARROW, yaw_deg: -270 })?.outline ?? [];
    expect(again[0]?.[0]).toBeCloseTo(east[0]?.[0] ?? 0, 6);
  });
  it("is cut at the reach where the picture holds the horizon", () => {
    const view = groundView({ height_m: 35, yaw_deg: 353.8, pitch_deg: -7.3, hfov_deg: 67 });
    expect(view?.cut).toBe(true);
    expect(view?.far_m).toBeCloseTo(REACH_M, 6);
    // A sector of the circle as wide as the sides are at the horizon, less little near the foot.
    const side = Math.atan(Math.tan(radians(33.5)) * Math.cos(radians(7.3)));
    expect(view?.area_mu).toBeGreaterThan((side * REACH_M ** 2 * 0.98) / (2_000 / 3));
    expect(view?.area_mu).toBeLessThan((side * REACH_M ** 2 * 1.02) / (2_000 / 3));
  });
  it("holds the foot when the camera looks straight down", () => {
    const view = groundView({ height_m: 100, yaw_deg: 0, pitch_deg: -90, hfov_deg: 90 });
    expect(view?.near_m).toBe(0);
    expect(view?.middle_m).toBeCloseTo(0, 6);
    expect(view?.area_mu).toBeCloseTo((200 * 112.5) / (2_000 / 3), 6);
  });
  it("is none where the picture is all sky, and nothing is said of a fish's eye or a camera on the ground", () => {
    const sky = groundView({ height_m: 30, yaw_deg: 0, pitch_deg: 60, hfov_deg: 40 });
    expect([sky?.outline, sky?.area_mu, sky?.middle_m]).toEqual([[], 0, null]);
    expect(groundView({ ...NARROW, hfov_deg: 360 })).toBeNull();
    expect(groundView({ ...NARROW, height_m: 0 })).toBeNull();
  });
  it("gives places up to three degrees below the horizon", () => {
    expect(placedReach(30)).toBeCloseTo(572.4, 1);
    expect(placedReach(9_000)).toBe(REACH_M);
  });
});

describe("the form of place and mounting", () => {
  const before: Setting = { place: { lat: 43.1, lon: 117.2 }, pose: { height_m: 35, yaw_deg: 350, pitch_deg: -7.3, hfov_deg: 67 } };
  const draft = draftOf(before);
  it("asks for nothing where nothing changed", () => {
    expect(changesOf(draft, before)).toEqual([]);
    expect(bodyOf(draft, before)).toEqual({});
  });
  it("sends a mounting whole and leaves the place alone", () => {
    const turned = { ...draft, yaw_deg: 10 };
    expect(changesOf(turned, before)).toEqual([{ field: "yaw_deg", before: 350, after: 10 }]);
    expect(bodyOf(turned, before)).toEqual({ pose: { height_m: 35, yaw_deg: 10, pitch_deg: -7.3, hfov_deg: 67 } });
  });
  it("says which value cannot be", () => {
    const wrong = wrongIn({ ...draft, lat: 91, pitch_deg: "", hfov_deg: 0 }, before, true);
    expect(wrong).toEqual({ lat: "pose_wrong_lat", pitch_deg: "pose_wrong_empty", hfov_deg: "pose_wrong_hfov_deg" });
    expect(wrongIn({ ...draft, lat: 0, lon: 0 }, before, true)).toEqual({ lat: "pose_wrong_zero" });
  });
  it("takes a camera without a mounting as it is, but no half of one", () => {
    const bare: Setting = { place: before.place, pose: null };
    expect(wrongIn(draftOf(bare), bare, true)).toEqual({});
    expect(Object.keys(wrongIn({ ...draftOf(bare), height_m: 30 }, bare, true))).toEqual(["yaw_deg", "pitch_deg", "hfov_deg"]);
  });
  it("shows on the map only what is whole", () => {
    expect(shownOf({ ...draft, yaw_deg: "" })).toEqual({ place: before.place, pose: null });
  });
  it("finds the field that the server refuses", () => {
    expect(refusedFields("pose.height_m `-3` is refused; use 0 to 9000 metres above the ground")).toEqual(["height_m"]);
    expect(refusedFields("position lat 99, lon 117 is out of range; latitude is -90 to 90, longitude -180 to 180")).toEqual(["lat"]);
    expect(refusedFields("no such device")).toEqual([]);
  });
});
