// The pulse around an incident nobody has taken. In: the open incidents. Out: HTML overlays whose motion is the style
// sheet's (off with reduced motion), so that the canvas is not redrawn sixty times a second for a blinking ring.
import Overlay from "ol/Overlay";
import type OlMap from "ol/Map";
import { fromLonLat } from "ol/proj";
import type { Incident } from "../types";

/** More would be noise, and every overlay is moved on each frame of a pan. */
const PULSES_MAX = 40;

export interface Pulses {
  show(incidents: readonly Incident[]): void;
}

export function pulses(map: OlMap): Pulses {
  const held = new Map<string, Overlay>();

  function make(incident: Incident): Overlay {
    const element = document.createElement("div");
    element.className = `pulse pulse-${incident.severity}`;
    element.setAttribute("aria-hidden", "true");
    const overlay = new Overlay({ element, positioning: "center-center", stopEvent: false, className: "pulse-holder" });
    map.addOverlay(overlay);
    return overlay;
  }

  return {
    show(incidents) {
      const wanted = incidents.filter((incident) => incident.status === "open" && !incident.ended_at).slice(0, PULSES_MAX);
      const keys = new Set(wanted.map((incident) => `${incident.id}|${incident.severity}`));
      for (const [key, overlay] of held) {
        if (keys.has(key)) continue;
        map.removeOverlay(overlay);
        held.delete(key);
      }
      for (const incident of wanted) {
        const key = `${incident.id}|${incident.severity}`;
        const overlay = held.get(key) ?? make(incident);
        held.set(key, overlay);
        overlay.setPosition(fromLonLat([incident.position.lon, incident.position.lat]));
      }
    },
  };
}
