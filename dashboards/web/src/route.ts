// Which page is shown. In: the address after #. Out: a page, what is open on it, and its settings, so that what is on the screen can be sent
// to a colleague: `#/watch/{incident}`, `#/playback?from=…&to=…`. A few pages need no router library.
import { ref } from "vue";

export const PAGES = [
  "watch",
  "notices",
  "playback",
  "devices",
  "stations",
  "zones",
  "patrols",
  "reports",
  "deliveries",
  "admin",
] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  page: PageName;
  /** What is open on the page: an incident, a device, a zone. */
  id: string | null;
  /** The page's settings. */
  query: Readonly<Record<string, string>>;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.split("?", 2);
  const [, name, id] = path.split("/");
  const page = PAGES.find((known) => known === name) ?? "watch";
  return { page, id: id === undefined || id === "" ? null : safeDecode(id), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** A hand-made address may hold a broken escape. */
function safeDecode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export function hashOf({ page, id, query }: Route): string {
  const path = id === null ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;
  const settings = new URLSearchParams(query).toString();
  return settings === "" ? path : `${path}?${settings}`;
}

export const route = ref<Route>(parseRoute(location.hash));

export function followAddress(): void {
  window.addEventListener("hashchange", () => {
    route.value = parseRoute(location.hash);
  });
}

/** Opens something on the present page, or closes it, without a new entry in the history for each row looked at. */
export function openOnPage(id: string | null, query: Record<string, string> = {}): void {
  route.value = { page: route.value.page, id, query };
  history.replaceState(null, "", hashOf(route.value));
}

/** Another page, as a click on its link would. */
export function goTo(page: PageName, id: string | null = null, query: Record<string, string> = {}): void {
  location.hash = hashOf({ page, id, query });
}
