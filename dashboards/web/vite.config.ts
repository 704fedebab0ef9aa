// Build settings of the console. In: this folder. Out: dist/, which the `dashboards` crate serves under a strict
// content security policy: no inline script (hence no module-preload polyfill), no data: assets.
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running platform. */
const PLATFORM = process.env["PLATFORM"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false" },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: true },
  server: { proxy: { "/api": { target: PLATFORM, ws: true } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
