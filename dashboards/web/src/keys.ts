// Keys of the watch desk. In: key presses on the page. Out: the action's name. Keys typed into a field are text, keys
// with Ctrl, Alt or Meta are the browser's.
import { onBeforeUnmount, onMounted } from "vue";

export type DeskAction = "next" | "previous" | "acknowledge" | "dispatch" | "open" | "resolve" | "false_positive" | "close";

const ACTIONS: Record<string, DeskAction> = {
  j: "next",
  arrowdown: "next",
  k: "previous",
  arrowup: "previous",
  a: "acknowledge",
  d: "dispatch",
  enter: "open",
  r: "resolve",
  f: "false_positive",
  escape: "close",
};

/** Pure part: what a key means, given where the focus is. */
export function actionOf(key: string, modified: boolean, focus: { tag: string; inMap: boolean }): DeskAction | null {
  if (modified) return null;
  const action = ACTIONS[key.toLowerCase()] ?? null;
  if (action === "close") return action;
  if (["INPUT", "TEXTAREA", "SELECT"].includes(focus.tag)) return null;
  if (action === "open" && ["BUTTON", "A"].includes(focus.tag)) return null;
  if (focus.inMap && key.startsWith("Arrow")) return null;
  return action;
}

export function useDeskKeys(perform: (action: DeskAction) => void): void {
  function onKey(event: KeyboardEvent): void {
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    const focus = { tag: target.tagName, inMap: target.closest("[data-testid=map]") !== null };
    const action = actionOf(event.key, event.ctrlKey || event.altKey || event.metaKey, focus);
    if (action === null) return;
    event.preventDefault();
    perform(action);
  }
  onMounted(() => {
    window.addEventListener("keydown", onKey);
  });
  onBeforeUnmount(() => {
    window.removeEventListener("keydown", onKey);
  });
}
