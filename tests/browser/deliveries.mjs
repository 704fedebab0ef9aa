// Who is told what, before a freshly started demonstration: a receiver is added, tried, put on duty and removed; a drill goes out and its
// deliveries are read. Somebody has a device say what nobody understands.
import assert from "node:assert/strict";
import { farewell, inBrowser, please } from "./browser.mjs";

const NAME = "浏览器测试";
/** Nobody listens there: what is sent fails at once and is tried again. */
const NOWHERE = "http://127.0.0.1:9/hook";

await inBrowser("deliveries", async (desk) => {
  desk.tolerate(/status of 401/);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.goTo("deliveries");
  const id = await addsAReceiver(desk);
  await triesIt(desk);
  await renewsItsSecret(desk);
  await writesADutyTable(desk, id);
  await triesOtherWords(desk);
  await seesNoDeadLetters(desk);
  await looksAtADeadLetter(desk);
  await holdsADrill(desk);
  await readsTheRecords(desk, id);
  await inLightAndEnglish(desk);
  await removesIt(desk);
});
farewell();

async function open(desk, tab) {
  await desk.mark(`tab-${tab}`).click();
  await desk.page.locator(`[data-testid="tab-${tab}"][aria-current="page"]`).waitFor();
}

function card(desk) {
  return desk.mark("subscriber").filter({ hasText: NAME });
}

async function shows(desk, name) {
  await desk.picture(`deliveries-${name}`);
  await desk.mustBeAccessible(`deliveries ${name}`);
}

/** What is missing is told beside its field, what the platform refuses too, and nothing typed is lost. */
async function addsAReceiver(desk) {
  await open(desk, "subscribers");
  await desk.mark("subscriber").first().waitFor();
  await desk.mark("subscriber-add").click();
  await desk.mark("subscriber-save").click();
  assert.equal(await desk.mark("fault").count(), 2, "name and address are missing");
  await desk.mark("subscriber-name").fill(NAME);
  await desk.mark("subscriber-url").fill(NOWHERE);
  await desk.page.getByLabel("签名密钥").fill("too short");
  desk.tolerate(/status of 400/);
  await desk.mark("subscriber-save").click();
  await desk.page.locator('[data-testid="fault"]', { hasText: "whsec_" }).waitFor();
  desk.tolerate();
  await shows(desk, "form");
  assert.equal(await desk.mark("subscriber-name").inputValue(), NAME);
  await desk.page.getByLabel("签名密钥").fill("");
  await desk.mark("subscriber-save").click();
  const secret = await keepsTheSecret(desk, "secret");
  assert.ok(secret.startsWith("whsec_"), secret);
  await card(desk).waitFor();
  assert.ok(!(await desk.page.content()).includes(secret), "the secret is shown once");
  return card(desk).getAttribute("data-subscriber-id");
}

async function keepsTheSecret(desk, name) {
  await desk.mark("secret").waitFor();
  const secret = await desk.mark("secret").inputValue();
  await shows(desk, name);
  await desk.mark("ask-yes").click();
  await desk.mark("ask").waitFor({ state: "detached" });
  return secret;
}

async function triesIt(desk) {
  await card(desk).getByTestId("subscriber-test").click();
  // Nobody is there: it was tried, and waits to be tried again.
  await desk.page.locator('[data-testid="subscriber-tried"][data-state="pending"]').waitFor();
  await desk.until(() => document.querySelector('[data-testid="subscriber-tried"]').innerText.length > 30);
  await desk.until((name) => [...document.querySelectorAll('[data-testid="subscriber"][data-state="failing"]')].some((one) => one.innerText.includes(name)), NAME);
  await shows(desk, "subscribers");
}

async function renewsItsSecret(desk) {
  await card(desk).getByTestId("subscriber-renew").click();
  await desk.mark("ask-yes").click();
  assert.ok((await keepsTheSecret(desk, "renewed")).startsWith("whsec_"));
  // Escape leaves a form, and a question, as they were.
  await card(desk).getByTestId("subscriber-edit").click();
  await desk.mark("subscriber-name").press("Escape");
  await desk.mark("subscriber-form").waitFor({ state: "detached" });
  assert.ok(await card(desk).getByTestId("subscriber-edit").evaluate((button) => button === document.activeElement), "the focus is back at the button");
  await card(desk).getByTestId("subscriber-remove").click();
  await desk.mark("ask").waitFor();
  await desk.page.keyboard.press("Escape");
  await desk.mark("ask").waitFor({ state: "detached" });
  assert.ok(await card(desk).getByTestId("subscriber-remove").evaluate((button) => button === document.activeElement), "the focus is back after a question too");
}

/** A shift of a whole day, today: whoever has it is on duty now. */
async function writesADutyTable(desk, id) {
  await open(desk, "rosters");
  await desk.mark("roster-new").click();
  await desk.mark("roster-name").fill("指挥部值班");
  await desk.mark("ask-yes").click();
  await desk.mark("shift-subscriber").selectOption(id);
  await desk.mark("shift-from").fill("00:00");
  await desk.mark("shift-until").fill("24:00");
  await desk.mark("ask-yes").click();
  await desk.mark("roster-bar").first().waitFor();
  await desk.mark("roster-save").click();
  await desk.page.locator('[data-testid="roster-save"][disabled]').waitFor();
  assert.ok((await desk.mark("roster-now").innerText()).includes(NAME), "who is on duty now is named");
  assert.equal(await desk.mark("roster-on-duty").count(), 1);
  await desk.mark("roster-bar").first().click();
  await shows(desk, "shift");
  await desk.page.keyboard.press("Escape");
  await shows(desk, "rosters");
}

