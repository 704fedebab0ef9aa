// A long table, a part at a time.
import { describe, expect, it } from "vitest";
import { computed, ref } from "vue";
import { growing } from "../src/growing";

describe("a long table", () => {
  it("shows a part, says how much is left, and shows more when asked", () => {
    const all = ref(Array.from({ length: 450 }, (_, index) => index));
    const { rows, hidden, more } = growing(
      computed(() => all.value),
      200,
    );
    expect([rows.value.length, hidden.value]).toEqual([200, 250]);
    more();
    more();
    expect([rows.value.length, hidden.value, rows.value.at(-1)]).toEqual([450, 0, 449]);
    all.value = all.value.slice(0, 3);
    expect([rows.value.length, hidden.value]).toEqual([3, 0]);
  });
});
