// Administration before a running banner: people, tokens, devices' credentials, the audit, and one's own second factor at the door.
// Whatever it changes about the administrator it takes back.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { farewell, inBrowser } from "./browser.mjs";

/** What a browser says by itself about a refusal that the test brings about. */
const REFUSED = /status of (400|401|403|409)/;
const CODE_SECONDS = 30;
const SOMEBODY = `zhao-${Date.now() % 1_000_000}`;

await inBrowser("admin", async (desk) => {
  desk.tolerate(REFUSED);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await barFits(desk);
  await desk.goTo("admin");
  await addsAPerson(desk);
  await cannotShutOutTheLastAdministrator(desk);
  await makesAToken(desk);
  await registersADevice(desk);
  await readsTheAudit(desk);
  await looksInOtherLightAndLanguage(desk);
  await usesASecondFactor(desk);
});
farewell();

/** Ten pages and every button stand in one line on a small screen, in both languages. */
async function barFits(desk) {
  const { page } = desk;
  await page.setViewportSize({ width: 1280, height: 720 });
  for (const [language, other] of [["zh", "English"], ["en", "中文"]]) {
    const over = await page.evaluate(() => {
      const bar = document.querySelector("header");
      const out = [...bar.querySelectorAll("a, button")].filter((one) => one.getBoundingClientRect().right > bar.clientWidth || one.getBoundingClientRect().height > 44);
      return { wide: bar.scrollWidth - bar.clientWidth, out: out.map((one) => one.textContent) };
    });
    assert.deepEqual(over, { wide: 0, out: [] }, `the bar fits in ${language}`);
    await desk.picture(`bar-1280-${language}`);
    await page.locator("header").getByRole("button", { name: other }).click();
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function addsAPerson(desk) {
  await desk.mark("admin-tab-users").click();
  await desk.page.locator('[data-testid=user][data-username="admin"]').waitFor();
  await desk.mark("user-add").click();
  await desk.mark("user-name").fill(SOMEBODY);
  await desk.mark("user-password").fill("steppe-horse");
  await desk.mark("role-operator").check();
  await desk.page.getByLabel("巴彦查干苏木").check();
  await desk.picture("admin-user-form");
  await desk.mustBeAccessible("the form of a person");
  await desk.mark("ask-yes").click();
  const row = desk.page.locator(`[data-testid=user][data-username="${SOMEBODY}"]`);
  await row.waitFor();
  for (const text of ["查看员、值守员", "巴彦查干苏木", "未开启"]) assert.ok((await row.innerText()).includes(text), `the row lacks ${text}`);
  await row.locator("[data-testid=user-disable]").click();
  await desk.mark("ask-yes").click();
  await desk.page.locator(`[data-testid=user][data-username="${SOMEBODY}"][data-disabled="true"]`).waitFor();
  await desk.picture("admin-users");
  await desk.mustBeAccessible("people");
}

async function cannotShutOutTheLastAdministrator(desk) {
  desk.tolerate(REFUSED);
  await desk.page.locator('[data-testid=user][data-username="admin"] [data-testid=user-disable]').click();
  await desk.mark("ask-yes").click();
  await desk.mark("ask-failure").waitFor();
  assert.match(await desk.mark("ask-failure").innerText(), /最后一位管全旗的系统管理员/);
  await desk.picture("admin-last-administrator");
  await desk.page.keyboard.press("Escape");
  await desk.mark("ask").waitFor({ state: "detached" });
  desk.tolerate();
}

async function makesAToken(desk) {
  await desk.mark("admin-tab-tokens").click();
  await desk.mark("token-add").click();
  await desk.mark("token-name").fill("指挥部大屏");
  await desk.picture("admin-token-form");
  await desk.mark("ask-yes").click();
  const fresh = desk.mark("token-fresh");
  await fresh.waitFor();
  const [token, example] = await fresh.locator("input").evaluateAll((fields) => fields.map((field) => field.value));
  assert.match(token, /^swt_/);
  assert.ok(example.includes(`Authorization: Bearer ${token}`));
  await desk.page.locator('[data-testid=token][data-state="valid"]').first().waitFor();
  await desk.picture("admin-tokens");
  await desk.mustBeAccessible("tokens");
  const before = await desk.page.locator('[data-testid=token][data-state="revoked"]').count();
  await desk.mark("token-revoke").first().click();
  await desk.mark("ask-yes").click();
  await desk.until((count) => document.querySelectorAll('[data-testid=token][data-state="revoked"]').length > count, before);
}

async function registersADevice(desk) {
  await desk.mark("admin-tab-credentials").click();
  await desk.mark("credential").first().waitFor();
  await desk.mark("device-add").click();
  await desk.mark("device-new-id").fill(`ranger-${SOMEBODY}`);
  await desk.mark("ask-yes").click();
  await desk.mark("device-fresh").waitFor();
  const first = await desk.mark("admin-secret").inputValue();
  assert.ok(first.length > 15, "a secret is shown");
  await desk.picture("admin-credentials");
  await desk.mustBeAccessible("credentials");
  // Of so many devices only the first are drawn.
  await desk.page.getByRole("searchbox").fill(`ranger-${SOMEBODY}`);
  await desk.mark("credential-renew").click();
  await desk.picture("admin-renew");
  await desk.mark("ask-yes").click();
  await desk.mark("ask").waitFor({ state: "detached" });
  assert.notEqual(await desk.mark("admin-secret").inputValue(), first, "a new secret is shown");
  await desk.picture("admin-renewed");
}

async function readsTheAudit(desk) {
  await desk.mark("admin-tab-audit").click();
  await desk.page.locator('[data-testid=audit-chain][data-holds="true"]').waitFor();
  await desk.mark("audit-entry").first().waitFor();
  await desk.mark("audit-more").click();
  await desk.until(() => document.querySelectorAll("[data-testid=audit-entry]").length > 100);
  await desk.mark("audit-what").fill(SOMEBODY);
  await desk.mark("audit-search").click();
  const deed = desk.page.locator(`[data-testid=audit-entry][data-what="user.edit ${SOMEBODY}"]`).first();
  await deed.waitFor();
  const shown = await deed.innerText();
  for (const text of ["修改用户", "user.edit", "admin", "disabled", "true"]) assert.ok(shown.includes(text), `the entry lacks ${text}: ${shown}`);
  await desk.picture("admin-audit");
  await desk.mustBeAccessible("the audit");
}

async function looksInOtherLightAndLanguage(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  for (const tab of ["audit", "users", "account"]) {
    await desk.mark(`admin-tab-${tab}`).click();
    await desk.page.locator(`[data-testid=admin-tab-${tab}][aria-current=page]`).waitFor();
    await desk.picture(`admin-${tab}-light`);
    await desk.mustBeAccessible(`${tab} in light`);
  }
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  for (const tab of ["users", "credentials", "audit"]) {
    await desk.mark(`admin-tab-${tab}`).click();
    await desk.picture(`admin-${tab}-en`);
  }
  await header.getByRole("button", { name: "中文" }).click();
}

async function usesASecondFactor(desk) {
  const { page } = desk;
  const password = process.env.CONSOLE_PASSWORD;
  await desk.mark("account-open").click();
  await desk.mark("account").waitFor();
  await desk.picture("account");
  await desk.mustBeAccessible("the account");
  desk.tolerate(REFUSED, /WebSocket connection to/);
  await desk.mark("factor-password").fill("not the password");
  await desk.mark("factor-go").click();
  await desk.mark("factor-refused").waitFor();
  await desk.mark("factor-password").fill(password);
  await desk.mark("factor-go").click();
  const secret = await desk.mark("admin-secret").first().inputValue();
  await desk.picture("account-factor");
  await desk.mark("factor-code").fill(codeOf(secret, 0));
  await desk.mark("factor-go").click();
  await page.locator('[data-testid=account-factor][data-on="true"]').waitFor();

  await page.locator("header").getByRole("button", { name: "退出登录" }).click();
  await desk.mark("login-username").fill(process.env.CONSOLE_USER);
  await desk.mark("login-password").fill(password);
  await desk.mark("login-submit").click();
  await desk.mark("login-code").waitFor();
  await desk.picture("login-code");
  await desk.mustBeAccessible("the door that asks for a code");
  await desk.mark("login-code").fill("000000");
  await desk.mark("login-submit").click();
  assert.equal(await page.getByRole("alert").innerText(), "验证码不正确或已经用过，请等下一个。");
  // A code counts once: the one after that which was confirmed, which an authenticator with a fast clock shows.
  await desk.mark("login-code").fill(codeOf(secret, 1));
  await desk.mark("login-submit").click();

  await desk.mark("account").waitFor();
  await desk.mark("factor-password").fill(password);
  await desk.mark("factor-go").click();
  await page.locator('[data-testid=account-factor][data-on="false"]').waitFor();
  desk.tolerate();
}

/** RFC 6238 with SHA-1 and six digits, so many periods from now. */
function codeOf(secret, ahead) {
  const bits = [...secret.replaceAll(/[\s=]/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1_000 / CODE_SECONDS) + ahead));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
