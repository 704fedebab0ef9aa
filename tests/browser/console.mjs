// The console before a running banner, as an operator has it through one shift: logs in, watches, acts, loses the connection
// and gets it back. Who starts it does what it asks for (`please`): `herd`, `freeze`, `thaw`, `power cut`, `power`.
import assert from "node:assert/strict";
import { farewell, inBrowser, keepPicture, please } from "./browser.mjs";

const UNAUTHORIZED = /status of 401/;

await inBrowser("console", async (desk) => {
  const { page } = desk;
  await findsTheDoor(desk);
  await logsIn(desk);
  await seesTheBanner(desk);
  const incident = await seesAnIncidentArrive(desk);
  if (process.env.UPDATE_PICTURES === "1") await takesThePictureOfTheReadme(desk);
  await takesIt(desk, incident);
  await readsTheOtherPages(desk);
  await changesLanguageAndLight(desk);
  await noticesASilentServer(desk, incident);
  await outlivesAPowerCut(desk, incident);
  assert.equal(await page.evaluate(() => window.__noReload), 1, "the page was never loaded again");
});
farewell();

async function findsTheDoor(desk) {
  // The page asks who it is before anybody has logged in, and a wrong password is told by status as well.
  desk.tolerate(UNAUTHORIZED);
  await desk.page.goto(desk.url);
  await desk.mark("login-username").waitFor();
  assert.equal(await desk.page.evaluate(() => document.documentElement.lang), "zh-CN");
  await desk.picture("login");
  await desk.mustBeAccessible("login");
}

async function logsIn(desk) {
  await desk.mark("login-username").fill("admin");
  await desk.mark("login-password").fill("not the password");
  await desk.mark("login-submit").click();
  const message = desk.page.getByRole("alert");
  await message.waitFor();
  assert.equal(await message.innerText(), "用户名或密码不正确。");
  await desk.picture("login-wrong");
  await desk.logIn();
  desk.tolerate();
  await desk.page.evaluate(() => (window.__noReload = 1));
}

async function seesTheBanner(desk) {
  await desk.until(() => {
    const map = window.__map;
    return map && map.zones >= 30 && map.cameras >= 24 && map.stations >= 12 && map.drones > 0 && map.herds > 0 && map.collars > 0;
  });
  await dronesMove(desk);
}

/** Where the map draws drones now is not where it drew them before. */
async function dronesMove(desk) {
  const before = await desk.page.evaluate(() => window.__map.places("drones"));
  await desk.until((old) => {
    const now = Object.entries(window.__map.places("drones"));
    return now.some(([id, [lon, lat]]) => old[id] !== undefined && Math.hypot(lon - old[id][0], lat - old[id][1]) > 0.0001);
  }, before);
}

async function seesAnIncidentArrive(desk) {
  await desk.mark("alert-sound").click();
  await desk.until(() => document.querySelector("[data-testid=alert-sound]").getAttribute("aria-pressed") === "true");
  const known = await desk.page.evaluate(() => [...document.querySelectorAll("[data-testid=incident]")].map((row) => row.dataset.incidentId));
  await please("herd");
  // The herd that was asked for is of camels in a zone where nothing else is.
  const found = await desk.until(
    (old) =>
      [...document.querySelectorAll("[data-testid=incident]")].find((row) => !old.includes(row.dataset.incidentId) && row.innerText.includes("骆驼"))?.dataset
        .incidentId,
    known,
  );
  assert.equal(await desk.page.evaluate(() => window.__noReload), 1, "the row came without a reload");
  await desk.until(() => window.__map.incidents > 0);
  await desk.until(() => Number(document.querySelector("[data-testid=alert-sound]").dataset.sounds) > 0);
  await desk.mark("map-fit").click();
  await desk.picture("watch");
  await desk.mustBeAccessible("watch");
  return found.jsonValue();
}

/** The picture of README, once every collar has spoken: some do so only once a minute, and some of that is lost. */
async function takesThePictureOfTheReadme(desk) {
  await desk.page.waitForFunction(() => !document.querySelector("footer").innerText.includes("从未上线"), undefined, { timeout: 300_000 });
  keepPicture(await desk.picture("watch"), "console");
}

async function takesIt(desk, incident) {
  const row = desk.page.locator(`[data-incident-id="${incident}"]`);
  assert.equal(await row.getAttribute("data-status"), "open");
  // J goes down the queue; others may have come above it meanwhile.
  const isSelected = async () => (await row.getAttribute("aria-current")) === "true";
  for (let step = await desk.mark("incident").count(); step > 0 && !(await isSelected()); step -= 1) await desk.page.keyboard.press("j");
  assert.ok(await isSelected(), "J reaches the row");
  await desk.page.keyboard.press("a");
  await desk.page.locator(`[data-incident-id="${incident}"][data-status="acknowledged"]`).waitFor();
  await desk.page.keyboard.press("Enter");
  await desk.mark("incident-detail").waitFor();
  const detail = await desk.mark("incident-detail").innerText();
  for (const text of ["骆驼", "估算", "法律依据", "签收", "admin"]) assert.ok(detail.includes(text), `the detail lacks ${text}: ${detail}`);
  await desk.picture("detail");
  await desk.mustBeAccessible("detail");
  for (const [mark, texts] of [
    ["incident-household", ["其其格", "本地牲畜", "外来户", "外场牲畜", "耳标 156000000000001", "本年度此前没有记录"]],
    ["incident-evidence", ["camels-0", "1 个框"]],
    ["incident-reports", ["属地政府", "林草主管部门"]],
  ]) {
    const part = desk.mark(mark);
    const shown = await part.innerText();
    for (const text of texts) assert.ok(shown.includes(text), `${mark} lacks ${text}: ${shown}`);
  }
  await looksAtItsPictures(desk);
  await desk.mark("incident-household").scrollIntoViewIfNeeded();
  await desk.picture("detail-household");
  await desk.mark("incident-detail").locator("h3").last().scrollIntoViewIfNeeded();
  await desk.picture("detail-end");
  await desk.page.keyboard.press("Escape");
  await desk.mark("incident-detail").waitFor({ state: "detached" });
}

