// The hatch of closed land. In: a colour. Out: a canvas pattern of thin diagonal lines, so that the ground stays visible.

/** Must divide 512: OpenLayers moves patterns with the map in steps of that size, others would swim. */
const TILE_PX = 16;
const LINE_WIDTH_PX = 1;

export function hatch(colour: string, spacing_px: 8 | 16 = TILE_PX): CanvasPattern | null {
  const ratio = window.devicePixelRatio >= 2 ? 2 : 1;
  const size = spacing_px * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.strokeStyle = colour;
  context.lineWidth = LINE_WIDTH_PX * ratio;
  context.beginPath();
  // One diagonal and the two corners it cuts, so that neighbouring tiles meet without a gap.
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift - 1, size + 1);
    context.lineTo(shift + size + 1, -1);
  }
  context.stroke();
  return context.createPattern(canvas, "repeat");
}
