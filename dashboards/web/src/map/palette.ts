// The colours that the canvas draws with. In: the style sheet's tokens of the present theme. Out: one plain object.
// Read once per theme switch: asking for computed styles in a frame would cost more than drawing it.

export interface Palette {
  ground: string;
  grid: string;
  text: string;
  muted: string;
  /** Behind text. */
  halo: string;
  /** Around marks: dark in both themes, so that amber and sky blue stand out on light ground too. */
  edge: string;
  accent: string;
  urgent: string;
  warning: string;
  notice: string;
  fine: string;
  silent: string;
  herd: string;
  /** Of labels. */
  font: string;
}

/** Of labels where the style sheet of the map's own element says nothing else. */
const LABEL_SIZE = "12px";

/** As it holds for the element that the map is in: on a wall labels are larger. */
export function readPalette(map: Element | null | undefined): Palette {
  const style = getComputedStyle(map ?? document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: token("ground"),
    grid: token("grid"),
    text: token("text"),
    muted: token("muted"),
    halo: token("halo"),
    edge: token("edge"),
    accent: token("accent"),
    urgent: token("urgent"),
    warning: token("warning"),
    notice: token("notice"),
    fine: token("fine"),
    silent: token("silent"),
    herd: token("herd"),
    font: `${token("map-label") || LABEL_SIZE} ${token("sans")}`,
  };
}

/** `#D55E00` at 30 %: `rgba(213,94,0,0.3)`. */
export function withAlpha(hex: string, alpha: number): string {
  const value = Number.parseInt(hex.replace("#", ""), 16);
  return `rgba(${(value >> 16) & 255},${(value >> 8) & 255},${value & 255},${alpha})`;
}
