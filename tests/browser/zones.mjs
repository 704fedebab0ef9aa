// The zones of a running banner, as somebody who keeps them works: finds one, reads its law, tries a file out and publishes it,
// goes back through the versions, moves a border, draws a zone, asks a place, repeals what was drawn. Needs nothing from outside.
import assert from "node:assert/strict";
import { farewell, inBrowser } from "./browser.mjs";

const UNAUTHORIZED = /status of 401/;
const REFUSED = /status of 400/;
/** Of the demonstration: a balance zone, open in autumn, closed from April to June. */
const ZONE = "zone-02";
/** Unlike any other run's on the same platform. */
const NEW_ZONE = `test-${Date.now()}`;

await inBrowser("zones", async (desk) => {
  desk.tolerate(UNAUTHORIZED);
  await desk.page.goto(desk.url);
  await desk.logIn();
  desk.tolerate();
  await desk.goTo("zones");
  await findsAZone(desk);
  await readsItsLaw(desk);
  const version = await importsAFile(desk);
  await looksBack(desk, version);
  await movesItsBorder(desk, version);
  await drawsAZone(desk);
  await asksAPlace(desk);
  await readsTheProposals(desk);
  await looksInOtherLight(desk);
  await repealsWhatWasDrawn(desk);
});
farewell();

async function findsAZone(desk) {
  await desk.until(() => document.querySelectorAll("[data-testid=zone]").length >= 34 && window.__map?.zones >= 34);
  const frame = await desk.mark("map").boundingBox();
  assert.ok(frame.width > 600, `the map is ${frame.width} px wide`);
  await desk.picture("zones");
  await desk.mustBeAccessible("zones");
  await desk.mark("zones-kind").selectOption("balance");
  await desk.until(() => window.__map.zones === document.querySelectorAll("[data-testid=zone]").length);
  for (const text of await desk.mark("zone").allInnerTexts()) assert.ok(text.includes("草畜平衡区") && text.includes("第"), text);
  await desk.mark("zones-search").fill("没有这样的区域");
  await desk.page.getByText("没有符合条件的区域").waitFor();
  await desk.mark("zones-search").fill(ZONE);
  await desk.page.locator(`[data-zone-id="${ZONE}"] button`).click();
  await desk.mark("zone-card").waitFor();
}

async function readsItsLaw(desk) {
  await desk.mark("zones-stretch").first().waitFor();
  await desk.mark("version-shown").waitFor();
  const card = await desk.mark("zone-card").innerText();
  for (const text of ["2号草畜平衡区", "草地", "苏木乡镇人民政府", "亩", "03-01 – 03-31", "劝阻期", "04-01 – 06-15", "禁止放牧", "草畜平衡区春季休牧", "理由"])
    assert.ok(card.includes(text), `the card lacks ${text}: ${card}`);
  await desk.picture("zone");
  await desk.mustBeAccessible("a zone");
}

/** The zone, its border moved a little to the east, and one that is new. */
function surveyOf(page) {
  return page.evaluate(
    async ([id, fresh]) => {
      const { features } = await (await fetch("/api/v1/zones")).json();
      const { properties, geometry } = features.find((feature) => feature.properties.id === id);
      const moved = geometry.coordinates.map((ring) => ring.map(([lon, lat]) => [Number((lon + 0.004).toFixed(7)), lat]));
      const { name, kind, township, land_class } = properties;
      const unchanged = features.find((feature) => feature.properties.id === "zone-03");
      const square = [[117.2, 43.5], [117.22, 43.5], [117.22, 43.515], [117.2, 43.515], [117.2, 43.5]];
      return JSON.stringify({
        type: "FeatureCollection",
        features: [
          { type: "Feature", properties: { id, name, kind, township, land_class }, geometry: { type: "Polygon", coordinates: moved } },
          unchanged,
          { type: "Feature", properties: { id: `${fresh}-file`, name: "试验禁牧区", kind: "no-grazing", land_class: "grassland" }, geometry: { type: "Polygon", coordinates: [square] } },
        ],
      });
    },
    [ZONE, NEW_ZONE],
  );
}

function file(text) {
  return { name: "重划.geojson", mimeType: "application/geo+json", buffer: Buffer.from(text) };
}

