// Reports before a running banner: a shift is handed over with a note, the season stands by township, a case goes onto paper.
import assert from "node:assert/strict";
import path from "node:path";
import { farewell, inBrowser } from "./browser.mjs";

const NOTE = `cam-07 镜头结冰，已通知维护 ${Date.now() % 1_000_000}`;

await inBrowser("reports", async (desk) => {
  desk.tolerate(/status of 401/);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.mark("incident").first().waitFor();
  await desk.goTo("reports");
  await handsOver(desk);
  await countsByTownship(desk);
  await putsACaseOnPaper(desk);
  await looksInOtherLightAndLanguage(desk);
});
farewell();

async function handsOver(desk) {
  const sheet = desk.mark("shift-report");
  await sheet.waitFor();
  const text = await sheet.innerText();
  let at = 0;
  for (const title of ["交接班记录", "未签收事件", "已签收、未派遣", "已派遣、未办结", "本班办结", "异常设备", "提示", "监视盲区", "双报告未完成", "推送", "交班说明", "交班人", "接班人"]) {
    const found = text.indexOf(title, at);
    assert.ok(found >= 0, `the handover lacks ${title} after ${at}: ${text}`);
    at = found;
  }
  assert.ok(text.includes("无"), "what is empty says so");
  await desk.mark("report-incident").first().waitFor();
  await desk.mark("shift-note-text").fill(NOTE);
  await desk.mark("shift-note-send").click();
  await desk.mark("shift-note").filter({ hasText: NOTE }).waitFor();
  await desk.picture("reports-shift");
  await desk.mustBeAccessible("the handover");
  await seesPaper(desk, "reports-shift");
  await desk.page.reload();
  await desk.mark("shift-note").filter({ hasText: NOTE }).waitFor();
}

/** On paper there is the sheet and nothing else, black on white. */
async function seesPaper(desk, name) {
  const { page } = desk;
  await page.emulateMedia({ media: "print" });
  const seen = await page.evaluate(() => ({
    bar: document.querySelector("header").offsetHeight,
    tools: [...document.querySelectorAll(".report-tools")].map((one) => one.offsetHeight),
    ink: getComputedStyle(document.querySelector(".report-sheet")).color,
    paper: getComputedStyle(document.body).backgroundColor,
  }));
  assert.deepEqual({ ...seen, tools: seen.tools.every((height) => height === 0) }, { bar: 0, tools: true, ink: "rgb(0, 0, 0)", paper: "rgb(255, 255, 255)" });
  await page.pdf({ path: path.join(desk.output, `${name}.pdf`), preferCSSPageSize: true });
  await page.emulateMedia({ media: null });
}

async function countsByTownship(desk) {
  await desk.mark("report-tab-season").click();
  await desk.mark("season-total").waitFor();
  const [rows, total] = await Promise.all([
    desk.mark("season-row").locator("td:nth-of-type(1)").allInnerTexts(),
    desk.mark("season-total").locator("td").first().innerText(),
  ]);
  assert.ok(rows.length > 0 && Number(total) > 0);
  assert.equal(rows.map(Number).reduce((sum, one) => sum + one, 0), Number(total), "the rows make the total");
  for (const [format, start] of [["csv", /./], ["xlsx", /^PK/], ["pdf", /^%PDF/]]) {
    const href = await desk.mark(`season-${format}`).getAttribute("href");
    const body = await desk.page.evaluate(async (address) => {
      const answer = await fetch(address);
      return answer.ok ? new TextDecoder("latin1").decode((await answer.arrayBuffer()).slice(0, 8)) : `status ${answer.status}`;
    }, href);
    assert.match(body, start, `${format} is one`);
    assert.doesNotMatch(body, /^status/);
  }
  await desk.picture("reports-season");
  await desk.mustBeAccessible("the season");
}

async function putsACaseOnPaper(desk) {
  await desk.mark("report-tab-case").click();
  await desk.page.getByText("请选择一个事件").waitFor();
  await desk.mark("case-choose").selectOption({ index: 1 });
  const sheet = desk.mark("case-sheet");
  await sheet.waitFor();
  const text = await sheet.innerText();
  for (const title of ["案件单", "编号", "法律依据", "判定理由", "估算", "须由执法人员核实", "图像证据", "经过", "双报告", "执法人员", "当事人", "日期"]) assert.ok(text.includes(title), `the sheet lacks ${title}`);
  await desk.picture("reports-case");
  await desk.mustBeAccessible("a case sheet");
  await seesPaper(desk, "reports-case");
}

async function looksInOtherLightAndLanguage(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  for (const tab of ["shift", "season"]) {
    await desk.mark(`report-tab-${tab}`).click();
    await desk.mark(`${tab}-report`).waitFor();
    await desk.picture(`reports-${tab}-light`);
    await desk.mustBeAccessible(`${tab} in light`);
  }
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  await desk.page.setViewportSize({ width: 1280, height: 720 });
  for (const tab of ["season", "shift"]) {
    await desk.mark(`report-tab-${tab}`).click();
    await desk.mark(`${tab}-report`).waitFor();
    await desk.picture(`reports-${tab}-en`);
  }
  await header.getByRole("button", { name: "中文" }).click();
}
