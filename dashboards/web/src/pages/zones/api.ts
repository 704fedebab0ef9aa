// What this page asks of the server. In: its components. Out: typed answers of `http.ts`.
import { get, send } from "../../http";
import type { LatLon, Page } from "../../types";
import type { Calendar, Geometry, ImportReport, PlaceAnswer, Proposal, ZoneVersion } from "./types";

const zonePath = (id: string): string => `/zones/${encodeURIComponent(id)}`;

/** What goes with the files, as the form names it; empty fields are left out. */
export type ImportFields = Readonly<Record<string, string>>;

async function importZones(files: readonly File[], fields: ImportFields): Promise<ImportReport | null> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value.trim() !== "") form.append(name, value.trim());
  for (const file of files) form.append("file", file, file.name);
  return send<ImportReport>("POST", "/zones/import", form);
}

export const zonesApi = {
  versions: async (id: string): Promise<ZoneVersion[]> => (await get<Page<ZoneVersion>>(`${zonePath(id)}/versions`)).items,
  /** A version with its border; nothing where it is a repeal. */
  border: async (id: string, version: number): Promise<Geometry | null> => {
    const { geometry } = await get<{ geometry: Geometry }>(`${zonePath(id)}/versions/${version}`);
    return (geometry.coordinates as unknown[]).length === 0 ? null : geometry;
  },
  calendar: (): Promise<Calendar> => get<Calendar>("/closures"),
  proposals: async (): Promise<Proposal[]> => (await get<Page<Proposal>>("/zones/proposals")).items,
  at({ lat, lon }: LatLon, t: string, known: string): Promise<PlaceAnswer> {
    const query = new URLSearchParams({ lat: lat.toFixed(7), lon: lon.toFixed(7) });
    if (t !== "") query.set("t", t);
    if (known !== "") query.set("known", known);
    return get<PlaceAnswer>(`/zones/at?${query.toString()}`);
  },
  tryOut: (files: readonly File[], fields: ImportFields): Promise<ImportReport | null> => importZones(files, { ...fields, dry_run: "true" }),
  publish: importZones,
  repeal: (id: string, from: string, reason: string): Promise<{ version?: number; proposal?: Proposal } | null> =>
    send("POST", `${zonePath(id)}/repeal`, { from, reason }),
  approve: (id: number): Promise<Proposal | null> => send<Proposal>("POST", `/zones/proposals/${id}/approve`, {}),
  decline: (id: number, reason: string): Promise<Proposal | null> => send<Proposal>("POST", `/zones/proposals/${id}/decline`, { reason }),
};