async function triesOtherWords(desk) {
  await open(desk, "messages");
  await desk.mark("message-text-zh").fill("{{ clock }} {{ zone }}有牲畜，请速到现场。");
  await desk.mark("message-preview-zh").click();
  await desk.mark("message-says").filter({ hasText: "请速到现场" }).first().waitFor();
  await shows(desk, "messages");
  await desk.mark("message-text-zh").fill("{{ nothing_like_it }}");
  desk.tolerate(/status of 400/);
  await desk.mark("message-preview-zh").click();
  await desk.mark("message-zh").getByRole("alert").waitFor();
  desk.tolerate();
}

async function seesNoDeadLetters(desk) {
  await open(desk, "letters");
  await desk.page.getByText("没有死信，这是好事").waitFor();
  await shows(desk, "letters");
}

/** A device says what nobody understands; what it said is looked at, and why it cannot be replayed is told in Chinese. */
async function looksAtADeadLetter(desk) {
  await please("babble");
  await desk.mark("letters-read").click();
  const letter = desk.mark("letter").filter({ hasText: "cam-that-babbles" });
  await letter.waitFor();
  await letter.getByRole("button").click();
  await desk.mark("letter-text").filter({ hasText: "unicorn" }).waitFor();
  assert.ok((await desk.mark("letter-hex").innerText()).startsWith("0000  7b 22 72 65 6d"), "the same as bytes");
  await shows(desk, "letter");
  desk.tolerate(/status of 409/);
  await desk.mark("letter-replay").click();
  await desk.mark("ask-yes").click();
  await desk.mark("ask-failure").filter({ hasText: "仍然读不懂" }).waitFor();
  desk.tolerate();
  await shows(desk, "letter-replay");
  await desk.mark("ask-no").click();
  await desk.mark("ask").waitFor({ state: "detached" });
  assert.equal(await letter.count(), 1, "it stays");
}

async function holdsADrill(desk) {
  await open(desk, "drill");
  const zone = desk.mark("drill-zone").locator("option", { hasText: "禁牧区" }).first();
  await desk.mark("drill-zone").selectOption(await zone.getAttribute("value"));
  await desk.mark("drill-begin").click();
  assert.ok((await desk.mark("ask").innerText()).includes("消息均标注“演练”"));
  await shows(desk, "drill-ask");
  await desk.mark("ask-yes").click();
  const link = desk.mark("drill-made").locator("a");
  await link.waitFor();
  await shows(desk, "drill");
  await link.click();
  await desk.mark("incident-detail").waitFor();
  assert.ok((await desk.mark("incident-detail").innerText()).includes("演练"), "the case says that it is a drill");
  await desk.page.keyboard.press("Escape");
}

async function readsTheRecords(desk, id) {
  await desk.goTo("deliveries");
  await desk.page.locator('[data-testid="delivery"][data-state="delivered"]').first().waitFor();
  await shows(desk, "records");
  await desk.mark("records-receiver").selectOption(id);
  await desk.mark("records-state").selectOption("pending");
  await desk.until((name) => [...document.querySelectorAll('[data-testid="delivery"]')].every((row) => row.innerText.includes(name) && row.dataset.state === "pending"), NAME);
  await desk.mark("delivery").last().getByRole("button").first().click();
  await desk.mark("delivery-tries").locator("li").first().waitFor();
  assert.ok(desk.page.url().includes("open="), "the open row stands in the address");
  await shows(desk, "tries");
  await desk.mark("delivery-retry").click();
  await desk.mark("ask-yes").click();
  await desk.mark("ask").waitFor({ state: "detached" });
  assert.equal(await desk.mark("delivery-tries").count(), 1);
}

async function inLightAndEnglish(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  for (const tab of ["records", "subscribers", "rosters", "messages", "drill"]) {
    await open(desk, tab);
    await desk.until((name) => document.querySelector("main").innerText.includes(name) || document.querySelector("main").innerText.length > 200, NAME);
    await shows(desk, `${tab}-light`);
  }
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  for (const tab of ["records", "subscribers", "rosters", "messages", "letters", "drill"]) {
    await open(desk, tab);
    await desk.until(() => document.querySelector("main").innerText.length > 200);
    await shows(desk, `${tab}-en`);
  }
  await header.getByRole("button", { name: "中文" }).click();
}

async function removesIt(desk) {
  await open(desk, "rosters");
  await desk.mark("roster-remove").click();
  await desk.mark("ask-yes").click();
  await desk.page.getByText("还没有值班表").waitFor();
  await open(desk, "subscribers");
  await card(desk).getByTestId("subscriber-remove").click();
  await desk.mark("ask-yes").click();
  await card(desk).waitFor({ state: "detached" });
}
