// The page of patrols before a running banner: a flight with its track, duties, a route that is drawn, saved and removed, coverage
// with the worst first. It leaves nothing behind and asks nobody for anything.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

await inBrowser("patrols", async (desk) => {
  desk.tolerate(/status of 401/);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.goTo("patrols");
  await followsAFlight(desk);
  await readsDuties(desk);
  await seesWhatIsBlind(desk);
  const route = await plansARoute(desk);
  await changesLanguageAndLight(desk);
  await removesIt(desk, route);
});
farewell();

/** The map of this page is drawn before its picture is taken. */
async function picture(desk, name) {
  await desk.page.evaluate(() => window.__patrols?.drawn());
  await desk.picture(name);
}

async function followsAFlight(desk) {
  await desk.mark("patrol").first().waitFor();
  await desk.until(() => window.__patrols.zones >= 30);
  assert.equal(await desk.page.evaluate(() => window.__patrols.track), 0, "no track before a patrol is open");
  const row = desk.mark("patrol").first();
  const text = await row.innerText();
  for (const part of [/无人机/, /m\b/, /亩/, /前/]) assert.match(text, part, `the row lacks ${part}`);
  const id = await row.getAttribute("data-patrol-id");
  await row.getByRole("button").click();
  await desk.mark("patrol-detail").waitFor();
  await desk.until(() => window.__patrols.track > 1 && window.__patrols.cells > 0);
  assert.equal(await desk.page.evaluate(() => decodeURIComponent(location.hash)), `#/patrols/${id}`);
  const detail = await desk.mark("patrol-detail").innerText();
  for (const part of ["开始", "结束", "里程", "看到面积", "估算", "规划路线完成度"]) assert.ok(detail.includes(part), `the detail lacks ${part}: ${detail}`);
  await picture(desk, "patrols");
  await desk.mustBeAccessible("patrols");
  await desk.page.keyboard.press("Escape");
  await desk.mark("patrol-detail").waitFor({ state: "detached" });
  await desk.until(() => window.__patrols.track === 0);
}

async function readsDuties(desk) {
  await desk.mark("view-duties").click();
  await desk.mark("duty").first().waitFor();
  const rows = await desk.mark("duty").allInnerTexts();
  assert.ok(rows.some((row) => row.includes("村级林长") && row.includes("每周 1 次")), `village chiefs go weekly: ${rows[0]}`);
  assert.ok(rows.some((row) => row.includes("旗级副林长") && row.includes("每季度 3 次") && row.includes("全旗")), "banner deputies go quarterly");
  const states = await desk.mark("duty").evaluateAll((list) => list.map((row) => ["overdue", "open", "done"].indexOf(row.dataset.state)));
  assert.deepEqual(states, [...states].sort((a, b) => a - b), "what is overdue stands first, what is done last");
  await picture(desk, "patrols-duties");
  await desk.mustBeAccessible("duties");
}

async function seesWhatIsBlind(desk) {
  await desk.mark("view-coverage").click();
  await desk.mark("coverage").first().waitFor();
  assert.match(await desk.mark("coverage-total").innerText(), /封闭区域 \d+ 个，共 [\d,]+ 亩，其中盲区 [\d,]+ 亩/);
  const zones = await desk.mark("coverage").evaluateAll((list) => list.map((row) => row.dataset.zoneId));
  assert.ok(zones.length >= 20, `closed zones are listed: ${zones.length}`);
  const { items } = await desk.page.evaluate(async () => (await fetch("/api/v1/coverage")).json());
  const share = new Map(items.map((row) => [row.zone.id, row.watched_in_limit]));
  // Land is watched meanwhile: what was listed first may be a little better by now, but not the best.
  assert.ok(share.get(zones[0]) <= share.get(zones.at(-1)), "the least watched stands first");
  await desk.page.locator('[data-testid=coverage][data-zone-id="zone-01"]').getByRole("button").click();
  await desk.mark("coverage-detail").waitFor();
  await desk.until(() => window.__patrols.cells > 100);
  assert.match(await desk.mark("coverage-detail").innerText(), /168 小时内看到 50 %/);
  await picture(desk, "patrols-coverage");
  await desk.mustBeAccessible("coverage");
}

