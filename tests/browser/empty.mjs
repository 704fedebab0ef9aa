// The console of a platform that knows nothing yet: every page says what will be there.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

await inBrowser("empty", async (desk) => {
  desk.tolerate(/status of 401/);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  for (const [name, promise] of [
    ["watch", "几秒内会出现在这里"],
    ["notices", "盲区、火情会列在这里"],
    ["devices", "登记后会列在这里"],
    ["deliveries", "每次推送的结果会列在这里"],
  ]) {
    await desk.goTo(name);
    await desk.page.getByText(promise).waitFor();
    await desk.picture(`${name}-empty`);
    await desk.mustBeAccessible(`${name} while empty`);
  }
  await desk.goTo("devices");
  assert.equal(await desk.mark("device").count(), 0);
  await saysWhenAPageIsGone(desk);
});
farewell();

/** The service was upgraded under an open console: its pages have other names now. */
async function saysWhenAPageIsGone(desk) {
  desk.tolerate(/Failed to load resource/, /dynamically imported module/, /preload/);
  await desk.page.route("**/assets/ReportsPage*.js", (route) => route.abort());
  await desk.goTo("reports");
  await desk.mark("page-missing").waitFor();
  await desk.picture("page-missing");
  await desk.mustBeAccessible("a page that is gone");
  await desk.page.unroute("**/assets/ReportsPage*.js");
  desk.tolerate();
}
