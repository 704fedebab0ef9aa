// How the console feels with a bad season on it, as figures: the first map, the map that is dragged, the queue that is scrolled, a new case.
// In: BENCH_ZONES, BENCH_MOVERS, BENCH_CASES, which must all be there. Out: a line of JSON with the figures, and for each case that is
// asked for (`please`) when it was on the page. Frames are those in which the map or the list was really drawn anew.
import assert from "node:assert/strict";
import fs from "node:fs";
import { farewell, inBrowser, please } from "./browser.mjs";

const UNAUTHORIZED = /status of 401/;
const LOADS = 5;
const DRAGS = 16;
const STEPS_OF_A_DRAG = 40;
const PX_OF_A_STEP = 10;
/** Several notches at once: nobody turns a wheel faster, and the end is 1,080,000 px away. */
const WHEEL_PX = 600;
const NEW_CASES = 12;
const numberOf = (name) => Number(process.env[name]);
const ZONES = numberOf("BENCH_ZONES");
const MOVERS = numberOf("BENCH_MOVERS");
const CASES = numberOf("BENCH_CASES");

await inBrowser("bench_console", async (desk) => {
  desk.tolerate(UNAUTHORIZED);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  const figures = { ...(await loads(desk)), ...(await drags(desk)), ...(await scrolls(desk)) };
  await seesCases(desk);
  console.log(JSON.stringify(figures));
});
farewell();