async function importsAFile(desk) {
  const version = Number(await desk.mark("version-shown").getAttribute("data-version"));
  await desk.mark("zones-tab-import").click();
  assert.ok(await desk.mark("import-try").isDisabled(), "nothing is tried out without a file");
  desk.tolerate(REFUSED);
  await desk.mark("import-files").setInputFiles(file('{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"x"},"geometry":null}]}'));
  await desk.mark("import-try").click();
  await desk.mark("import-failure").waitFor();
  desk.tolerate();
  await desk.mark("import-files").setInputFiles(file(await surveyOf(desk.page)));
  await desk.mark("import-failure").waitFor({ state: "detached" });
  await desk.mark("import-try").click();
  await desk.mark("import-foreseen").waitFor();
  const looks = await desk.mark("import-feature").evaluateAll((rows) => rows.map((row) => row.dataset.look));
  assert.deepEqual(looks, ["changed", "same", "added"]);
  assert.equal(await desk.mark("zones-change-legend").locator("li").count(), 3, "gained, lost and unchanged land are on the map");
  assert.ok(await desk.mark("import-publish").isDisabled(), "nothing is published without a reason");
  await desk.mark("import-reason").fill("五年重划，旗政府第 12 号文");
  await desk.picture("zones-import");
  await desk.mustBeAccessible("a dry run");
  await desk.mark("import-publish").click();
  await desk.mark("import-done").waitFor();
  return version + 1;
}

async function looksBack(desk, version) {
  await desk.page.evaluate((id) => (location.hash = `#/zones/${id}`), ZONE);
  await desk.page.locator(`[data-testid=version-shown][data-version="${version}"]`).waitFor();
  const shown = await desk.mark("version-shown").innerText();
  for (const text of ["现行", "五年重划，旗政府第 12 号文", "admin", "平台得知"]) assert.ok(shown.includes(text), `the version lacks ${text}: ${shown}`);
  await desk.mark("version-slider").focus();
  await desk.page.keyboard.press("ArrowLeft");
  await desk.page.locator(`[data-testid=version-shown][data-version="${version - 1}"]`).waitFor();
  await desk.mark("zones-change-legend").waitFor();
  await desk.mark("version-shown").scrollIntoViewIfNeeded();
  await desk.picture("zone-versions");
  await desk.mustBeAccessible("an older version");
}

/** A corner is dragged and taken back. */
async function movesItsBorder(desk, version) {
  await desk.mark("zone-edit").click();
  await desk.mark("edit-panel").waitFor();
  assert.ok(await desk.mark("import-try").isDisabled(), "an unchanged border is not tried out");
  const before = await desk.mark("edit-state").innerText();
  const [x, y] = await topCorner(desk);
  await desk.page.mouse.move(x, y);
  await desk.page.mouse.down();
  await desk.page.mouse.move(x + 30, y + 40, { steps: 8 });
  await desk.page.mouse.up();
  await desk.until((old) => document.querySelector("[data-testid=edit-state]").innerText !== old, before);
  await desk.mark("edit-undo").click();
  await desk.until((old) => document.querySelector("[data-testid=edit-state]").innerText === old, before);
  assert.ok(await desk.mark("import-try").isDisabled(), "what was taken back is no change");
  await desk.picture("zone-edit");
  await desk.mustBeAccessible("a border in hand");
  await desk.mark("edit-leave").click();
  await desk.page.locator(`[data-testid=version-shown][data-version="${version}"]`).waitFor();
}

/** Where on the screen the northernmost corner of the zone is, once the map shows this zone as large as it can. */
async function topCorner(desk) {
  await desk.mark("zones-tab-list").click();
  await desk.page.locator(`[data-zone-id="${ZONE}"] button`).click();
  await desk.mark("zone-edit").click();
  await desk.page.evaluate(() => window.__map.drawn());
  const box = await desk.mark("map").boundingBox();
  const corners = await desk.page.evaluate(async (id) => {
    const { features } = await (await fetch("/api/v1/zones")).json();
    const [ring] = features.find((feature) => feature.properties.id === id).geometry.coordinates;
    return ring.map(([lon, lat]) => [lon * (Math.PI / 180), Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360))]);
  }, ZONE);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((box.width - 96) / (east - west), (box.height - 96) / (north - south));
  const [x, y] = corners.find((corner) => corner[1] === north);
  return [box.x + box.width / 2 + (x - (west + east) / 2) * scale, box.y + box.height / 2 - (y - (south + north) / 2) * scale];
}

/** Clicks at parts of the map's width and height, the last one twice. */
async function draw(desk, corners) {
  const box = await desk.mark("map").boundingBox();
  for (const [index, [x, y]] of corners.entries()) {
    const [left, top] = [box.x + x * box.width, box.y + y * box.height];
    if (index < corners.length - 1) await desk.page.mouse.click(left, top);
    else await desk.page.mouse.dblclick(left, top);
    // Two clicks within the time of a double click would be one.
    await desk.page.evaluate(() => window.__map.drawn());
  }
}

function cornersAre(desk, count) {
  return desk.page.locator(`[data-testid=edit-state][data-corners="${count}"]`).waitFor();
}

