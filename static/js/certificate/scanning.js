// Reads QR codes in the page itself: a file on a disk can start no worker. The engine lies in the page, packed.

import { fromBase64 } from "../field/bytes.js";
import { prepareZXingModule, readBarcodes } from "../../vendor/zxing-wasm/reader/index.js";

const OPTIONS = { formats: ["QRCode"], maxNumberOfSymbols: 2, tryHarder: true };
const WIDEST = 2400; // of a picture: larger ones only take longer
let loading = null;

/**
 * The engine, unpacked once.
 * @returns {Promise<{read: (source: HTMLVideoElement|ImageBitmap) => Promise<{text: string, format: string}[]>}>}
 */
export function loadEngine() {
  loading ??= prepare().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** The texts of all QR codes in a picture that somebody chose. */
export async function readPicture(file) {
  const [engine, picture] = await Promise.all([loadEngine(), createImageBitmap(file)]);
  return (await engine.read(picture)).map(({ text }) => text);
}

async function prepare() {
  const packed = fromBase64(document.getElementById("engine").textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const wasmBinary = await new Response(stream).arrayBuffer();
  await prepareZXingModule({ overrides: { wasmBinary, locateFile: (name) => name }, fireImmediately: true });
  return { read };
}

async function read(source) {
  const pixels = pixelsOf(source);
  if (!pixels) return [];
  const found = await readBarcodes(pixels, OPTIONS);
  return found.filter(({ isValid }) => isValid).map(({ text, format }) => ({ text, format }));
}

const canvas = document.createElement("canvas");

function pixelsOf(source) {
  const [wide, high] = [source.videoWidth ?? source.width, source.videoHeight ?? source.height];
  if (!wide || !high || document.hidden) return null;
  const scale = Math.min(1, WIDEST / Math.max(wide, high));
  const [width, height] = [Math.round(wide * scale), Math.round(high * scale)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}
