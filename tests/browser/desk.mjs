// The desk with more cases than anybody can read, then with those of a running banner: the queue stays quick and still, storms are one
// row, a case is dispatched to somebody and ended, the map finds and measures, the wall shows without controls.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

const UNAUTHORIZED = /status of 401/;
const CASES = 10_000;
const INCIDENTS = /\/api\/v1\/incidents\?/;
const ROWS_MAX = 60;

await inBrowser("desk", async (desk) => {
  desk.tolerate(UNAUTHORIZED);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.mark("incident").first().waitFor();
  await scrollsThroughTenThousand(desk);
  await findsAndMeasures(desk);
  await hangsOnTheWall(desk);
  await worksOffACase(desk);
});
farewell();

/** The platform's own first case, made ten thousand: six of one township at once, the others hours apart. */
async function scrollsThroughTenThousand(desk) {
  const handler = async (way) => {
    const answer = await way.fetch();
    const { severity, zones, species, sheep_units, position, last_seen } = (await answer.json()).items[0];
    const made = Array.from({ length: CASES }, (_, index) => ({
      ...{ severity, zones, species, sheep_units, position, last_seen },
      id: `inc-made-${index}`,
      status: "open",
      township: index < 6 ? "150425901" : "150425902",
      first_seen: new Date(Date.parse("2026-04-22T01:00:00Z") - (index < 6 ? index * 1_000 : index * 3_600_000)).toISOString(),
    }));
    await way.fulfill({ json: { items: made, next: null } });
  };
  await desk.page.route(INCIDENTS, handler);
  await desk.page.reload();
  await desk.until((n) => Number(document.querySelector("[data-testid=queue-count]")?.textContent) >= n, CASES);
  const rows = () => desk.page.locator("[data-row]").count();
  assert.ok((await rows()) <= ROWS_MAX, `${await rows()} rows are drawn`);

  const storm = desk.mark("storm").first();
  assert.match(await storm.innerText(), /6 起集中发生/);
  assert.equal(await desk.page.locator('[data-incident-id="inc-made-3"]').count(), 0, "its cases are behind the count");
  await storm.locator("button").click();
  await desk.page.locator('[data-incident-id="inc-made-3"]').waitFor();
  await desk.picture("desk-storm");
  await desk.mustBeAccessible("an open storm");
  await storm.locator("button").click();
  await desk.page.locator('[data-incident-id="inc-made-3"]').waitFor({ state: "detached" });

  // To the end and a frame for each step: a row is there wherever one looks.
  const blank = await desk.page.evaluate(async () => {
    const list = document.querySelector("[data-testid=queue-list]");
    let missing = 0;
    const box = list.getBoundingClientRect();
    for (let part = 0; part <= 40; part += 1) {
      list.scrollTop = (list.scrollHeight * part) / 40;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      if (!document.elementFromPoint(box.left + 100, box.top + box.height / 2)?.closest("[data-row]")) missing += 1;
    }
    return missing;
  });
  assert.equal(blank, 0, "no look at the list finds it blank");
  assert.ok((await rows()) <= ROWS_MAX, `${await rows()} rows are drawn at the end`);
  const last = desk.page.locator("[data-row]").last();
  assert.equal(await last.getAttribute("aria-posinset"), await last.getAttribute("aria-setsize"));
  await desk.page.keyboard.press("j");
  await desk.until(() => document.activeElement?.closest("[aria-current=true]") !== null);
  await desk.page.unroute(INCIDENTS, handler);
  await desk.page.reload();
  await desk.mark("incident").first().waitFor();
}

