"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const RESULTS = DATA.results;
const $ = (id) => document.getElementById(id);
const NARROW = window.matchMedia("(max-width: 640px)");
const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
const number = (value, digits = 4) => (value == null ? "–" : Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 6 }));
const unit = (metric) => DATA.units[metric] || metric;

function fill(select, items) {
  select.replaceChildren(...items.map(([value, text]) => new Option(text, value)));
}

function layout(extra) {
  const small = NARROW.matches;
  return Object.assign({
    margin: { l: 58, r: 12, t: 10, b: 50 }, hovermode: "closest", paper_bgcolor: "#fff", plot_bgcolor: "#fff",
    font: { size: small ? 11 : 13 },
    legend: small ? { orientation: "h", y: -0.18, font: { size: 10 } } : { font: { size: 11 } },
  }, extra);
}

function axis(title, extra) {
  return Object.assign({ title: { text: title }, gridcolor: "#e6e9ee", zeroline: false, automargin: true }, extra);
}

/* Points of a codec: means, or those of one picture. */
function pointsOf(codec, picture) {
  if (!picture) return codec.points;
  const columns = RESULTS.columns;
  const { width, height } = RESULTS.pictures.find((item) => item.name === picture);
  return ((codec.measurements || {})[picture] || []).map((row) => {
    const point = Object.fromEntries(columns.map((name, i) => [name, row[i]]));
    point.bpp = (8 * point.bytes) / (width * height);
    return point;
  });
}

function drawCurves() {
  const metric = $("rd-metric").value, picture = $("rd-picture").value;
  const traces = [];
  for (const codec of RESULTS.codecs) {
    if (codec.rated === false || (codec.published && (picture || !$("rd-published").checked))) continue;
    const points = pointsOf(codec, picture).filter((p) => p[metric] != null).sort((a, b) => a.bpp - b.bpp);
    if (!points.length) continue;
    const style = DATA.styles[codec.name];
    traces.push({
      x: points.map((p) => p.bpp), y: points.map((p) => p[metric]), name: codec.name,
      mode: codec.published ? "lines" : "lines+markers", line: style, marker: { size: 6 },
      text: points.map((p) => (p.setting == null ? codec.source || "" : "setting " + p.setting)),
      hovertemplate: "<b>%{fullData.name}</b><br>%{text}<br>%{x:.4f} bpp<br>" + unit(metric) + " %{y:.4f}<extra></extra>",
    });
  }
  const log = $("rd-log").checked;
  const x = axis("bits per pixel", log ? { type: "log" } : { range: [0, 3] });
  Plotly.react("rd-plot", traces, layout({ xaxis: x, yaxis: axis(unit(metric)) }), CONFIG);
}

/* The anchor of the speed plot: JPEG, or the first codec that was measured. */
function speedAnchor() {
  const names = RESULTS.codecs.filter((c) => !c.published).map((c) => c.name);
  return names.includes("jpeg") ? "jpeg" : names[0];
}

function speedPoint(codec) {
  const timed = codec.points.filter((p) => p.encode_mpps);
  return timed.sort((a, b) => Math.abs(a.bpp - 0.75) - Math.abs(b.bpp - 0.75))[0];
}

function drawSpeed() {
  const way = $("speed-way").value, anchor = speedAnchor();
  const rows = [];
  for (const codec of RESULTS.codecs) {
    if (codec.published || codec.rated === false) continue;
    const point = speedPoint(codec);
    const cell = RESULTS.bd.psnr.find((c) => c.anchor === anchor && c.test === codec.name);
    const percent = codec.name === anchor ? 0 : cell && cell.percent;
    if (point && percent != null) rows.push({ name: codec.name, x: point[way + "_mpps"], y: percent, point });
  }
  /* A codec is on the front if none is both faster and smaller. */
  const front = rows.filter((a) => !rows.some((b) => b !== a && b.x >= a.x && b.y <= a.y && (b.x > a.x || b.y < a.y)));
  front.sort((a, b) => a.x - b.x);
  const traces = [
    { x: front.map((r) => r.x), y: front.map((r) => r.y), mode: "lines", name: "Pareto front", hoverinfo: "skip", line: { color: "#9aa5b4", dash: "dot" } },
    {
      x: rows.map((r) => r.x), y: rows.map((r) => r.y), mode: "markers+text", name: "codecs", text: rows.map((r) => r.name), textposition: "top center",
      marker: { size: 12, color: rows.map((r) => DATA.styles[r.name].color) }, cliponaxis: false,
      customdata: rows.map((r) => [r.point.setting, r.point.bpp]),
      hovertemplate: "<b>%{text}</b><br>setting %{customdata[0]}, %{customdata[1]:.3f} bpp<br>%{x:.3g} MP/s " + way + "<br>BD-rate %{y:.2f} %<extra></extra>",
    },
  ];
  const y = axis("BD-rate against " + anchor + ", % (PSNR)", { autorange: "reversed" });
  Plotly.react("speed-plot", traces, layout({ xaxis: axis("megapixels per second, " + way, { type: "log", dtick: "D2" }), yaxis: y, showlegend: false }), CONFIG);
  const s = RESULTS.settings;
  $("speed-hint").textContent = "Right and up is better. Times are " + (s.repeats ? `medians of ${s.repeats} timed rounds after a warm-up` : "of a single round without warming up") + `, near 0.75 bpp, with ${s.threads} thread${s.threads > 1 ? "s" : ""}` + (s.jobs > 1 ? `, while ${s.jobs} jobs ran at once.` : ".");
}

(function () {
  const measured = RESULTS.codecs.filter((c) => !c.published);
  const metrics = RESULTS.columns.filter((name) => name in DATA.units && measured.some((c) => c.points.some((p) => p[name] != null) || c.rated !== false));
  fill($("rd-metric"), metrics.map((name) => [name, unit(name)]));
  fill($("rd-picture"), [["", "mean of all"], ...RESULTS.pictures.map((p) => [p.name, p.name])]);
  if (!RESULTS.codecs.some((c) => c.published)) $("rd-published-label").hidden = true;
  for (const id of ["rd-metric", "rd-picture", "rd-log", "rd-published"]) $(id).addEventListener("change", drawCurves);
  $("speed-way").addEventListener("change", drawSpeed);
  NARROW.addEventListener("change", () => { drawCurves(); drawSpeed(); });
  drawCurves();
  drawSpeed();
})();