function middle(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** A window that knows the session and nothing else, `LOADS` times: from the start of the navigation until the land is drawn and rests. */
async function loads(desk) {
  const storageState = await desk.page.context().storageState();
  const took_ms = [];
  let script_bytes = 0;
  for (let load = 0; load < LOADS; load += 1) {
    const context = await desk.page.context().browser().newContext({ storageState, viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript((zones) => {
      const look = () => {
        if (window.__map?.zones !== zones) return requestAnimationFrame(look);
        window.__map.drawn().then(() => (window.__firstMap_ms = performance.now()));
      };
      requestAnimationFrame(look);
    }, ZONES);
    await page.goto(desk.url);
    await page.waitForFunction(() => window.__firstMap_ms !== undefined);
    took_ms.push(await page.evaluate(() => window.__firstMap_ms));
    script_bytes = await page.evaluate(() =>
      performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js")).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    );
    await context.close();
  }
  console.log(`loads: ${took_ms.map(Math.round).join(" ")} ms`);
  return { first_map_ms: middle(took_ms), first_map_longest_ms: Math.max(...took_ms), first_map_script_kb: script_bytes / 1_000 };
}

/** From now on the page notes its frames; `look` says what was drawn since the last, and is called in each. */
async function watchFrames(desk, kind) {
  await desk.page.evaluate((what) => {
    if (window.__drawings === undefined) {
      window.__drawings = 0;
      const draw = CanvasRenderingContext2D.prototype.drawImage;
      CanvasRenderingContext2D.prototype.drawImage = function (...given) {
        window.__drawings += 1;
        return draw.apply(this, given);
      };
    }
    const list = document.querySelector("[data-testid=queue-list]");
    const state = () => (what === "map" ? window.__drawings : list.scrollTop);
    const watched = { at: [], stop: false };
    let before = state();
    const look = (now) => {
      const after = state();
      if (after !== before) watched.at.push(now);
      before = after;
      if (!watched.stop) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    window.__watched = watched;
  }, kind);
  return browserSeconds();
}

/** Processor time of all that this process has started: unlike frames a second, it is the same on a machine that has other work. */
function browserSeconds() {
  const processes = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const [, parent, ...times] = fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return [{ pid, parent, ticks: Number(times[9]) + Number(times[10]) }];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
  const own = (parent) => processes.filter((one) => one.parent === parent).reduce((sum, { pid, ticks }) => sum + ticks + own(pid), 0);
  // In hundredths of a second on every Linux there is.
  return own(String(process.pid)) / 100;
}

/** Frames a second from the first to the last, the longest wait for one, and what one costs all of the browser's processes. */
async function frames(desk, seconds_before) {
  const spent_ms = 1_000 * (browserSeconds() - seconds_before);
  const at = await desk.page.evaluate(() => {
    window.__watched.stop = true;
    return window.__watched.at;
  });
  assert.ok(at.length > 50, `only ${at.length} frames were drawn`);
  const waits = at.slice(1).map((now, index) => now - at[index]);
  return { fps: (1_000 * waits.length) / (at.at(-1) - at[0]), longest_ms: Math.max(...waits), cpu_ms: spent_ms / at.length, count: at.length };
}

/** Takes the land and moves it to and fro while everything on it moves. */
async function drags(desk) {
  const { page } = desk;
  await desk.until(([zones, movers]) => window.__map?.zones === zones && window.__map.collars + window.__map.drones === movers, [ZONES, MOVERS]);
  await page.evaluate(() => window.__map.drawn());
  await desk.picture("bench-map");
  const places = () => page.evaluate(() => ({ ...window.__map.places("collars"), ...window.__map.places("drones") }));
  const before = await places();
  const box = await desk.mark("map").boundingBox();
  const half = (STEPS_OF_A_DRAG * PX_OF_A_STEP) / 2;
  const seconds = await watchFrames(desk, "map");
  for (let drag = 0; drag < DRAGS; drag += 1) {
    const [dx, dy] = [[1, 0], [-1, 0], [0.7, 0.7], [-0.7, -0.7]][drag % 4];
    const [x, y] = [box.x + box.width / 2 - dx * half, box.y + box.height / 2 - dy * half];
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let step = 1; step <= STEPS_OF_A_DRAG; step += 1) await page.mouse.move(x + dx * PX_OF_A_STEP * step, y + dy * PX_OF_A_STEP * step);
    await page.mouse.up();
  }
  const { fps, longest_ms, cpu_ms, count } = await frames(desk, seconds);
  const after = await places();
  const moved = Object.keys(after).filter((id) => before[id] !== undefined && String(before[id]) !== String(after[id])).length;
  console.log(`drags: ${count} frames, ${moved} of ${Object.keys(after).length} marks of movers moved meanwhile`);
  assert.ok(moved > MOVERS / 4, `only ${moved} movers moved`);
  assert.equal(await page.evaluate(() => window.__map.zones), ZONES);
  return { browser_fps: fps, browser_longest_frame_ms: longest_ms, browser_frame_cpu_ms: cpu_ms };
}

/** Turns the wheel until the last row is there. Before the page has answered to a turn, what the browser may have shown is looked at. */
async function scrolls(desk) {
  const { page } = desk;
  await desk.until((cases) => Number(document.querySelector("[data-testid=queue-count]")?.textContent) >= cases, CASES);
  const box = await desk.mark("queue-list").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.evaluate(() => {
    const list = document.querySelector("[data-testid=queue-list]");
    const { left, top, bottom } = list.getBoundingClientRect();
    window.__blank = 0;
    // In the capturing phase the page has not drawn its rows anew yet.
    addEventListener(
      "scroll",
      () => {
        const seen = [top + 4, (top + bottom) / 2, bottom - 4].every((y) => document.elementFromPoint(left + 100, y)?.closest("[data-row]"));
        if (!seen) window.__blank += 1;
      },
      { capture: true, passive: true },
    );
  });
  const seconds = await watchFrames(desk, "list");
  const rest = () => page.evaluate(() => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector("[data-testid=queue-list]");
    return scrollHeight - scrollTop - clientHeight;
  });
  while ((await rest()) > 1) await page.mouse.wheel(0, WHEEL_PX);
  const { fps, longest_ms, cpu_ms, count } = await frames(desk, seconds);
  const last = page.locator("[data-row]").last();
  assert.equal(await last.getAttribute("aria-posinset"), await last.getAttribute("aria-setsize"));
  const blank = await page.evaluate(() => window.__blank);
  console.log(`scrolls: ${count} frames, ${blank} blank`);
  return { queue_scroll_fps: fps, queue_scroll_longest_frame_ms: longest_ms, queue_scroll_frame_cpu_ms: cpu_ms, queue_scroll_blank: blank };
}

/** The page stands open at the head of the queue; when a new row has been painted there. */
async function seesCases(desk) {
  const { page } = desk;
  await page.mouse.move(0, 0);
  await page.evaluate(() => (document.querySelector("[data-testid=queue-list]").scrollTop = 0));
  await desk.until(() => document.querySelector('[data-row][aria-posinset="1"]') !== null);
  for (let number = 0; number < NEW_CASES; number += 1) {
    await page.evaluate(() => {
      const list = document.querySelector("[data-testid=queue-list]");
      const known = new Set([...list.querySelectorAll("[data-incident-id]")].map((row) => row.dataset.incidentId));
      window.__shown = new Promise((shown) => {
        const observer = new MutationObserver(() => {
          const first = list.querySelector("[data-incident-id]");
          if (first === null || known.has(first.dataset.incidentId)) return;
          observer.disconnect();
          // Painted: the frame after the one in which it was laid out has begun.
          requestAnimationFrame(() => requestAnimationFrame(() => shown(Date.now())));
        });
        observer.observe(list, { childList: true, subtree: true });
      });
    });
    await please("case");
    console.log(JSON.stringify({ shown_at_ms: await page.evaluate(() => window.__shown) }));
  }
}
