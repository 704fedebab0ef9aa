// What the page of stations asks of the server. In: calls of the page. Out: typed answers of `http.ts`.
import { get, send } from "../../http";
import type { Closures, Proposal, Series, StationList } from "./types";

/** A span of time and how finely it is asked for; without a step every value with its flags. */
export interface SeriesSpan {
  from_ms: number;
  to_ms: number;
  step: string | null;
}

export const stationsApi = {
  stations: (): Promise<StationList> => get<StationList>("/stations"),
  series(device: string, field: string, { from_ms, to_ms, step }: SeriesSpan): Promise<Series> {
    const query = new URLSearchParams({ field, from: new Date(from_ms).toISOString(), to: new Date(to_ms).toISOString() });
    if (step !== null) query.set("step", step);
    return get<Series>(`/devices/${encodeURIComponent(device)}/series?${query.toString()}`);
  },
  closures: (): Promise<Closures> => get<Closures>("/closures"),
  approve: (id: number): Promise<Proposal | null> => send<Proposal>("POST", `/closures/decisions/${id}/approve`),
  decline: (id: number, reason: string): Promise<Proposal | null> => send<Proposal>("POST", `/closures/decisions/${id}/decline`, { reason }),
};
