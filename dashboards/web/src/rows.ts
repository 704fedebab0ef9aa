// Which rows of a long list are drawn. In: heights of rows, where the list is scrolled to. Out: the rows in sight and a few around
// them, and where to scroll to so that a row stays where it is on the screen. Pure.

/** Upper edge of each row, and one more: the lower edge of the last. */
export function edgesOf(heights: readonly number[]): number[] {
  const edges = [0];
  let edge = 0;
  for (const height of heights) edges.push((edge += height));
  return edges;
}

/** The row that covers a place; the last one below the end, 0 in an empty list. */
export function rowAt(edges: readonly number[], place: number): number {
  let low = 0;
  let high = Math.max(0, edges.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

export interface RowWindow {
  /** First row drawn. */
  from: number;
  /** The one after the last. */
  to: number;
}

/** Rows in sight with `around` more on either side, so that a turn of the wheel finds them drawn. */
export function windowOf(edges: readonly number[], scrollTop: number, height: number, around: number): RowWindow {
  const count = edges.length - 1;
  if (count <= 0) return { from: 0, to: 0 };
  return {
    from: Math.max(0, rowAt(edges, scrollTop) - around),
    to: Math.min(count, rowAt(edges, scrollTop + height) + 1 + around),
  };
}

/** Where to scroll to so that a row moves on the screen as little as it must to be seen whole. */
export function topToShow(edges: readonly number[], row: number, scrollTop: number, height: number): number {
  const upper = edges[row] ?? 0;
  const lower = edges[row + 1] ?? upper;
  if (upper < scrollTop) return upper;
  return lower > scrollTop + height ? lower - height : scrollTop;
}
