// The clock of playback. In: play, pause, seek, a speed. Out: the instant that is shown, moved while it plays.
import { onScopeDispose, ref, type Ref } from "vue";
import type { Period } from "./types";

/** Ten pictures a second: marks move smoothly and two hundred of them stay cheap. */
const TICK_MS = 100;

export interface Player {
  at_ms: Ref<number>;
  playing: Ref<boolean>;
  speed: Ref<number>;
  seek: (at_ms: number) => void;
  toggle: () => void;
  pause: () => void;
}

export function usePlayer(period: Ref<Period | null>): Player {
  const at_ms = ref(0);
  const playing = ref(false);
  const speed = ref(1);
  let last_ms = 0;

  const pause = (): void => {
    playing.value = false;
  };
  function seek(to_ms: number): void {
    const span = period.value;
    if (span !== null) at_ms.value = Math.min(span.to_ms, Math.max(span.from_ms, Math.round(to_ms)));
  }
  /** At the end it begins again. */
  function toggle(): void {
    const span = period.value;
    if (span === null) return;
    if (!playing.value && at_ms.value >= span.to_ms) seek(span.from_ms);
    last_ms = performance.now();
    playing.value = !playing.value;
  }
  const ticking = setInterval(() => {
    if (!playing.value || period.value === null) return;
    const now_ms = performance.now();
    seek(at_ms.value + (now_ms - last_ms) * speed.value);
    last_ms = now_ms;
    if (at_ms.value >= period.value.to_ms) pause();
  }, TICK_MS);
  onScopeDispose(() => {
    clearInterval(ticking);
  });
  return { at_ms, playing, speed, seek, toggle, pause };
}
