// Sounds that can't be taken for each other, and vibrations, for eyes that are on the tube: good is one high note,
// again two middle ones, wrong a long low buzz, waiting (kept, not yet sent) one soft middle note.

const TUNES = {
  good: [{ hertz: 988, at: 0, ms: 110 }],
  again: [{ hertz: 494, at: 0, ms: 90 }, { hertz: 494, at: 150, ms: 90 }],
  waiting: [{ hertz: 659, at: 0, ms: 160 }],
  wrong: [{ hertz: 165, at: 0, ms: 260, shape: "square" }, { hertz: 123, at: 280, ms: 380, shape: "square" }],
};
const VIBRATIONS = { good: [50], again: [40, 60, 40], wrong: [300, 120, 300], waiting: [30] };

let context = null;

/** Sound and vibration of a verdict: good, again, wrong or waiting; anything else is silent. */
export function signal(verdict) {
  // Before the first key or touch a browser allows neither, and complains.
  if (!TUNES[verdict] || navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate?.(VIBRATIONS[verdict]);
  context ??= window.AudioContext ? new AudioContext() : null;
  if (!context) return;
  if (context.state === "suspended") context.resume();
  for (const note of TUNES[verdict]) play(note);
}

function play({ hertz, at, ms, shape = "sine" }) {
  const start = context.currentTime + at / 1000;
  const stop = start + ms / 1000;
  const tone = new OscillatorNode(context, { type: shape, frequency: hertz });
  const loudness = new GainNode(context, { gain: 0 });
  // Short ramps: a tone that begins at full loudness clicks.
  loudness.gain.setValueAtTime(0, start);
  loudness.gain.linearRampToValueAtTime(0.25, start + 0.01);
  loudness.gain.setValueAtTime(0.25, stop - 0.02);
  loudness.gain.linearRampToValueAtTime(0, stop);
  tone.connect(loudness).connect(context.destination);
  tone.start(start);
  tone.stop(stop);
}
