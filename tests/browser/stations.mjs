// The page of stations before a running banner: values and their ages, series, earlier years, green-up, and a proposal that waits.
// A demonstration has no late green-up, so the proposal is put into the server's answer here; what is done about it is asked of the
// server itself, which knows no such proposal and says so.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

const PROPOSAL = 999_999;

await inBrowser("stations", async (desk) => {
  desk.tolerate(/status of 401/);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.goTo("stations");
  await readsTheList(desk);
  await looksAtOne(desk);
  await comesBackByItsAddress(desk);
  await decidesAboutAProposal(desk);
  await changesLanguageAndLight(desk);
});
farewell();

async function readsTheList(desk) {
  await desk.until(() => document.querySelectorAll("[data-testid=station]").length >= 12 && document.querySelectorAll("[data-testid=station-value]").length >= 24);
  const row = await desk.page.locator('[data-testid=station][data-device-id="station-1"]').innerText();
  for (const part of [/土壤温度\s*-?[\d.]+ °C/, /土壤水分\s*[\d.]+ %/, /前/]) assert.match(row, part, `the row lacks ${part}`);
  const names = await desk.mark("station").evaluateAll((list) => list.map((one) => one.dataset.deviceId));
  assert.ok(names.indexOf("station-2") < names.indexOf("station-10"), "stations are in the order of their numbers");
  const { green_up } = await desk.page.evaluate(async () => (await fetch("/api/v1/stations")).json());
  const green = await desk.mark("green-up").innerText();
  assert.ok(green.includes(green_up.judged === 0 ? "12 个监测站目前都不能判断是否返青" : `可判断的 ${green_up.judged} 个监测站中`), green);
  await desk.mark("proposals-none").waitFor();
  await desk.page.getByText("每年 04-01 至 06-15").waitFor();
  await desk.picture("stations");
  await desk.mustBeAccessible("stations");
}

