// Somebody who is there for one township: what lies in the others is absent from every page, as if it did not exist.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

const OWN = { code: "150425901", name: "巴彦查干苏木" };
const OTHERS = ["达日罕乌拉苏木", "浩来呼热苏木", "达来诺日镇"];
const OFFICER = { username: "bayan", password: "steppe-bayan" };
const UNAUTHORIZED = /status of 401/;

await inBrowser("townships", async (desk) => {
  desk.tolerate(UNAUTHORIZED);
  await desk.page.goto(desk.url);
  await desk.logIn();
  // Both have a case by now, or will have within two minutes.
  const elsewhere = await desk.until(async () => {
    const { items } = await (await fetch("/api/v1/incidents?limit=1000")).json();
    return items.find((incident) => incident.township === "150425902")?.id;
  });
  const hidden = await elsewhere.jsonValue();
  await makesTheOfficer(desk);
  await desk.page.getByRole("button", { name: "退出登录" }).click();
  await desk.mark("login-username").fill(OFFICER.username);
  await desk.mark("login-password").fill(OFFICER.password);
  await desk.mark("login-submit").click();
  await desk.mark("map").waitFor();
  desk.tolerate();
  await desk.mark("incident").first().waitFor();
  await desk.until(() => window.__map.zones > 0 && window.__map.cameras > 0);
  await seesOnlyTheirs(desk, "watch");
  for (const name of ["devices", "stations", "zones", "reports"]) {
    await desk.goTo(name);
    await desk.until((own) => document.querySelector("#content")?.innerText.includes(own), OWN.name);
    await seesOnlyTheirs(desk, name);
  }
  await desk.picture("reports-of-a-township");
  desk.tolerate(/status of 404/);
  const answer = await desk.page.evaluate(async (id) => (await fetch(`/api/v1/incidents/${id}`)).status, hidden);
  assert.equal(answer, 404, "a case of another township does not exist");
  assert.equal(await desk.page.locator('nav a[href="#/admin"]').count(), 0, "nor does administration");
});
farewell();

async function makesTheOfficer(desk) {
  const status = await desk.page.evaluate(
    async ({ officer, township }) => {
      const { csrf } = await (await fetch("/api/v1/me")).json();
      const body = JSON.stringify({ ...officer, roles: ["operator"], townships: [township] });
      const headers = { "content-type": "application/json", "x-csrf-token": csrf };
      return (await fetch("/api/v1/users", { method: "POST", headers, body })).status;
    },
    { officer: OFFICER, township: OWN.code },
  );
  assert.equal(status, 201, "the officer can be made");
}

async function seesOnlyTheirs(desk, name) {
  const text = await desk.page.locator("#content").innerText();
  for (const other of OTHERS) assert.ok(!text.includes(other), `${name} tells of ${other}`);
}
