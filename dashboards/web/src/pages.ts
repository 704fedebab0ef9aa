// The pages, and who has them. In: a page's name, a user. Out: its component, loaded when it is first opened; what the bar offers.
import { defineAsyncComponent, type Component } from "vue";
import PageMissing from "./components/PageMissing.vue";
import WatchPage from "./pages/watch/WatchPage.vue";
import { PAGES, type PageName } from "./route";
import type { User } from "./types";

const later = (load: () => Promise<{ default: Component }>): Component => defineAsyncComponent({ loader: load, delay: 0, errorComponent: PageMissing });

/** The desk is there at once; the others come when somebody opens them. */
const COMPONENTS: Record<PageName, Component> = {
  watch: WatchPage,
  notices: later(() => import("./pages/notices/NoticesPage.vue")),
  playback: later(() => import("./pages/playback/PlaybackPage.vue")),
  devices: later(() => import("./pages/devices/DevicesPage.vue")),
  stations: later(() => import("./pages/stations/StationsPage.vue")),
  zones: later(() => import("./pages/zones/ZonesPage.vue")),
  patrols: later(() => import("./pages/patrols/PatrolsPage.vue")),
  reports: later(() => import("./pages/reports/ReportsPage.vue")),
  deliveries: later(() => import("./pages/deliveries/DeliveriesPage.vue")),
  admin: later(() => import("./pages/admin/AdminPage.vue")),
};

/** Pages that are nobody's business without one of these roles. */
const ROLES: Partial<Record<PageName, readonly string[]>> = { admin: ["administrator", "auditor"] };

export const pageOf = (name: PageName): Component => COMPONENTS[name];

/** Whether somebody has one of the roles. */
export function hasRole(user: User | null | "unknown", roles: readonly string[]): boolean {
  return user !== null && user !== "unknown" && (user.roles ?? []).some((role) => roles.includes(role));
}

export function pagesFor(user: User | null | "unknown"): PageName[] {
  return PAGES.filter((name) => {
    const roles = ROLES[name];
    return roles === undefined || hasRole(user, roles);
  });
}
