// Which page is shown. In: the address after #. Out: a page and, on the watch page, the incident whose detail is open,
// so that a link to an incident can be sent to a colleague. Four pages need no router library.
import { ref } from "vue";

export type PageName = "watch" | "notices" | "devices" | "deliveries";
export interface Route {
  page: PageName;
  incident: string | null;
}

export function parseRoute(hash: string): Route {
  const [, page, id] = hash.split("/");
  if (page === "notices" || page === "devices" || page === "deliveries") return { page, incident: null };
  return { page: "watch", incident: id === undefined || id === "" ? null : safeDecode(id) };
}

/** A hand-made address may hold a broken escape. */
function safeDecode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export function hashOf(route: Route): string {
  return route.page === "watch" && route.incident !== null
    ? `#/watch/${encodeURIComponent(route.incident)}`
    : `#/${route.page}`;
}

export const route = ref<Route>(parseRoute(location.hash));

export function followAddress(): void {
  window.addEventListener("hashchange", () => {
    route.value = parseRoute(location.hash);
  });
}

/** Opens or closes a detail without a new entry in the history for each row looked at. */
export function openIncident(id: string | null): void {
  route.value = { page: "watch", incident: id };
  history.replaceState(null, "", hashOf(route.value));
}
