// A browser that tells on the page. In: the platform's address. Out: a page, its pictures, and everything it complained of
// or asked of anybody else. One window per test, in a profile of its own that is thrown away.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Longest wait for anything: far above what is normal on a busy machine; reaching it is a failure. */
const PATIENCE_MS = 60_000;

/** Pictures of the operator's guide; taken anew with UPDATE_PICTURES=1. */
const GUIDE = new Set([
  "playback-incident",
  "stations-one",
  "zones-import",
  "patrols",
  "reports-shift",
  "deliveries-subscribers",
  "admin-users",
]);
/** What a picture in the repository may weigh. */
const PICTURE_BYTES_MAX = 600_000;

/** Puts a picture where the documents find it. */
export function keepPicture(file, name) {
  const bytes = fs.statSync(file).size;
  assert.ok(bytes < PICTURE_BYTES_MAX, `${name} has ${bytes} bytes`);
  const target = new URL(`../../docs/images/${name}.png`, import.meta.url);
  fs.mkdirSync(new URL(".", target), { recursive: true });
  fs.copyFileSync(file, target);
}

/** What must be said in the environment; a test that guesses tests something else. */
function given(name) {
  const value = process.env[name];
  assert.ok(value, `set ${name}`);
  return value;
}

/** Opens a window and runs the test in it; on failure there is a picture of what was on the screen. */
export async function inBrowser(name, test) {
  const url = given("CONSOLE_URL");
  const output = given("CONSOLE_OUTPUT");
  fs.mkdirSync(output, { recursive: true });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "zh-CN", timezoneId: "Asia/Shanghai" });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const desk = new Desk(page, url, output);
  await watchPolicy(context, desk);
  try {
    await test(desk);
    desk.mustNotHaveStrayed();
    console.log(`ok ${name}`);
  } catch (failure) {
    await page.screenshot({ path: path.join(output, `failed-${name}.png`) }).catch(() => undefined);
    console.error(`not ok ${name}:`, failure);
    console.error("the page complained of:", desk.complaints);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** What a page tries against the content security policy is told with who tried it, in every page and from its first byte on. */
async function watchPolicy(context, desk) {
  await context.exposeBinding("__violated", (_source, violation) => desk.violated(violation));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const { effectiveDirective, blockedURI, sourceFile, lineNumber, sample } = event;
      window.__violated({ effectiveDirective, blockedURI, sourceFile, lineNumber, sample, at: event.target?.nodeName ?? "" });
    });
  });
}

/** An operator at the desk: the page and what a test does with it. */
class Desk {
  complaints = [];
  strangers = [];
  /** Complaints that are expected at the moment. */
  #tolerated = [];

  constructor(page, url, output) {
    this.page = page;
    this.url = url;
    this.output = output;
    const { host } = new URL(url);
    const ask = (address) => {
      const asked = new URL(address);
      if (asked.host !== host && !["data:", "blob:"].includes(asked.protocol)) this.strangers.push(address);
    };
    page.on("request", (request) => ask(request.url()));
    page.on("websocket", (socket) => ask(socket.url()));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.#complain(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.#complain(`uncaught: ${error.stack ?? error.message}`));
  }

  #complain(text) {
    if (!this.#tolerated.some((pattern) => pattern.test(text))) this.complaints.push(text);
  }

  /** Never tolerated: a page that needs what its policy forbids is wrong in one of the two. */
  violated({ effectiveDirective, blockedURI, sourceFile, lineNumber, sample, at }) {
    this.complaints.push(`${effectiveDirective} forbids ${blockedURI} at ${sourceFile || "the page"}:${lineNumber} ${at} ${sample}`);
  }

  /** What a browser says by itself about answers and connections that the test brings about. */
  tolerate(...patterns) {
    this.#tolerated = patterns;
  }

  mustNotHaveStrayed() {
    assert.deepEqual(this.strangers, [], "the page asks nobody but the platform");
    assert.deepEqual(this.complaints, [], "the page has nothing to complain of");
  }

  mark(name) {
    return this.page.locator(`[data-testid="${name}"]`);
  }

  async logIn() {
    await this.mark("login-username").fill(given("CONSOLE_USER"));
    await this.mark("login-password").fill(given("CONSOLE_PASSWORD"));
    await this.mark("login-submit").click();
    await this.mark("map").waitFor();
  }

  async goTo(pageName) {
    await this.page.locator(`nav a[href="#/${pageName}"]`).click();
    await this.page.locator(`nav a[href="#/${pageName}"][aria-current="page"]`).waitFor();
  }

  /** Waits until a function of the page is true. */
  until(look, argument) {
    return this.page.waitForFunction(look, argument);
  }

  async picture(name) {
    const file = path.join(this.output, `${name}.png`);
    // A map that still moves to where it was sent is not yet what people look at.
    await this.page.evaluate(() => window.__map?.drawn());
    await this.page.screenshot({ path: file });
    if (process.env.UPDATE_PICTURES === "1" && GUIDE.has(name)) keepPicture(file, `guide-${name}`);
    return file;
  }

  /** No barrier that keeps people out: axe's serious and critical findings, of which there must be none. */
  async mustBeAccessible(name) {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = grave.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
    assert.deepEqual(told, [], `${name} keeps people out`);
  }
}

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks whoever started the test to do something with the platform, and waits for a line that says it is done. */
export async function please(what) {
  console.log(JSON.stringify({ please: what }));
  const { done } = await answers.next();
  assert.ok(!done, `nobody did "${what}"`);
}

/** Lets the process end. */
export function farewell() {
  process.stdin.destroy();
}
