/**
 * A worker that decodes files, so that the page stays responsive: bytes in, a PNG file out.
 *
 * In: `{configure: {…}}`, or `{id, bytes}`. Out, each with the id: `facts`, `preview`, `progress`, then `picture` or `error`.
 */

import { configure, decode, info, preview } from "../aez.js";
import { encodePng } from "./png.js";

self.addEventListener("message", async ({ data: { id, bytes, configure: settings } }) => {
  if (settings) {
    configure(settings);
    return;
  }
  const say = (message) => self.postMessage({ id, ...message });
  try {
    const start = performance.now();
    const { icc, exif, xmp, ...facts } = info(bytes);
    say({ facts });
    if (facts.hasPreview) await showPreview(bytes, say);
    const picture = await decode(bytes, { onProgress: (done) => say({ progress: done }) });
    const seconds = (performance.now() - start) / 1000;
    say({ picture: await described(picture, icc), seconds });
  } catch (error) {
    say({ error: String(error?.message || error), kind: error?.name ?? "Error" });
  }
});

/** Send the stored preview. If it is damaged, the picture may be whole, and says what is wrong otherwise. */
async function showPreview(bytes, say) {
  try {
    say({ preview: await described(await preview(bytes)) });
  } catch {
    // decode() follows
  }
}

async function described(picture, icc) {
  return { blob: await encodePng({ ...picture, icc }), width: picture.width, height: picture.height };
}
