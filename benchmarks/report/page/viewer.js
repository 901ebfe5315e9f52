"use strict";
(function () {
  const entries = DATA.viewer;
  if (!entries.length) {
    $("viewer-body").hidden = true;
    $("v-none").hidden = false;
    return;
  }
  const stage = $("v-stage"), inner = $("v-inner"), slider = $("v-slider");
  let split = 50, zoom = 0, x = 0, y = 0;
  const entry = () => entries[Number($("v-picture").value)];
  const shots = () => entry().shots.filter((shot) => String(shot.target) === $("v-target").value);

  /* How many screen pixels a picture's pixel takes, and the stage's size. */
  function geometry() {
    const { width, height } = entry();
    const most = stage.parentElement.clientWidth;
    const fit = Math.min(1.5, most / width, (0.8 * window.innerHeight) / height);
    const scale = zoom || fit;
    return { width, height, scale, wide: Math.min(most, Math.max(width * fit, 1)), tall: height * fit };
  }

  function place() {
    const g = geometry();
    stage.style.width = g.wide + "px";
    stage.style.height = g.tall + "px";
    stage.classList.toggle("zoomed", g.scale * g.width > g.wide + 1);
    x = Math.min(0, Math.max(g.wide - g.scale * g.width, x));
    y = Math.min(0, Math.max(g.tall - g.scale * g.height, y));
    const left = g.scale * g.width < g.wide ? (g.wide - g.scale * g.width) / 2 : x;
    inner.style.width = g.scale * g.width + "px";
    inner.style.height = g.scale * g.height + "px";
    inner.style.transform = `translate(${left}px, ${y}px)`;
    const cut = (split / 100) * g.wide - left;
    $("v-img-left").style.clipPath = `inset(0 calc(100% - ${Math.max(0, cut)}px) 0 0)`;
    $("v-line").style.left = split + "%";
    stage.setAttribute("aria-valuenow", Math.round(split));
    slider.value = split;
  }

  function moveTo(percent) {
    split = Math.max(0, Math.min(100, percent));
    place();
  }

  function describe(side) {
    const value = $("v-" + side).value, image = $("v-img-" + side), info = $("v-info-" + side);
    const shot = value === "original" ? null : shots().find((item) => item.codec === value);
    image.src = shot ? shot.src : entry().original;
    image.alt = `${entry().name}, ${value}`;
    $("v-tag-" + side).textContent = value;
    const dl = document.createElement("dl");
    const rows = shot
      ? [["setting", shot.setting], ["bytes", shot.bytes.toLocaleString("en")], ["bpp", number(shot.bpp)], ...Object.entries(shot.metrics).map(([name, v]) => [unit(name), number(v, 5)])]
      : [["", "as it was" + (entry().cropped ? ", its middle" : "")]];
    for (const [name, text] of rows) dl.append(element("dt", name), element("dd", text));
    info.replaceChildren(element("strong", value), dl);
  }

  function chooseCodecs() {
    const names = shots().map((shot) => shot.codec);
    for (const [side, wish] of [["left", "jpeg"], ["right", "aez"]]) {
      const select = $("v-" + side), before = select.value;
      fill(select, [["original", "original"], ...names.map((name) => [name, name])]);
      const wanted = [before, wish, names[side === "left" ? 0 : names.length - 1]].find((name) => name && (name === "original" || names.includes(name)));
      select.value = wanted || "original";
      describe(side);
    }
    place();
  }

  function choosePicture() {
    const before = $("v-target").value;
    const targets = [...new Set(entry().shots.map((shot) => String(shot.target)))];
    fill($("v-target"), targets.map((target) => [target, target + " bpp"]));
    if (targets.includes(before)) $("v-target").value = before;
    x = y = 0;
    chooseCodecs();
  }

  function setZoom(value) {
    const g = geometry(), before = g.scale;
    zoom = value;
    $("v-zoom").value = String(value);
    const after = geometry().scale;
    x = g.wide / 2 - ((g.wide / 2 - x) * after) / before;
    y = g.tall / 2 - ((g.tall / 2 - y) * after) / before;
    place();
  }

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    const box = stage.getBoundingClientRect();
    const distance = Math.abs(event.clientX - box.left - (split / 100) * box.width);
    /* On a zoomed picture only the line's neighbourhood moves the line. */
    drag = stage.classList.contains("zoomed") && distance > 28 ? { x: event.clientX - x, y: event.clientY - y } : "line";
    stage.setPointerCapture(event.pointerId);
    if (drag === "line") moveTo((100 * (event.clientX - box.left)) / box.width);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const box = stage.getBoundingClientRect();
    if (drag === "line") return moveTo((100 * (event.clientX - box.left)) / box.width);
    x = event.clientX - drag.x;
    y = event.clientY - drag.y;
    place();
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => { drag = null; });
  stage.addEventListener("keydown", (event) => {
    const zooms = [...$("v-zoom").options].map((option) => Number(option.value));
    const step = event.shiftKey ? 10 : 2;
    const at = zooms.indexOf(zoom);
    const actions = {
      ArrowLeft: () => moveTo(split - step), ArrowRight: () => moveTo(split + step),
      Home: () => moveTo(0), End: () => moveTo(100),
      "+": () => setZoom(zooms[Math.min(zooms.length - 1, at + 1)]), "=": () => setZoom(zooms[Math.min(zooms.length - 1, at + 1)]),
      "-": () => setZoom(zooms[Math.max(0, at - 1)]),
    };
    if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
  });
  slider.addEventListener("input", () => moveTo(Number(slider.value)));
  $("v-picture").addEventListener("change", choosePicture);
  $("v-target").addEventListener("change", chooseCodecs);
  for (const side of ["left", "right"]) $("v-" + side).addEventListener("change", () => { describe(side); place(); });
  $("v-zoom").addEventListener("change", () => setZoom(Number($("v-zoom").value)));
  window.addEventListener("resize", place);
  fill($("v-picture"), entries.map((item, i) => [i, item.name]));
  choosePicture();
})();
