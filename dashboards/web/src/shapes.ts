// The shapes that carry severity and health, as paths in a 12 x 12 box. In: nothing. Out: one path per word.
// The same shapes are drawn on the map, in the queue and in the legend.
import type { Health, Severity } from "./types";

export const SEVERITY_PATHS: Record<Severity, string> = {
  urgent: "M6 .8 11.6 11H.4Z",
  warning: "M6 .4 11.6 6 6 11.6.4 6Z",
  notice: "M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1Z",
};

export interface HealthLook {
  path: string;
  /** Class of `HealthMark.vue`: which colour, and filled or drawn as an outline. */
  look: "fine" | "late" | "silent" | "never" | "faulty" | "off";
}

export const HEALTH_LOOKS: Record<Health, HealthLook> = {
  online: { path: "M1.5 1.5h9v9h-9Z", look: "fine" },
  late: { path: "M6 .8 11.2 6 6 11.2.8 6ZM6 .8V11.2", look: "late" },
  silent: { path: "M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z", look: "silent" },
  never_seen: { path: "M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z", look: "never" },
  faulty: { path: "M6 1.2 11 10.6H1Z", look: "faulty" },
  disabled: { path: "M2 2 10 10M10 2 2 10", look: "off" },
  maintenance: { path: "M1.5 4h9M1.5 8h9", look: "off" },
};
