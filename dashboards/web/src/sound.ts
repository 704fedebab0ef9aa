// The alert sound. In: "an urgent alert came". Out: two short tones, at most once in 15 s, only while a shift is on.
// WebAudio needs a click before it may sound: that click is "start shift".
import { ref } from "vue";

export const SOUND_GAP_MS = 15_000;
const TONE_SECONDS = 0.18;
const TONES_HZ = [880, 660];
const LOUDNESS = 0.25;

/** Whether a sound may start now; pure, so that the limit has a test. */
export function maySound(last_ms: number | null, now_ms: number): boolean {
  return last_ms === null || now_ms - last_ms >= SOUND_GAP_MS;
}

export const shiftOn = ref(false);
/** How often it sounded in this shift: shown to tests, useful in a complaint. */
export const soundsPlayed = ref(0);

let context: AudioContext | null = null;
let last_ms: number | null = null;

export function toggleShift(): void {
  shiftOn.value = !shiftOn.value;
  if (!shiftOn.value) return;
  soundsPlayed.value = 0;
  context ??= new AudioContext();
  // A refused resume only means silence now; the next toggle tries again.
  context.resume().catch(() => undefined);
}

export function soundUrgent(now_ms: number): void {
  if (!shiftOn.value || context === null || !maySound(last_ms, now_ms)) return;
  last_ms = now_ms;
  soundsPlayed.value += 1;
  for (const [index, hertz] of TONES_HZ.entries()) tone(context, hertz, context.currentTime + index * (TONE_SECONDS + 0.05));
}

function tone(audio: AudioContext, hertz: number, at_s: number): void {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at_s);
  gain.gain.linearRampToValueAtTime(LOUDNESS, at_s + 0.02);
  gain.gain.linearRampToValueAtTime(0, at_s + TONE_SECONDS);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at_s);
  oscillator.stop(at_s + TONE_SECONDS);
}
