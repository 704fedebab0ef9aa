// What playback asks and answers, as it is on the wire. In: JSON. Out: types only, no code.
import type { DeviceKind } from "../../types";

/** When (Unix milliseconds) and where (WGS84): time, latitude, longitude. */
export type TrackPoint = [ts_ms: number, lat: number, lon: number];

export interface PlayedMover {
  id: string;
  kind: DeviceKind;
  /** In the order of time. */
  points: TrackPoint[];
}

export interface Playback {
  from: string;
  to: string;
  step_s: number;
  movers: PlayedMover[];
  /** There was more than one answer holds. */
  cut: boolean;
}

/** A span of time, Unix milliseconds. */
export interface Period {
  from_ms: number;
  to_ms: number;
}
