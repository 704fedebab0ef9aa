// Somebody logs in by the office's provider, which is another site to the browser. In: the provider's address beside what every test is given. Out: the
// desk, reached without typing a password; the session survives a reload.
import assert from "node:assert/strict";
import { inBrowser } from "./browser.mjs";

const provider = process.env.PROVIDER_URL;
assert.ok(provider, "set PROVIDER_URL");

await inBrowser("login", async (desk) => {
  const { page } = desk;
  // Who is nobody yet is told so by the first question.
  desk.tolerate(/401 \(Unauthorized\)/);
  await page.context().addCookies([{ name: "who", value: "admin", url: provider }]);
  await page.goto(desk.url);
  const way = desk.mark("login-provider");
  await way.waitFor();
  assert.equal(await way.textContent(), "用旗政务平台登录");
  await desk.mustBeAccessible("the login page");
  await desk.picture("login-provider");
  await way.click();
  await desk.mark("map").waitFor();
  await page.reload();
  await desk.mark("map").waitFor();
  const strangers = desk.strangers.splice(0).map((address) => new URL(address).origin);
  assert.deepEqual([...new Set(strangers)], [provider], "it was at the provider, and nowhere else");
});
