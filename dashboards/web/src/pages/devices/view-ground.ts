// What ground a camera sees. In: height, direction, tilt, field of view. Out: an outline in metres east and north of its foot, its area and
// distances. Pure; the ground is taken as flat and level, so hills neither hide nor show anything here.
import type { Pose } from "../../types";

/** Metres east and north of the camera's foot. */
export type GroundPoint = readonly [east_m: number, north_m: number];

/** The ground within a picture. */
export interface GroundView {
  /** Closed by its first corner, convex; empty where the picture holds no ground within reach. */
  outline: GroundPoint[];
  area_mu: number;
  /** From the foot to the nearest ground in the picture; 0 where the foot itself is in it. */
  near_m: number;
  far_m: number;
  /** Some of what is seen lies farther than the reach, or is sky. */
  cut: boolean;
  /** Where the middle of the picture meets the ground; `null` at or above the horizon. May lie beyond the reach. */
  middle_m: number | null;
}

/** Where rays that meet the ground far away, or not at all, are cut. */
export const REACH_M = 5_000;
/** Rays flatter than this give a direction but no place: what detection demands. */
export const FLATTEST_DEG = 3;
/** A picture is a plane; wider than this it is drawn by another lens, and this arithmetic says nothing. */
export const WIDEST_DEG = 175;
const ASPECT = 16 / 9;
const SQUARE_METRES_PER_MU = 2_000 / 3;
/** A sag of the circle of 0.2 m at 5 km. */
const CIRCLE_STEPS = 360;
/** Rounding of metres, far below what anybody measures. */
const TINY_M = 1e-6;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The vertical field of view of a 16:9 picture, degrees. */
export function verticalView(hfov_deg: number): number {
  return (2 * Math.atan(Math.tan(radians(hfov_deg) / 2) / ASPECT) * 180) / Math.PI;
}

/** How far from its foot a camera gives places and not only directions. */
export const placedReach = (height_m: number): number => Math.min(REACH_M, height_m / Math.tan(radians(FLATTEST_DEG)));

/** On the land ahead: metres along the view's axis and to its right. */
type Ahead = readonly [along_m: number, right_m: number];
/** What is kept of the plane: where `a·along + b·right + c` is not negative. */
type HalfPlane = readonly [a: number, b: number, c: number];

/** The four sides of the picture, where they cut the ground. */
function sidesOf({ height_m, pitch_deg, hfov_deg }: Pose): HalfPlane[] {
  const [sine, cosine] = [Math.sin(radians(pitch_deg)), Math.cos(radians(pitch_deg))];
  const wide = Math.tan(radians(hfov_deg) / 2);
  const tall = wide / ASPECT;
  // Depth into the picture and height in it of a ground point, both linear in how far it lies ahead.
  const depth: HalfPlane = [cosine, 0, -height_m * sine];
  const up: HalfPlane = [-sine, 0, -height_m * cosine];
  const side = (factor: number, part: HalfPlane, sign: number): HalfPlane => [
    factor * depth[0] + sign * part[0],
    factor * depth[1] + sign * part[1],
    factor * depth[2] + sign * part[2],
  ];
  const right: HalfPlane = [0, 1, 0];
  return [side(wide, right, 1), side(wide, right, -1), side(tall, up, 1), side(tall, up, -1)];
}

const within = ([a, b, c]: HalfPlane, [along, right]: Ahead): number => a * along + b * right + c;

/** What of a convex outline lies on the kept side. */
function clip(outline: readonly Ahead[], side: HalfPlane): Ahead[] {
  const kept: Ahead[] = [];
  outline.forEach((end, index) => {
    const start = outline.at(index - 1) ?? end;
    const [from, to] = [within(side, start), within(side, end)];
    if (from >= 0 !== to >= 0) {
      const part = from / (from - to);
      kept.push([start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])]);
    }
    if (to >= 0) kept.push(end);
  });
  return kept;
}

function circle(radius_m: number): Ahead[] {
  return Array.from({ length: CIRCLE_STEPS }, (_, step) => {
    const angle = (2 * Math.PI * step) / CIRCLE_STEPS;
    return [radius_m * Math.cos(angle), radius_m * Math.sin(angle)] as const;
  });
}

/** Shortest distance from the foot to the border. */
function distanceToBorder(outline: readonly Ahead[]): number {
  const distances = outline.map((end, index) => {
    const start = outline.at(index - 1) ?? end;
    const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
    const length = dx * dx + dy * dy;
    const part = length === 0 ? 0 : Math.min(1, Math.max(0, -(start[0] * dx + start[1] * dy) / length));
    return Math.hypot(start[0] + part * dx, start[1] + part * dy);
  });
  return Math.min(...distances);
}

/** `null` where a pose says nothing of the ground: no height, or a lens too wide to be a plane. */
export function groundView(pose: Pose, reach_m = REACH_M): GroundView | null {
  const { height_m, yaw_deg, pitch_deg, hfov_deg } = pose;
  if (![height_m, yaw_deg, pitch_deg, hfov_deg].every(Number.isFinite) || height_m <= 0 || hfov_deg <= 0 || hfov_deg > WIDEST_DEG) return null;
  const sides = sidesOf(pose);
  const ahead = sides.reduce<readonly Ahead[]>(clip, circle(reach_m));
  const holdsFoot = sides.every((side) => within(side, [0, 0]) >= 0);
  const far_m = Math.max(0, ...ahead.map(([along, right]) => Math.hypot(along, right)));
  const doubled = ahead.reduce((sum, [x, y], index) => {
    const [fromX, fromY] = ahead.at(index - 1) ?? [x, y];
    return sum + fromX * y - x * fromY;
  }, 0);
  const [sine, cosine] = [Math.sin(radians(yaw_deg)), Math.cos(radians(yaw_deg))];
  return {
    outline: ahead.map(([along, right]) => [along * sine + right * cosine, along * cosine - right * sine]),
    area_mu: Math.abs(doubled) / 2 / SQUARE_METRES_PER_MU,
    near_m: ahead.length === 0 || holdsFoot ? 0 : distanceToBorder(ahead),
    far_m,
    cut: far_m > reach_m - TINY_M || ahead.length === 0,
    middle_m: pitch_deg < 0 && pitch_deg >= -90 ? height_m / Math.tan(radians(-pitch_deg)) : null,
  };
}