/** To a person, ended as a false positive, opened again. */
async function worksOffACase(desk) {
  const { page } = desk;
  await desk.mark("incident").first().locator("button").first().click();
  const detail = desk.mark("incident-detail");
  await detail.waitFor();
  const id = await page.evaluate(() => location.hash.split("/").pop());
  await page.keyboard.press("d");
  await desk.until(() => document.activeElement?.id === "dispatch-to");
  await page.keyboard.press("Escape");
  await desk.mark("dispatch-form").waitFor({ state: "detached" });
  await detail.waitFor();
  await desk.mark("incident-dispatch").click();
  await desk.mark("dispatch-to").fill("护林员 巴图");
  await desk.picture("desk-dispatch");
  await desk.mustBeAccessible("dispatching");
  await desk.mark("dispatch-send").click();
  await page.locator(`[data-incident-id="${id}"][data-status="dispatched"]`).waitFor();
  await detail.getByText("护林员 巴图", { exact: true }).last().waitFor();
  assert.ok((await desk.mark("incident-playback").getAttribute("href")).includes(`incident=${id}`));
  assert.equal(await desk.mark("incident-sheet").getAttribute("href"), `#/reports/case?incident=${id}`);
  assert.equal(await desk.mark("incident-bundle").getAttribute("href"), `/api/v1/incidents/${id}/bundle`);
  await desk.mark("incident-deliveries").scrollIntoViewIfNeeded();
  await desk.picture("desk-deliveries");
  await desk.mark("outcome-false_positive").click();
  await desk.mark("resolve-note").getByText("屏蔽区").waitFor();
  await desk.mark("incident-resolve").click();
  await desk.mark("incident-masks").waitFor();
  await desk.picture("desk-resolved");
  await desk.mustBeAccessible("a resolved case");
  const cases = Number(await desk.mark("queue-count").innerText());
  if (cases <= 5) assert.equal(await desk.page.locator("[data-row]:visible").count(), cases, "a short list is in sight as a whole");
  assert.equal(await page.evaluate(() => document.querySelector("[data-testid=queue-list]").scrollTop), 0, "and not scrolled");
  await desk.mark("incident-reopen").click();
  await desk.mark("incident-reopen-confirm").click();
  await desk.mark("incident-dispatch").waitFor();
  const header = page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  await desk.picture("desk-light");
  await desk.mustBeAccessible("a case in light");
  await header.getByRole("button", { name: "English" }).click();
  await desk.picture("desk-en");
  await header.getByRole("button", { name: "中文" }).click();
  await header.getByRole("button", { name: "切换到深色" }).click();
  await page.keyboard.press("Escape");
  await detail.waitFor({ state: "detached" });
}

/** To a zone by its name, to a place by its coordinates; a kilometre is a kilometre. */
async function findsAndMeasures(desk) {
  const { page } = desk;
  await desk.mark("map-search").fill("3号禁牧区");
  await desk.mark("map-found").getByRole("button").first().waitFor();
  await desk.picture("desk-search");
  await desk.mustBeAccessible("a search on the map");
  await desk.mark("map-search").fill("43.3 117.5");
  await page.keyboard.press("Enter");
  await desk.mark("map-found").waitFor({ state: "detached" });
  await page.evaluate(() => window.__map.drawn());
  const box = await desk.mark("map").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.click(x, y);
  await desk.mark("map-gauss").getByText("EPSG:4548").waitFor();
  assert.match(await desk.mark("map-place").innerText(), /43\.(299|300)\d+°N 117\.(499|500)\d+°E/);
  await desk.mark("map-copy").waitFor();
  await desk.mark("measure-line").click();
  await page.mouse.click(x, y);
  await page.mouse.move(x + 60, y);
  await page.mouse.dblclick(x + 100, y);
  await desk.mark("measured").getByText(/\d (m|km)/).waitFor();
  await desk.mark("measure-area").click();
  for (const [dx, dy] of [[0, 0], [100, 0], [100, 90]]) {
    await page.mouse.move(x + dx, y + dy);
    await page.mouse.click(x + dx, y + dy);
  }
  await page.mouse.dblclick(x, y + 90);
  await desk.mark("measured").getByText(/亩 · [\d.]+ 公顷/).waitFor();
  await desk.picture("desk-measure");
  await page.keyboard.press("Escape");
  await desk.mark("measured").waitFor({ state: "detached" });
}

/** Nothing to press, the newest urgent case in big type; Escape leads back. */
async function hangsOnTheWall(desk) {
  const { page } = desk;
  await desk.mark("wall-open").click();
  await desk.mark("wall-case").waitFor();
  assert.equal(await desk.mark("wall").getByRole("button").count(), 0, "the wall has no controls");
  await desk.until(() => parseFloat(getComputedStyle(document.querySelector("[data-testid=wall-clock]")).fontSize) >= 28);
  await desk.picture("desk-wall");
  await desk.mustBeAccessible("the wall");
  await page.keyboard.press("Escape");
  await desk.mark("wall").waitFor({ state: "detached" });
  await desk.mark("incident").first().waitFor();
}
