// What the browser loads before the first map, compressed. Needs the built console, as `make test` makes it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const GZIP_MAX_BYTES = 300_000;
const dist = join(import.meta.dirname, "..", "dist");

it("the first page's scripts are at most 300 kB", () => {
  const index = readFileSync(join(dist, "index.html"), "utf8");
  const scripts = [...new Set([...index.matchAll(/assets\/[\w-]+\.js/g)].map(([name]) => name))];
  const bytes = scripts.map((name) => gzipSync(readFileSync(join(dist, name))).length).reduce((sum, size) => sum + size, 0);
  expect(scripts.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(GZIP_MAX_BYTES);
});