/** The kept pictures under their boxes, the one before the alarm too, and one of them large. */
async function looksAtItsPictures(desk) {
  const part = desk.mark("incident-evidence");
  await part.scrollIntoViewIfNeeded();
  await desk.until(() => [...document.querySelectorAll("[data-testid=incident-evidence] img")].filter((image) => image.naturalWidth > 0).length >= 2);
  assert.ok((await part.innerText()).includes("告警前的画面"), "the picture before the alarm is named");
  await desk.picture("detail-pictures");
  await part.getByRole("button", { name: "放大 camels-0" }).click();
  await desk.until(() => document.querySelector("[data-testid=evidence-large] img")?.naturalWidth > 0);
  await desk.picture("detail-picture-large");
  await desk.mustBeAccessible("a large picture");
  await desk.mark("evidence-large").getByRole("button", { name: "关闭" }).click();
}

/** Smoke stands over the queue at once and on the page of notices; the map veils what nobody watched. */
async function seesSmokeAndBlindLand(desk) {
  await please("smoke");
  await desk.mark("notice-fire").first().waitFor();
  await desk.page.getByLabel("盲区（一周内）").check();
  await desk.until(() => window.__map.blind > 0);
  await desk.picture("watch-blind");
  await desk.mustBeAccessible("watch with smoke and blind land");
  await desk.page.getByLabel("盲区（一周内）").uncheck();
  await desk.goTo("notices");
  await desk.page.locator('[data-testid=notice][data-matter="fire"]').first().waitFor();
  await desk.picture("notices");
  await desk.mustBeAccessible("notices");
}

async function readsTheOtherPages(desk) {
  await seesSmokeAndBlindLand(desk);
  await desk.goTo("devices");
  await desk.until(() => document.querySelectorAll("[data-testid=device]").length >= 242);
  await desk.picture("devices");
  await desk.mustBeAccessible("devices");
  await devicesAreHeardOf(desk);
  await desk.goTo("deliveries");
  await desk.page.locator('[data-testid=delivery][data-state="delivered"]').first().waitFor();
  await desk.picture("deliveries");
  await desk.mustBeAccessible("deliveries");
}

/** The table says anew when a device was last heard, without a word of the live stream about it. */
async function devicesAreHeardOf(desk) {
  const heard = () => document.querySelector('[data-device-id="drone-1"] time').dateTime;
  const before = await desk.page.evaluate(heard);
  await desk.until((old) => document.querySelector('[data-device-id="drone-1"] time').dateTime > old, before);
}

async function changesLanguageAndLight(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  for (const name of ["deliveries", "devices", "notices", "watch"]) {
    await desk.goTo(name);
    if (name === "watch") await desk.until(() => window.__map?.drones > 0);
    await desk.picture(`${name}-light`);
    await desk.mustBeAccessible(`${name} in light`);
  }
  await desk.mark("incident").first().locator("button").first().click();
  await desk.mark("incident-detail").waitFor();
  await desk.picture("detail-light");
  await desk.mustBeAccessible("detail in light");
  await desk.page.keyboard.press("Escape");
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  await desk.page.getByRole("heading", { name: "Incidents" }).waitFor();
  assert.equal(await desk.page.evaluate(() => document.documentElement.lang), "en");
  await desk.mark("map-fit").click();
  await desk.picture("watch-en");
  await header.getByRole("button", { name: "中文" }).click();
  await desk.page.getByRole("heading", { name: "事件队列" }).waitFor();
}

/** The connection stands and nothing comes: only the missing heartbeat tells. */
async function noticesASilentServer(desk, incident) {
  assert.equal(await desk.mark("offline").count(), 0);
  desk.tolerate(/WebSocket connection to/);
  await please("freeze");
  await desk.mark("offline").waitFor();
  await desk.picture("offline");
  await desk.mustBeAccessible("offline");
  await please("thaw");
  await desk.mark("offline").waitFor({ state: "detached" });
  desk.tolerate();
  await desk.page.locator(`[data-incident-id="${incident}"][data-status="acknowledged"]`).waitFor();
  await seesTheBanner(desk);
}

/** Sessions end with the process that holds them; what was done does not. */
async function outlivesAPowerCut(desk, incident) {
  desk.tolerate(/ERR_CONNECTION_|WebSocket connection to/, UNAUTHORIZED);
  await please("power cut");
  await desk.mark("offline").waitFor();
  await please("power");
  await desk.page.getByText("登录已失效，请重新登录。").waitFor();
  await desk.picture("login-again");
  await desk.logIn();
  desk.tolerate();
  await desk.page.locator(`[data-incident-id="${incident}"][data-status="acknowledged"]`).waitFor();
  assert.equal(await desk.mark("offline").count(), 0);
  await seesTheBanner(desk);
}