async function looksAtOne(desk) {
  await desk.page.locator('[data-testid=station][data-device-id="station-1"]').click();
  await desk.mark("station-detail").waitFor();
  await desk.page.locator('[data-testid=station-quantity][data-field="soil_temperature_c"]').click();
  await chartOf(desk, "day");
  // What the chart says in words is what the server says in numbers.
  const told = await desk.page.locator("[data-testid=series-chart] figcaption").textContent();
  assert.match(told, /土壤温度：共 \d+ 个值；.*°C；最低 -?[\d.]+ °C，最高 -?[\d.]+ °C。/);
  const drawn = await desk.page.evaluate(() => {
    const canvas = document.querySelector("[data-testid=series-chart] canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value !== 0);
  });
  assert.ok(drawn, "something is drawn");
  await desk.mark("series-quality").getByText(/24 小时内/).waitFor();
  await desk.picture("stations-one");
  await desk.mustBeAccessible("one station");
  for (const period of ["week", "month"]) {
    await desk.mark(`period-${period}`).click();
    await chartOf(desk, period);
  }
  await desk.mark("series-compare").check();
  await desk.mark("no-history").getByText("没有往年数据").waitFor();
  await desk.picture("stations-compared");
  await desk.mustBeAccessible("a station beside earlier years");
}

function chartOf(desk, period) {
  return desk.page.locator(`[data-testid=series-chart][data-field="soil_temperature_c"][data-period="${period}"] canvas`).waitFor();
}

/** What is open can be sent to a colleague. */
async function comesBackByItsAddress(desk) {
  const address = await desk.page.evaluate(() => location.hash);
  for (const part of ["#/stations/station-1", "field=soil_temperature_c", "period=month", "compare=1"]) assert.ok(address.includes(part), `${address} lacks ${part}`);
  await desk.page.reload();
  await chartOf(desk, "month");
  assert.ok(await desk.mark("series-compare").isChecked());
  await desk.page.keyboard.press("Escape");
  await desk.mark("station-detail").waitFor({ state: "detached" });
  await desk.mark("green-up").waitFor();
}

function late(id, proposed_by) {
  return {
    id,
    kind: "closure",
    state: "open",
    reason: "返青推迟，截至 2026-06-02 可判断的 9 个监测站中 3 个已返青 green-up is late: 3 of 9 stations by 2026-06-02",
    report: "返青推迟：截至 2026-06-02，可判断的 9 个监测站中 3 个已返青（33 %，应达 50 %）。\n- station-1 未返青 not green\n`草畜平衡区春季休牧 balance zone, rest period` is closed 2026-04-01 to 2026-06-30, everywhere (克政字〔2026〕29号 三(二))",
    closure: {
      rule: "草畜平衡区春季休牧 balance zone, rest period",
      year: 2026,
      first: "2026-04-01",
      last: "2026-06-30",
      adds: false,
      townships: [],
      zones: [],
      legal_basis: "克政字〔2026〕29号 三(二)",
    },
    proposed_by,
    proposed_at: "2026-06-02T02:00:00Z",
    decided_by: null,
    decided_at: null,
    remark: null,
    evidence: {
      kind: "green_up",
      on: "2026-06-02",
      last: "2026-06-15",
      proposed_last: "2026-06-30",
      days: 15,
      greened: 3,
      judged: 9,
      share_percent: 33.3,
      share_percent_min: 50,
      stations: [],
      stations_count: 0,
      zones: [
        { id: "zone-02", name: "巴彦查干苏木2号草畜平衡区（演示）", township: "150425901" },
        { id: "zone-04", name: "达日罕乌拉苏木4号草畜平衡区（演示）", township: "150425902" },
      ],
      zones_count: 2,
      townships: [{ township: "150425901", zones: 2, capacity_sheep_units: 8_400, households: 31, animals_known: 1_204 }],
    },
  };
}

async function decidesAboutAProposal(desk) {
  const { page } = desk;
  let open = [late(PROPOSAL, "platform"), late(PROPOSAL - 1, "cli:admin")];
  await page.route("**/api/v1/closures", async (asked) => {
    const answer = await asked.fetch();
    await asked.fulfill({ response: answer, json: { ...(await answer.json()), proposals: open } });
  });
  await desk.mark("proposal").first().waitFor();
  const card = page.locator(`[data-proposal-id="${PROPOSAL}"]`);
  const text = await card.innerText();
  for (const part of ["休牧期由 2026-06-15 延长至 2026-06-30（15 天），涉及 2 个区域", "8,400 羊单位", "31 户", "克政字〔2026〕29号 三(二)", "平台", "须由提出人以外的另一人批准"])
    assert.ok(text.includes(part), `the proposal lacks ${part}: ${text}`);
  const own = page.locator(`[data-proposal-id="${PROPOSAL - 1}"]`);
  assert.ok(await own.getByTestId("proposal-approve").isDisabled(), "nobody approves what they proposed");
  await own.getByText("这是您提出的，须由另一人批准").waitFor();
  await desk.picture("stations-proposals");
  await desk.mustBeAccessible("proposals");

  desk.tolerate(/status of 404/);
  await card.getByTestId("proposal-approve").click();
  await page.getByText("确认批准？").waitFor();
  await card.getByTestId("proposal-send").click();
  await card.getByTestId("proposal-wrong").getByText(String(PROPOSAL)).waitFor();
  await page.keyboard.press("Escape");
  await card.getByTestId("proposal-decline").click();
  await card.getByTestId("proposal-send").click();
  await card.getByTestId("proposal-wrong").getByText("请写明否决理由。").waitFor();
  await card.getByTestId("proposal-reason").fill("雨后返青加快");
  await card.getByTestId("proposal-send").click();
  await card.getByTestId("proposal-wrong").getByText(String(PROPOSAL)).waitFor();
  assert.equal(await card.getByTestId("proposal-reason").inputValue(), "雨后返青加快", "a refused form loses nothing");
  await desk.picture("stations-declining");
  desk.tolerate();

  await page.route(`**/api/v1/closures/decisions/${PROPOSAL}/decline`, async (asked) => {
    assert.deepEqual(asked.request().postDataJSON(), { reason: "雨后返青加快" });
    open = open.slice(1);
    await asked.fulfill({ json: { ...late(PROPOSAL, "platform"), state: "declined", decided_by: "admin", remark: "雨后返青加快" } });
  });
  await card.getByTestId("proposal-send").click();
  await card.waitFor({ state: "detached" });
  assert.equal(await desk.mark("proposal-done").innerText(), `提案 ${PROPOSAL} 已否决。`);
  await page.unrouteAll();
}

async function changesLanguageAndLight(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  await desk.picture("stations-light");
  await desk.mustBeAccessible("stations in light");
  await desk.page.locator('[data-testid=station][data-device-id="station-2"]').click();
  await desk.page.locator("[data-testid=series-chart] canvas").waitFor();
  await desk.picture("stations-one-light");
  await desk.mustBeAccessible("one station in light");
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  await desk.page.getByRole("heading", { name: "Grass stations" }).waitFor();
  await desk.picture("stations-one-en");
  await desk.mark("stations-overview").click();
  await desk.mark("green-up").waitFor();
  await desk.picture("stations-en");
  await header.getByRole("button", { name: "中文" }).click();
  await desk.page.getByRole("heading", { name: "草原监测站" }).waitFor();
}
