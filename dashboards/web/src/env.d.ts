// Ambient types: what tests read from the page.
import type { MapProbe } from "./map/scene";

declare global {
  interface Window {
    /** What the map draws, for browser tests. */
    __map?: MapProbe;
  }
}
