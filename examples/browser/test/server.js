import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/**
 * Serve the folder `examples/browser` on this machine.
 *
 * @param {{isolated?: boolean, onReport?: (report: any) => void}} [options] `isolated`: pages may use threads;
 *   `onReport` gets what a page sends to /report
 * @returns {Promise<{url: string, close: () => void}>}
 */
export async function serve({ isolated = false, onReport = () => {} } = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/report") {
      const parts = [];
      for await (const part of request) parts.push(part);
      response.end();
      onReport(JSON.parse(Buffer.concat(parts).toString()));
      return;
    }
    const headers = { "content-type": TYPES[extname(pathname)] ?? "application/octet-stream", ...(isolated && ISOLATION) };
    try {
      const body = pathname === "/blank" ? "" : await readFile(join(ROOT, normalize(pathname)));
      response.writeHead(200, pathname === "/blank" ? { ...headers, "content-type": "text/html" } : headers).end(body);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
