// Asking again and again, for as long as the component that asks is shown.
import { onScopeDispose } from "vue";

/** Calls `ask` every so many milliseconds, the first time after that many. To be called in a component's setup. */
export function every(milliseconds: number, ask: () => void): void {
  const asking = setInterval(ask, milliseconds);
  onScopeDispose(() => {
    clearInterval(asking);
  });
}
