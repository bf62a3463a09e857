// Reads codes in the camera's pictures, away from the page: a worker, so that no picture delays a tap.
//
// The page sends {id, wasm} once and is answered {id, takes}: "bitmap" or, where a worker cannot draw, "pixels". Then
// it sends {id, picture} again and again and is answered {id, codes: [{text, format}]}. What fails is {id, failed}.

import { prepareZXingModule, readBarcodes } from "/static/vendor/zxing-wasm/reader/index.js";

// what this product prints: a QR code and a Code 128 on each tube, a QR code on each slip
const OPTIONS = { formats: ["QRCode", "Code128"], maxNumberOfSymbols: 2, tryHarder: true };
const draws = typeof OffscreenCanvas === "function";
let canvas = null;

/** The engine comes from the page: Firefox refuses a worker's own fetch offline, and the library's default is a CDN. */
async function prepare(wasm) {
  await prepareZXingModule({ overrides: { wasmBinary: wasm, locateFile: (name) => name }, fireImmediately: true });
  return { takes: draws ? "bitmap" : "pixels" };
}

async function read(picture) {
  const found = await readBarcodes(picture instanceof ImageData ? picture : pixelsOf(picture), OPTIONS);
  return { codes: found.filter(({ isValid }) => isValid).map(({ text, format }) => ({ text, format })) };
}

function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  if (canvas?.width !== width || canvas?.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

self.addEventListener("message", async ({ data: { id, wasm, picture } }) => {
  try {
    self.postMessage({ id, ...(wasm ? await prepare(wasm) : await read(picture)) });
  } catch (error) {
    self.postMessage({ id, failed: String(error) });
  }
});
