/**
 * Keep the page for use without a network, and give it the headers that let WebAssembly use threads.
 *
 * The page's own files come from the network if there is one, so that a new release is seen at once. The runtime is large: it
 * is kept when the first picture is decoded, and then comes from the cache. Weights are kept by the decoder.
 */

const VERSION = "aez-page-1.30.0"; // the version of ONNX Runtime
const PAGE = [
  "./",
  "index.html",
  "page.css",
  "page.js",
  "icon.svg",
  "aez.webmanifest",
  "aez.js",
  "display/decoder.js",
  "display/png.js",
  "display/worker.js",
  "lib/alpha.js",
  "lib/container.js",
  "lib/cost.js",
  "lib/crc32.js",
  "lib/decoder.js",
  "lib/errors.js",
  "lib/escapes.js",
  "lib/exact.js",
  "lib/filter.js",
  "lib/header.js",
  "lib/hyper.js",
  "lib/layer.js",
  "lib/limits.js",
  "lib/model.js",
  "lib/networks.js",
  "lib/onnx.js",
  "lib/pixel-tiles.js",
  "lib/pixels.js",
  "lib/protobuf.js",
  "lib/range-coder.js",
  "lib/remote.js",
  "lib/safetensors.js",
  "lib/service.js",
  "lib/sha256.js",
  "lib/surface.js",
  "lib/symbols.js",
  "lib/tables.js",
  "lib/tile.js",
  "lib/varint.js",
  "lib/view.js",
  "lib/vp8l-codes.js",
  "lib/vp8l-transforms.js",
  "lib/vp8l.js",
  "lib/weights.js",
  "lib/windows.js",
  "lib/worker.js",
  "page/facts.js",
  "page/kinds.js",
  "page/sources.js",
  "page/stage.js",
  "page/theme.js",
];
const LARGE = /\.wasm$/;

addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(VERSION);
      await cache.addAll(PAGE.map((path) => new Request(path, { cache: "no-cache" })));
      await skipWaiting();
    })(),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("aez-page-") && name !== VERSION);
      await Promise.all(old.map((name) => caches.delete(name)));
      await clients.claim();
    })(),
  );
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !request.url.startsWith(registration.scope)) return;
  event.respondWith(answer(request, url));
});

async function answer(request, url) {
  const cache = await caches.open(VERSION);
  const place = url.origin + url.pathname; // ?src= is the page's own matter
  const kept = await cache.match(place);
  if (kept && LARGE.test(url.pathname)) return isolated(kept);
  try {
    const found = await fetch(request);
    if (found.ok && found.status === 200 && isOfPage(url)) await cache.put(place, found.clone());
    return isolated(found);
  } catch (error) {
    if (kept) return isolated(kept);
    throw error;
  }
}

/** Pictures that are opened are not kept, only what the page consists of, and its sample. */
function isOfPage(url) {
  const path = url.href.slice(registration.scope.length).split(/[?#]/)[0];
  return PAGE.includes(path || "./") || /^sample\.|\.(m?js|wasm|json)$/.test(path);
}

function isolated(found) {
  if (found.type === "opaque" || found.type === "error" || found.status === 0) return found;
  const headers = new Headers(found.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(found.body, { status: found.status, statusText: found.statusText, headers });
}
