// What only the page of devices asks of the server. In: calls of its components. Out: typed answers of `http.ts`.
import { get, getAll, send } from "../../http";
import type { Device, Instant, LatLon, Pose, Snapshot } from "../../types";

/** How a device says it is; each with its unit in the answer. */
export const VITALS = ["battery_percent", "signal_dbm", "temperature_c"] as const;
export type VitalName = (typeof VITALS)[number];

/** A value's lowest, mean and highest in each step. */
export interface VitalSeries {
  field: VitalName;
  unit: string;
  points: [ts_ms: number, min: number, mean: number, max: number][];
}

/** A time in which somebody works on devices. */
export interface Work {
  id: number;
  scope: string;
  name: string;
  from: Instant;
  until: Instant;
  state: "ahead" | "holds" | "over";
  reason: string;
  by: string;
}

const PICTURES_MAX = 4;
const LIST_MAX = 1_000;
const pathOf = (id: string): string => `/devices/${encodeURIComponent(id)}`;

export const seriesOf = (id: string, field: VitalName, from: string): Promise<VitalSeries> =>
  get<VitalSeries>(`${pathOf(id)}/series?field=${field}&from=${encodeURIComponent(from)}&step=10m`);
export const picturesOf = (id: string): Promise<Snapshot[]> => getAll<Snapshot>(`${pathOf(id)}/snapshots`, PICTURES_MAX, 1);
export const workOn = async (id: string): Promise<Work[]> =>
  (await getAll<Work>("/maintenance", LIST_MAX, 1)).filter((work) => work.scope === "device" && work.name === id && work.state !== "over");

export async function announce(device: string, until: string, reason: string): Promise<void> {
  await send("POST", "/maintenance", { device, until, reason });
}
export async function endWork(id: number): Promise<void> {
  await send("POST", `/maintenance/${id}/end`);
}
export const switchDevice = (id: string, verb: "enable" | "disable" | "approve"): Promise<Device | null> => send<Device>("POST", `${pathOf(id)}/${verb}`);
/** Where a device stands and how it looks; what is not named stays as it is. */
export const savePlace = (id: string, body: Partial<{ place: LatLon; pose: Pose }>): Promise<Device | null> => send<Device>("PATCH", pathOf(id), body);
