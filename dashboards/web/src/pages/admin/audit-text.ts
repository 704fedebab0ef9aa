// The audit's entries as people read them. In: an entry as the server gives it. Out: its verb, what it was done to, and what changed. Pure.

export interface Deed {
  /** `user.second_factor`. */
  verb: string;
  /** Whom or what it was done to; empty where the verb says all. */
  subject: string;
}

/** `user.add li` in its two parts; names may hold spaces, verbs do not. */
export function deedOf(what: string): Deed {
  const gap = what.indexOf(" ");
  return gap === -1 ? { verb: what, subject: "" } : { verb: what.slice(0, gap), subject: what.slice(gap + 1) };
}

export interface Difference {
  field: string;
  before: string | null;
  after: string | null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string" || typeof item === "number")) return value.join(", ");
  return JSON.stringify(value);
}

/** Nothing is also what an empty list says. */
const isNothing = (value: string | null): boolean => value === null || value === "";

/** Which fields are other afterwards; of a thing that is new or gone, those that say something. A value that is no object is one nameless field. */
export function differences(before: unknown, after: unknown): Difference[] {
  if (!isObject(before ?? {}) || !isObject(after ?? {})) {
    const whole = { field: "", before: text(before), after: text(after) };
    return whole.before === whole.after ? [] : [whole];
  }
  const old = isObject(before) ? before : {};
  const fresh = isObject(after) ? after : {};
  const fields = [...new Set([...Object.keys(old), ...Object.keys(fresh)])];
  return fields
    .map((field) => ({ field, before: text(old[field]), after: text(fresh[field]) }))
    .filter((one) => one.before !== one.after && !(isNothing(one.before) && isNothing(one.after)));
}
