"use strict";
function element(tag, text, attributes) {
  const node = document.createElement(tag);
  if (text != null) node.textContent = text;
  return Object.assign(node, attributes);
}

function buildTable(table, header, rows) {
  const head = element("thead"), body = element("tbody");
  const line = element("tr");
  line.append(...header.map((text) => element("th", text, { scope: "col" })));
  head.append(line);
  for (const { cells, ours } of rows) {
    const row = element("tr", null, { className: ours ? "ours" : "" });
    row.append(...cells.map((cell, i) => (cell instanceof Node ? cell : element(i ? "td" : "th", cell, i ? {} : { scope: "row" }))));
    body.append(row);
  }
  table.replaceChildren(head, body);
}

function drawMatrix() {
  const metric = $("bd-metric").value, kind = $("bd-kind").value;
  const cells = new Map(RESULTS.bd[metric].map((c) => [c.test + "\n" + c.anchor, c]));
  const known = new Set(RESULTS.bd[metric].map((c) => c.test));
  const names = RESULTS.codecs.map((c) => c.name).filter((name) => known.has(name));
  const colour = (value) => {
    const share = Math.max(-1, Math.min(1, (kind === "percent" ? -value / 60 : value / 3)));
    return share >= 0 ? `rgba(33,150,83,${0.55 * share})` : `rgba(214,69,65,${-0.5 * share})`;
  };
  buildTable($("bd-table"), ["row against column", ...names], names.map((test) => ({
    ours: test.startsWith("aez"),
    cells: [test, ...names.map((anchor) => {
      const cell = cells.get(test + "\n" + anchor), td = element("td");
      if (!cell) return td;
      const value = cell[kind];
      if (value == null) {
        td.textContent = "–";
        td.title = `${test} against ${anchor}: ` + (kind === "percent" ? cell.refused : "less than a doubling of the rate in common");
        return td;
      }
      const range = kind === "percent" ? `${cell.low.toFixed(1)}–${cell.high.toFixed(1)}${DATA.intervals[metric].unit}` : `${cell.low_bpp.toFixed(2)}–${cell.high_bpp.toFixed(2)} bpp`;
      td.append((value > 0 ? "+" : "") + value.toFixed(kind === "percent" ? 1 : 2).replace("-", "−"), element("small", range));
      td.style.background = colour(value);
      td.title = `${test} against ${anchor}, ${range}`;
      return td;
    })],
  })));
}

function drawSpeedTable() {
  const rows = [];
  for (const codec of RESULTS.codecs) {
    const point = codec.published ? null : speedPoint(codec);
    if (!point) continue;
    rows.push({ ours: codec.name.startsWith("aez"), cells: [
      codec.name + (codec.rated === false ? " (random weights)" : ""), point.setting, number(point.bpp), number(point.encode_ms), number(point.decode_ms),
      number(point.encode_mpps, 3), number(point.decode_mpps, 3), number(point.encode_mb, 3), number(point.decode_mb, 3),
    ] });
  }
  buildTable($("speed-table"), ["codec", "setting", "bpp", "encode ms", "decode ms", "encode MP/s", "decode MP/s", "encode MB", "decode MB"], rows);
}

function drawPictures() {
  const picture = $("t-picture").value, wanted = $("t-codec").value, columns = RESULTS.columns;
  const rows = [];
  for (const codec of RESULTS.codecs) {
    if (codec.published || (wanted && codec.name !== wanted)) continue;
    for (const point of pointsOf(codec, picture)) {
      rows.push({ ours: codec.name.startsWith("aez"), cells: [codec.name, point.setting, number(point.bpp), ...columns.slice(1).map((name) => (name === "bytes" ? String(point.bytes) : number(point[name], 5)))] });
    }
  }
  buildTable($("t-table"), ["codec", "setting", "bpp", ...columns.slice(1).map((name) => name.replaceAll("_", " "))], rows);
}

function writeAbout() {
  const list = (items) => { const ul = element("ul"); ul.append(...items.map((text) => element("li", text))); return ul; };
  const section = (title, items) => (items.length ? [element("h3", title), list(items)] : []);
  const s = RESULTS.settings, m = RESULTS.machine;
  $("about-body").append(
    ...section("Setting", [
      `${m.processor}; ${m.system}, Python ${m.python}, torch ${m.torch}` + (m.gpu ? `, ${m.gpu}` : ""),
      `${s.threads} thread${s.threads > 1 ? "s" : ""} a job, processes pinned to as many CPUs where the system allows it; ${s.jobs} job${s.jobs > 1 ? "s at once" : ""}; ` + (s.repeats ? `medians of ${s.repeats} timed rounds after one that warms up and measures memory` : "times are of a single round without warming up"),
      "Bits a pixel are those of whole files; every mean is over the values of the pictures. PSNR is over RGB, PSNR Y over BT.601 luma; MS-SSIM in dB is −10·log₁₀(1 − MS-SSIM).",
      "BD-rates: pchip of log rate over PSNR from 28 to 40 dB, SSIMULACRA 2 from 30 to 85, ColorVideoVDP from 8 to 9.9 JOD, other metrics over all of it, or what both curves cover of that; refused if that is too little.",
      "Memory is the largest that a call takes beyond what the process held before it.",
    ]),
    ...section("Codecs", RESULTS.codecs.filter((c) => !c.published).map((c) => `${c.name}: ${c.version}` + (c.note ? ` — ${c.note}` : ""))),
    ...section("Published curves", RESULTS.codecs.filter((c) => c.published).map((c) => `${c.name}: ${c.source}` + (c.note ? ` (${c.note})` : ""))),
    ...section("Left out", Object.entries(RESULTS.skipped).map(([name, why]) => `${name}: ${why}`)),
    ...section("Failures", RESULTS.failures.map((f) => [f.codec, f.setting, f.picture].filter(Boolean).join(", ") + ": " + f.error)),
    ...section("Larger and no better", RESULTS.codecs.flatMap((c) => (c.not_monotone || []).map((text) => `${c.name}, ${text}`))),
  );
}

(function () {
  const measured = RESULTS.codecs.filter((c) => !c.published);
  const n = RESULTS.pictures.length;
  $("summary").textContent = `${n} picture${n > 1 ? "s" : ""}, ${measured.length} codec${measured.length > 1 ? "s" : ""} measured, ${RESULTS.codecs.length - measured.length} published curves; ${RESULTS.machine.date}`;
  fill($("bd-metric"), Object.keys(RESULTS.bd).filter((name) => RESULTS.bd[name].length).map((name) => [name, unit(name)]));
  fill($("t-picture"), RESULTS.pictures.map((p) => [p.name, p.name]));
  fill($("t-codec"), [["", "all"], ...measured.map((c) => [c.name, c.name])]);
  for (const id of ["bd-metric", "bd-kind"]) $(id).addEventListener("change", drawMatrix);
  for (const id of ["t-picture", "t-codec"]) $(id).addEventListener("change", drawPictures);
  if ($("bd-metric").value) drawMatrix();
  drawSpeedTable();
  drawPictures();
  writeAbout();
})();