async function drawsAZone(desk) {
  await desk.mark("zone-new").click();
  await desk.mark("map-fit").click();
  await desk.page.evaluate(() => window.__map.drawn());
  await draw(desk, [[0.2, 0.2], [0.4, 0.35], [0.4, 0.2], [0.2, 0.35]]);
  await desk.page.getByText("自相交").waitFor();
  await desk.picture("zone-crossing");
  await desk.mark("edit-undo").click();
  await cornersAre(desk, 0);
  await draw(desk, [[0.22, 0.2], [0.4, 0.2], [0.4, 0.3], [0.22, 0.3]]);
  await cornersAre(desk, 4);
  const box = await desk.mark("map").boundingBox();
  const drawn = await desk.mark("edit-state").innerText();
  await desk.page.mouse.move(box.x + 0.4 * box.width, box.y + 0.3 * box.height);
  await desk.page.mouse.down();
  await desk.page.mouse.move(box.x + 0.45 * box.width, box.y + 0.33 * box.height, { steps: 8 });
  await desk.page.mouse.up();
  await desk.until((old) => document.querySelector("[data-testid=edit-state]").innerText !== old, drawn);
  await desk.mark("edit-undo").click();
  await desk.until((old) => document.querySelector("[data-testid=edit-state]").innerText === old, drawn);
  await desk.mark("new-id").fill(NEW_ZONE);
  await desk.mark("new-name").fill("手绘禁牧区");
  await desk.mark("import-try").click();
  await desk.page.locator('[data-testid=import-feature][data-look="added"]').waitFor();
  assert.match(await desk.mark("import-overlap").innerText(), /26号禁牧区/);
  await desk.mark("import-reason").fill("补划");
  await desk.picture("zone-drawn");
  await desk.mustBeAccessible("a drawn zone");
  await desk.mark("import-publish").click();
  await desk.mark("import-done").waitFor();
}

async function asksAPlace(desk) {
  await desk.mark("zones-tab-at").click();
  const box = await desk.mark("map").boundingBox();
  await desk.mark("map-fit").click();
  await desk.page.evaluate(() => window.__map.drawn());
  await desk.page.mouse.click(box.x + 0.3 * box.width, box.y + 0.25 * box.height);
  await desk.page.locator(`[data-testid=place-zone][data-zone-id="${NEW_ZONE}"]`).waitFor();
  assert.ok((await desk.mark("place-panel").innerText()).includes("执法主体"));
  await desk.picture("zones-at");
  await desk.mustBeAccessible("a place");
  await desk.mark("place-day").fill("2001-05-03");
  await desk.page.locator(`[data-testid=place-zone][data-zone-id="${NEW_ZONE}"]`).waitFor({ state: "detached" });
}

async function readsTheProposals(desk) {
  await desk.mark("zones-tab-proposals").click();
  await desk.mark("proposals-empty").waitFor();
  await desk.picture("zones-proposals");
  await desk.mustBeAccessible("proposals");
}

async function looksInOtherLight(desk) {
  const header = desk.page.locator("header").first();
  await header.getByRole("button", { name: "切换到浅色" }).click();
  await desk.mark("zones-tab-list").click();
  await desk.mark("zones-search").fill("");
  await desk.mark("zones-kind").selectOption("");
  await desk.picture("zones-light");
  await desk.mustBeAccessible("zones in light");
  await desk.page.evaluate((id) => (location.hash = `#/zones/${id}`), ZONE);
  await desk.mark("zones-stretch").first().waitFor();
  await desk.picture("zone-light");
  await desk.mustBeAccessible("a zone in light");
  await header.getByRole("button", { name: "切换到深色" }).click();
  await header.getByRole("button", { name: "English" }).click();
  await desk.page.getByRole("heading", { name: "Zones" }).waitFor();
  await desk.picture("zone-en");
  await header.getByRole("button", { name: "中文" }).click();
}

async function repealsWhatWasDrawn(desk) {
  for (const id of [NEW_ZONE, `${NEW_ZONE}-file`]) {
    await desk.page.evaluate((zone) => (location.hash = `#/zones/${zone}`), id);
    await desk.page.locator(`[data-testid=zone-card][data-zone-id="${id}"]`).waitFor();
    await desk.mark("zone-repeal").click();
    assert.ok(await desk.mark("repeal-submit").isDisabled(), "nothing is repealed without a reason");
    await desk.mark("repeal-reason").fill("试验结束");
    await desk.mark("repeal-submit").click();
    await desk.mark("zone-card").waitFor({ state: "detached" });
  }
  await desk.mark("zones-tab-list").click();
  await desk.until((id) => document.querySelectorAll("[data-testid=zone]").length > 0 && document.querySelector(`[data-zone-id^="${id}"]`) === null, NEW_ZONE);
}
