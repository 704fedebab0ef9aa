// What only playback asks of the server. In: a span of time. Out: typed answers of `http.ts`.
import { get, getAll } from "../../http";
import type { Incident, Notice } from "../../types";
import type { Period, Playback } from "./types";

const LIST_LIMIT = 1_000;
const INCIDENT_PAGES_MAX = 3;

const iso = (ms: number): string => encodeURIComponent(new Date(ms).toISOString());

export const playbackApi = {
  movers: ({ from_ms, to_ms }: Period): Promise<Playback> => get<Playback>(`/playback?from=${iso(from_ms)}&to=${iso(to_ms)}`),
  incidents: ({ from_ms, to_ms }: Period): Promise<Incident[]> =>
    getAll<Incident>("/incidents", LIST_LIMIT, INCIDENT_PAGES_MAX, `since=${iso(from_ms)}&until=${iso(to_ms)}`),
  /** The server takes no span for these: the newest of all, from which the page picks. */
  notices: (): Promise<Notice[]> => getAll<Notice>("/notices", LIST_LIMIT, 1),
};
