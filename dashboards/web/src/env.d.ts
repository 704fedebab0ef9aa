// Ambient types: what tests read from the page.
import type { MapCounts } from "./map/scene";

declare global {
  interface Window {
    /** Counts of what the map draws, for browser tests. */
    __map?: MapCounts;
  }
}
