// The page of devices before a running banner: counts, order, one device with its history, work announced and ended, a camera put elsewhere,
// turned, and put back.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

/** What stands in a field of the editor. */
const valueOf = async (desk, field) => Number(await desk.mark(`pose-${field}`).inputValue());

/** Drags from one pixel of the small map to another. */
async function dragOnMap(desk, from, to) {
  const { x, y } = await desk.mark("pose-map").boundingBox();
  await desk.page.mouse.move(x + from[0], y + from[1]);
  await desk.page.mouse.down();
  await desk.page.mouse.move(x + (from[0] + to[0]) / 2, y + (from[1] + to[1]) / 2);
  await desk.page.mouse.move(x + to[0], y + to[1]);
  await desk.page.mouse.up();
}

async function openEditor(desk) {
  await desk.mark("pose-open").click();
  await desk.until(() => (window.__pose?.zones ?? 0) > 0 && window.__pose.neighbours > 1);
  await desk.page.evaluate(() => window.__pose.drawn());
}

const pixels = (desk) => desk.page.evaluate(() => ({ device: window.__pose.devicePixel(), handle: window.__pose.handlePixel() }));

/** From the open panel of a camera: drag, type, be refused, save, and give the registered values back. */
async function placeCamera(desk) {
  const { page } = desk;
  await openEditor(desk);
  const fields = ["lat", "lon", "height_m", "yaw_deg", "pitch_deg", "hfov_deg"];
  const registered = Object.fromEntries(await Promise.all(fields.map(async (field) => [field, await valueOf(desk, field)])));
  assert.ok(await desk.mark("pose-save").isDisabled(), "there is nothing to save yet");
  await desk.picture("pose-open");

  // The map leads, the fields follow: the handle is dragged to the east of the device.
  const start = await pixels(desk);
  await dragOnMap(desk, start.handle, [start.device[0] + 120, start.device[1]]);
  await desk.until(() => Math.abs(Number(document.querySelector("[data-testid=pose-yaw_deg]").value) - 90) < 3);
  await page.evaluate(() => window.__pose.drawn());
  const turned = await pixels(desk);
  assert.ok(turned.handle[0] > turned.device[0] + 80, "the handle points east");
  await dragOnMap(desk, turned.device, [turned.device[0] - 60, turned.device[1] + 40]);
  assert.ok((await valueOf(desk, "lon")) < registered.lon && (await valueOf(desk, "lat")) < registered.lat, "the device went south-west");
  await desk.picture("pose-dragged");
  await desk.mustBeAccessible("the editor of place and direction");

  // The fields lead, the map follows.
  const moved = await pixels(desk);
  await desk.mark("pose-yaw_deg").fill("180");
  await desk.mark("pose-lat").fill(String(registered.lat));
  await page.evaluate(() => window.__pose.drawn());
  const typed = await pixels(desk);
  assert.ok(typed.handle[1] > typed.device[1] + 80, "the handle points south");
  assert.ok(typed.device[1] < moved.device[1] - 20, "the device stands as far north as before");
  await desk.mark("pose-lon").fill(String(registered.lon + 1));
  await page.evaluate(() => window.__pose.drawn());
  const far = await pixels(desk);
  const box = await desk.mark("pose-map").boundingBox();
  assert.ok(far.device[0] > 0 && far.device[0] < box.width, "a place far away is brought into the picture");
  await desk.mark("pose-lon").fill(String(registered.lon));
  const seen = await desk.mark("pose-ground-near").innerText();
  await desk.mark("pose-pitch_deg").fill("-30");
  await desk.until((before) => document.querySelector("[data-testid=pose-ground-near]").innerText !== before, seen);

  // A value that cannot be is refused beside its field, and nothing is lost.
  await desk.mark("pose-pitch_deg").fill("-95");
  await desk.mark("pose-refused-pitch_deg").getByText("-90（向下）").waitFor();
  assert.ok(await desk.mark("pose-save").isDisabled(), "a refused value is not sent");
  await desk.picture("pose-refused");
  await desk.mark("pose-held").waitFor();
  // Typed key by key: a zero on the way stays where it is.
  await desk.mark("pose-pitch_deg").fill("");
  await desk.mark("pose-pitch_deg").pressSequentially("-12.05");
  assert.equal(await valueOf(desk, "pitch_deg"), -12.05);

  // Escape asks before it throws away; any change goes on.
  await page.keyboard.press("Escape");
  await desk.mark("pose-leaving").waitFor();
  await desk.mark("pose-height_m").fill("31.5");
  await desk.mark("pose-leaving").waitFor({ state: "detached" });

  await desk.mark("pose-save").click();
  await desk.mark("pose-confirm").getByText("已有事件不变").waitFor();
  await desk.picture("pose-confirm");
  await desk.mark("pose-yes").click();
  await desk.mark("pose-editor").waitFor({ state: "detached" });
  await desk.mark("pose-saved").waitFor();
  await desk.mark("device-panel").getByText("高 31.5 m，方位 180°，俯仰 -12.05°").waitFor();

  // The registered values again, by hand.
  await openEditor(desk);
  assert.equal(await valueOf(desk, "pitch_deg"), -12.05);
  for (const field of fields) await desk.mark(`pose-${field}`).fill(String(registered[field]));
  await desk.mark("pose-save").click();
  await desk.mark("pose-yes").click();
  await desk.mark("pose-editor").waitFor({ state: "detached" });
  await desk.mark("device-panel").getByText(`方位 ${registered.yaw_deg}°，俯仰 ${registered.pitch_deg}°`).waitFor();
}

