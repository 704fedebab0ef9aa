// What happened, played back before a running banner: a span, the clock, keys, a jump to an incident, and the address that brings it all back.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

await inBrowser("playback", async (desk) => {
  desk.tolerate(/status of 401/);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await somethingHasHappened(desk);
  await desk.goTo("playback");
  await opensTheLastHour(desk);
  await playsAndSteps(desk);
  const incident = await jumpsToAnIncident(desk);
  await comesBackByAddress(desk, incident);
  await looksInOtherLightAndLanguage(desk);
});
farewell();

/** Only what was detected can be played, and a span ends when it is opened: something that began half a minute ago lies within. */
async function somethingHasHappened(desk) {
  await desk.until(() => [...document.querySelectorAll("[data-testid=incident] time")].some((time) => Date.parse(time.dateTime) < Date.now() - 30_000));
}

function ready(desk) {
  return desk.page.locator('[data-testid=playback][data-ready="true"]').waitFor();
}

function clock(desk) {
  return desk.mark("playback-now").getAttribute("datetime");
}

async function opensTheLastHour(desk) {
  await ready(desk);
  await desk.until(() => window.__map?.zones >= 30);
  const slider = desk.mark("playback-slider");
  const hours = (Number(await slider.getAttribute("max")) - Number(await slider.getAttribute("min"))) / 3_600_000;
  assert.equal(hours, 1);
  // A demonstration that has just begun has nothing in the first part of the hour; its end is now.
  await slider.press("End");
  await desk.until(() => window.__map.drones > 0 && window.__map.collars > 0);
  await desk.mark("playback-happening").first().waitFor();
  await desk.picture("playback");
  await desk.mustBeAccessible("playback");
}

async function playsAndSteps(desk) {
  await desk.page.locator("h1").click();
  const end = await clock(desk);
  await desk.page.keyboard.press("ArrowLeft");
  const before = await clock(desk);
  assert.equal(Date.parse(end) - Date.parse(before), 30_000, "a step of an hour is half a minute");
  await desk.mark("playback-speed-10").click();
  await desk.page.locator("h1").click();
  await desk.page.keyboard.press(" ");
  await desk.until((old) => document.querySelector("[data-testid=playback-now]").dateTime > old, before);
  assert.equal(await desk.mark("playback-play").getAttribute("aria-pressed"), "true");
  await desk.page.keyboard.press(" ");
  await desk.page.locator('[data-testid=playback-play][aria-pressed="false"]').waitFor();
  const stopped = new URLSearchParams(new URL(desk.page.url()).hash.split("?")[1]);
  assert.equal(stopped.get("speed"), "10");
  assert.ok(Math.abs(Date.parse(stopped.get("at")) - Date.parse(await clock(desk))) < 1_000, "the address says the instant");
}

async function jumpsToAnIncident(desk) {
  const mark = desk.mark("playback-mark").first();
  const incident = await mark.getAttribute("data-incident-id");
  // Marks of incidents that began together lie upon each other; the keyboard reaches each.
  await mark.focus();
  await desk.page.keyboard.press("Enter");
  await desk.page.locator(`[data-testid=playback-going][data-incident-id="${incident}"]`).waitFor();
  await desk.until(() => window.__map.incidents > 0);
  await desk.mark("playback-incident").click();
  await desk.until((id) => location.hash.includes(`incident=${id}`), incident);
  await ready(desk);
  await desk.mark("playback-slider").press("ArrowRight");
  await desk.until(() => window.__map.incidents > 0);
  await desk.picture("playback-incident");
  await desk.mustBeAccessible("playback of an incident");
  return incident;
}

async function comesBackByAddress(desk, incident) {
  const { page } = desk;
  const entries = await page.evaluate(() => history.length);
  await desk.goTo("notices");
  await page.evaluate((id) => (location.hash = `#/playback?incident=${id}&speed=300`), incident);
  await ready(desk);
  const span = new URLSearchParams(new URL(page.url()).hash.split("?")[1]);
  assert.equal(span.get("incident"), incident);
  assert.equal(span.get("speed"), "300");
  assert.ok(span.get("from") < span.get("to"));
  assert.equal(await page.evaluate(() => history.length), entries + 2, "playing makes no entries in the history");
}

async function looksInOtherLightAndLanguage(desk) {
  const header = desk.page.locator("header").first();
  await desk.mark("playback-preset-hour").click();
  await desk.until(() => !location.hash.includes("incident="));
  await ready(desk);
  await desk.mark("playback-slider").press("End");
  await desk.until(() => window.__map.drones > 0);
  await desk.page.locator(".tools button").last().click();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  await desk.picture("playback-light");
  await desk.mustBeAccessible("playback in light");
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  await desk.page.setViewportSize({ width: 1280, height: 720 });
  await desk.picture("playback-en");
  await header.getByRole("button", { name: "中文" }).click();
}
