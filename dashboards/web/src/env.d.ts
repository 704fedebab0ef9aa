// Ambient types: what tests read from the page.
import type { MapProbe } from "./map/scene";
import type { PoseProbe } from "./pages/devices/pose-scene";
import type { PatrolProbe } from "./pages/patrols/patrol-scene";

declare global {
  interface Window {
    /** What the map draws, for browser tests. */
    __map?: MapProbe;
    /** The same of the map of patrols. */
    __patrols?: PatrolProbe;
    /** The same of the map on which a camera is placed. */
    __pose?: PoseProbe;
  }
}