/** On the map with the pointer; the line can be written as well. What is wrong is told beside its field and by the server. */
async function plansARoute(desk) {
  const { page } = desk;
  await desk.mark("view-routes").click();
  await desk.mark("route-new").click();
  await desk.mark("route-form").waitFor();
  await desk.mark("route-save").click();
  await page.getByText("请填写路线名称。").waitFor();
  await page.getByText("至少两个折点：在地图上绘制，或逐行填写。").waitFor();
  await page.evaluate(() => window.__patrols.drawn());
  const { x, y, width, height } = await desk.mark("patrol-map").boundingBox();
  const at = (across, down) => [x + width * across, y + height * down];
  await page.mouse.click(...at(0.3, 0.5));
  await page.mouse.click(...at(0.5, 0.4));
  await page.mouse.dblclick(...at(0.7, 0.5));
  await desk.until(() => document.querySelector("[data-testid=route-line]").value.split("\n").length === 3);
  const drawn = await desk.mark("route-line").inputValue();
  await desk.mark("route-line").fill(`${drawn}\n117.5`);
  await page.getByText("第 4 行不是“经度, 纬度”。").waitFor();
  // The server knows better: nobody flies two degrees in one leg.
  await desk.mark("route-line").fill(`${drawn}\n119.9, 43.3`);
  await desk.mark("route-name").fill("浏览器试飞线");
  desk.tolerate(/status of 4\d\d/);
  await desk.mark("route-save").click();
  await desk.mark("route-refused").waitFor();
  assert.match(await desk.mark("route-refused").innerText(), /degree/);
  desk.tolerate();
  assert.equal(await desk.mark("route-name").inputValue(), "浏览器试飞线", "what was written stays");
  await picture(desk, "patrols-route-form");
  await desk.mustBeAccessible("the form of a route");
  await desk.mark("route-line").fill(drawn);
  await desk.mark("route-save").click();
  await desk.mark("route-detail").waitFor();
  await desk.until(() => window.__patrols.routes >= 1);
  const row = page.locator("[data-testid=route]", { hasText: "浏览器试飞线" });
  assert.match(await row.innerText(), /%[\s\S]*km/);
  await picture(desk, "patrols-route");
  await desk.mustBeAccessible("a route");
  return row.getAttribute("data-route-id");
}

async function changesLanguageAndLight(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  await picture(desk, "patrols-route-light");
  await desk.mustBeAccessible("a route in light");
  for (const view of ["coverage", "duties", "flights"]) {
    await desk.mark(`view-${view}`).click();
    await desk.page.locator(`[data-testid=view-${view}][aria-pressed=true]`).waitFor();
    await desk.mark(view === "flights" ? "patrol" : view === "duties" ? "duty" : "coverage").first().waitFor();
    await picture(desk, `patrols-${view}-light`);
    await desk.mustBeAccessible(`${view} in light`);
  }
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  await desk.page.getByRole("heading", { name: "Patrols and coverage" }).waitFor();
  for (const view of ["flights", "coverage", "duties", "routes"]) {
    await desk.mark(`view-${view}`).click();
    await desk.page.locator(`[data-testid=view-${view}][aria-pressed=true]`).waitFor();
    if (view !== "routes") await desk.mark(view === "flights" ? "patrol" : view === "duties" ? "duty" : "coverage").first().waitFor();
    await picture(desk, `patrols-${view}-en`);
  }
  await header.getByRole("button", { name: "中文" }).click();
  await desk.page.getByRole("heading", { name: "巡护与覆盖" }).waitFor();
}

async function removesIt(desk, id) {
  const row = desk.page.locator(`[data-testid=route][data-route-id="${id}"]`);
  await row.getByRole("button").click();
  await desk.mark("route-remove").click();
  await desk.mark("route-remove-yes").click();
  await row.waitFor({ state: "detached" });
  assert.equal(await desk.mark("route-done").innerText(), "路线“浏览器试飞线”已删除。");
  const { features } = await desk.page.evaluate(async () => (await fetch("/api/v1/patrols/routes")).json());
  assert.ok(!features.some((route) => route.id === id), "the server has forgotten it too");
}