await inBrowser("devices", async (desk) => {
  desk.tolerate(/status of 401/);
  const { page } = desk;
  await page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.goTo("devices");
  await desk.until(() => document.querySelectorAll("[data-testid=device]").length >= 242);
  assert.match(await page.locator('[data-testid="health-board"] [data-kind="camera"]').innerText(), /摄像机\s*24/);
  await desk.mark("sort-id").click();
  await desk.mark("sort-id").click();
  await desk.until(() => document.querySelector("[data-testid=device]").dataset.deviceId.startsWith("st"));
  await page.locator('[data-testid="health-board"] [data-kind="camera"] button').first().click();
  await desk.until(() => document.querySelectorAll("[data-testid=device]").length === 24);
  await page.getByRole("link", { name: "cam-01" }).click();
  await desk.mark("device-panel").waitFor();
  await desk.mark("device-charts").locator("canvas").first().waitFor();
  await desk.picture("device-open");
  await desk.mustBeAccessible("an open device");
  await placeCamera(desk);
  await desk.mark("maintenance-announce").click();
  await desk.mark("device-work").getByText("请写明检修原因").waitFor();
  await desk.mark("maintenance-reason").fill("更换镜头");
  await desk.mark("maintenance-announce").click();
  await desk.mark("device-maintenance").getByText("更换镜头").waitFor();
  await page.locator('[data-device-id="cam-01"][data-health="maintenance"]').waitFor();
  await desk.mark("maintenance-end").click();
  await desk.mark("device-maintenance").waitFor({ state: "detached" });
  await desk.mark("device-work").scrollIntoViewIfNeeded();
  await desk.picture("device-work");
  const header = page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  await desk.picture("device-light");
  await desk.mustBeAccessible("an open device in light");
  await openEditor(desk);
  await desk.mark("pose-yaw_deg").fill("60");
  await desk.picture("pose-light");
  await desk.mustBeAccessible("the editor in light");
  await desk.mark("pose-restore").click();
  await page.keyboard.press("Escape");
  await desk.mark("pose-editor").waitFor({ state: "detached" });
  await desk.mark("device-panel").waitFor();
  await header.getByRole("button", { name: "English" }).click();
  await desk.picture("device-en");
  await openEditor(desk);
  await desk.mark("pose-yaw_deg").fill("60");
  await desk.mark("pose-save").click();
  await desk.picture("pose-en");
  await desk.mark("pose-back").click();
  await desk.mark("pose-cancel").click();
  await desk.mark("pose-cancel").click();
  await desk.mark("pose-editor").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await desk.mark("device-panel").waitFor({ state: "detached" });
});
farewell();
