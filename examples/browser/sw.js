/**
 * Keep the page for use without a network, and give it the headers that let WebAssembly use threads.
 *
 * The page's own files come from the network if there is one, so that a new release is seen at once. The runtime is large: it
 * is kept when the first picture is decoded, and then comes from the cache. Weights are kept by the decoder.
 */

const VERSION = "aez-page-1.30.0"; // the version of ONNX Runtime
/** What the page begins with; the modules that these name are found when the service worker is installed. */
const BEGIN = ["./", "index.html", "page.css", "icon.svg", "aez.webmanifest", "page.js", "display/worker.js"];
const MODULE = /\b(?:from|import|new URL)\s*\(?\s*"(\.[^"]+\.js)"/g;
const OF_PAGE = /(^|\/|^sample\..*|\.(html|css|svg|webmanifest|m?js|wasm|json))$/; // not the pictures that are opened
const LARGE = /\.wasm$/;

addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      await keepPage(await caches.open(VERSION));
      await skipWaiting();
    })(),
  );
});

/** Keep the page's files, and all modules that they import. */
async function keepPage(cache) {
  const begin = BEGIN.map((path) => new URL(path, registration.scope).href);
  const found = new Set(begin);
  for (const url of found) {
    const answer = await fetch(url, { cache: "no-cache" });
    if (!answer.ok && begin.includes(url)) throw new Error(`${url}: ${answer.status}`);
    if (!answer.ok) continue; // a module that only a comment names
    await cache.put(url, answer.clone());
    if (!url.endsWith(".js")) continue;
    for (const [, module] of (await answer.text()).matchAll(MODULE)) found.add(new URL(module, url).href);
  }
}

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

function isOfPage(url) {
  return OF_PAGE.test(url.href.slice(registration.scope.length).split(/[?#]/)[0]);
}

function isolated(found) {
  if (found.type === "opaque" || found.type === "error" || found.status === 0) return found;
  const headers = new Headers(found.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(found.body, { status: found.status, statusText: found.statusText, headers });
}
