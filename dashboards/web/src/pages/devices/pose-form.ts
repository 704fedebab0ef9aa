// Place and mounting as a form. In: a device, what is typed or dragged. Out: what is wrong with each field, what would change, the body of
// the request. Pure; the limits are the server's own, said beforehand.
import type { MessageKey } from "../../i18n/translate";
import type { Device, LatLon, Pose } from "../../types";

export const PLACE_FIELDS = ["lat", "lon"] as const;
export const POSE_FIELDS = ["height_m", "yaw_deg", "pitch_deg", "hfov_deg"] as const;
export const FIELDS = [...PLACE_FIELDS, ...POSE_FIELDS] as const;
export type FieldName = (typeof FIELDS)[number];

/** What stands in the fields; an empty one is no number. */
export type Draft = Record<FieldName, number | "">;
export type Refusals = Partial<Record<FieldName, string>>;
export type Wrong = Partial<Record<FieldName, MessageKey>>;

/** A place and a mounting, as far as they are known. */
export interface Setting {
  place: LatLon | null;
  pose: Pose | null;
}

/** A value that becomes another one; `null` is not registered. */
export interface FieldChange {
  field: FieldName;
  before: number | null;
  after: number;
}

interface Limit {
  low: number;
  high: number;
  /** A step of the arrow keys. */
  step: number;
  /** Figures after the point that a drag on the map gives. */
  digits: number;
  wrong: MessageKey;
}

export const LIMITS: Record<FieldName, Limit> = {
  lat: { low: -90, high: 90, step: 0.0001, digits: 6, wrong: "pose_wrong_lat" },
  lon: { low: -180, high: 180, step: 0.0001, digits: 6, wrong: "pose_wrong_lon" },
  height_m: { low: 0, high: 9_000, step: 0.5, digits: 1, wrong: "pose_wrong_height_m" },
  yaw_deg: { low: -360, high: 360, step: 1, digits: 1, wrong: "pose_wrong_yaw_deg" },
  pitch_deg: { low: -90, high: 90, step: 0.1, digits: 1, wrong: "pose_wrong_pitch_deg" },
  hfov_deg: { low: 0.1, high: 360, step: 1, digits: 1, wrong: "pose_wrong_hfov_deg" },
};

/** A camera looks somewhere; whatever else stands in a place only. */
export const hasView = (device: Device): boolean => device.kind === "camera";
/** Fixed to the ground: the others carry their place with them. */
export const isFixed = (device: Device): boolean => device.kind === "camera" || device.kind === "station";

export const settingOf = ({ place, pose }: Device): Setting => ({ place: place ?? null, pose: pose ?? null });

export function draftOf({ place, pose }: Setting): Draft {
  return {
    lat: place?.lat ?? "",
    lon: place?.lon ?? "",
    height_m: pose?.height_m ?? "",
    yaw_deg: pose?.yaw_deg ?? "",
    pitch_deg: pose?.pitch_deg ?? "",
    hfov_deg: pose?.hfov_deg ?? "",
  };
}

export function rounded(field: FieldName, value: number): number {
  return Number(value.toFixed(LIMITS[field].digits));
}

const inLimits = (field: FieldName, value: number): boolean => value >= LIMITS[field].low && value <= LIMITS[field].high;

/** What keeps each field from being saved. A mounting is all four values, or was none and stays none. */
export function wrongIn(draft: Draft, before: Setting, withPose: boolean): Wrong {
  const wrong: Wrong = {};
  const untouched = before.pose === null && POSE_FIELDS.every((field) => draft[field] === "");
  for (const field of withPose && !untouched ? FIELDS : PLACE_FIELDS) {
    const value = draft[field];
    if (value === "") wrong[field] = "pose_wrong_empty";
    else if (!Number.isFinite(value) || !inLimits(field, value)) wrong[field] = LIMITS[field].wrong;
  }
  if (draft.lat === 0 && draft.lon === 0) wrong.lat = "pose_wrong_zero";
  return wrong;
}

/** What the map can show of the fields: only what is whole and within its limits. */
export function shownOf(draft: Draft): Setting {
  const good = (field: FieldName): number | null => {
    const value = draft[field];
    return value !== "" && Number.isFinite(value) && inLimits(field, value) ? value : null;
  };
  const [lat, lon] = [good("lat"), good("lon")];
  const [height_m, yaw_deg, pitch_deg, hfov_deg] = [good("height_m"), good("yaw_deg"), good("pitch_deg"), good("hfov_deg")];
  return {
    place: lat === null || lon === null ? null : { lat, lon },
    pose: height_m === null || yaw_deg === null || pitch_deg === null || hfov_deg === null ? null : { height_m, yaw_deg, pitch_deg, hfov_deg },
  };
}

export function changesOf(draft: Draft, before: Setting): FieldChange[] {
  const old = draftOf(before);
  return FIELDS.flatMap((field) => {
    const [was, after] = [old[field], draft[field]];
    return after === "" || after === was ? [] : [{ field, before: was === "" ? null : was, after }];
  });
}

/** Only what became another: the server leaves alone what is not named, and takes a mounting as a whole. */
export function bodyOf(draft: Draft, before: Setting): Partial<{ place: LatLon; pose: Pose }> {
  const changed = new Set(changesOf(draft, before).map(({ field }) => field));
  const { place, pose } = shownOf(draft);
  const body: Partial<{ place: LatLon; pose: Pose }> = {};
  if (place !== null && PLACE_FIELDS.some((field) => changed.has(field))) body.place = place;
  if (pose !== null && POSE_FIELDS.some((field) => changed.has(field))) body.pose = pose;
  return body;
}

/** Whose fault a refusal is: the server names the field as `pose.height_m`, a place as a position. */
export function refusedFields(sentence: string): FieldName[] {
  const named = POSE_FIELDS.filter((field) => sentence.includes(`pose.${field}`));
  if (named.length > 0) return named;
  return sentence.startsWith("position ") ? ["lat"] : [];
}

export const sameSetting = (one: Setting, other: Setting): boolean => FIELDS.every((field) => draftOf(one)[field] === draftOf(other)[field]);
