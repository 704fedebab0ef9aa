// What only reports ask of the server. In: a span. Out: typed answers of `http.ts`, addresses of files.
import { BASE, get, send } from "../../http";
import type { SeasonReport, ShiftNote, ShiftReport } from "./types";

export const FORMATS = ["csv", "xlsx", "pdf"] as const;
export type Format = (typeof FORMATS)[number];
export type ReportName = "shift" | "season";

export function reportPath(name: ReportName, query: Record<string, string>): string {
  return `/reports/${name}?${new URLSearchParams(query).toString()}`;
}

/** A link: the browser fetches it with the session's cookie. */
export const fileUrl = (name: ReportName, query: Record<string, string>, format: Format): string => BASE + reportPath(name, { ...query, format });

export const reportsApi = {
  shift: (query: Record<string, string>): Promise<ShiftReport> => get<ShiftReport>(reportPath("shift", query)),
  season: (query: Record<string, string>): Promise<SeasonReport> => get<SeasonReport>(reportPath("season", query)),
  addNote: (text: string): Promise<ShiftNote | null> => send<ShiftNote>("POST", "/reports/shift/notes", { text }),
};
