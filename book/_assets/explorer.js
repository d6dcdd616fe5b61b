// Sliders over numbers that the page already holds. Without this script the page shows them as a table.
"use strict";

(() => {
  const INKS = ["blue", "orange", "green", "purple", "red", "grey"];
  const WIDTH = 380, HEIGHT = 250, LEFT = 44, TOP = 24, BOTTOM = 44;
  const SVG = "http://www.w3.org/2000/svg";

  const make = (name, attributes = {}, text = "") => {
    const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };

  const shown = (value) => Number(value.toPrecision(3)).toString();

  // Three to six round numbers within [low, high]; of a logarithmic axis powers of ten, with halves where there are few.
  const ticks = (low, high, log) => {
    if (log) {
      const steps = high / low > 100 ? [1] : [1, 2, 5];
      const first = Math.floor(Math.log10(low)), powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
      return powers.flatMap((power) => steps.map((m) => m * power)).filter((v) => v >= low && v <= high);
    }
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((m) => m >= rough);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
    return found;
  };

  // Names at the right end, moved apart where they would overlap.
  const spread = (ends, gap = 15) => {
    ends.sort((a, b) => a.y - b.y);
    for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + gap);
    const over = ends.length ? Math.max(0, ends[ends.length - 1].y - (HEIGHT - BOTTOM)) : 0;
    ends.forEach((end) => { end.y -= over; });
    return ends;
  };

  const start = (box) => {
    const data = JSON.parse(box.querySelector("script").textContent);
    const panel = box.querySelector(".explorer-panel");
    const sliders = data.axes.slice(0, data.sliders);
    const lines = data.lines ? data.axes[data.sliders] : null;
    const x = data.axes[data.axes.length - 1];
    const chosen = sliders.map((axis) => Math.floor((axis.levels.length - 1) / 2));
    if (data.log) {  // an interval may reach 0, where a logarithm has no place for it
      const least = Math.min(...data.points.map((p) => p[p.length - 3]).filter((v) => v > 0)) / 2;
      for (const p of data.points) for (const i of [p.length - 3, p.length - 2]) p[i] = Math.max(p[i], least);
    }
    const low = Math.min(...data.points.map((p) => p[p.length - 2]));
    const high = Math.max(...data.points.map((p) => p[p.length - 1]));
    const scale = data.log ? Math.log : (v) => v, back = data.log ? Math.exp : (v) => v;
    const pad = 0.04 * (scale(high) - scale(low) || 1), bottom = scale(low) - pad, top = scale(high) + pad;
    const LAST = WIDTH - (lines ? 96 : 22), FIRST = LEFT + (lines ? 8 : 22);
    const across = (i) => FIRST + (LAST - FIRST) * (x.levels.length > 1 ? i / (x.levels.length - 1) : 0.5);
    const up = (v) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (scale(v) - bottom) / (top - bottom);

    const controls = make("div", { class: "explorer-controls" });
    const outputs = sliders.map((axis, i) => {
      const label = make("label");
      const output = make("output");
      const input = make("input", { type: "range", min: 0, max: axis.levels.length - 1, step: 1, value: chosen[i] });
      input.setAttribute("aria-label", axis.name);
      input.addEventListener("input", () => { chosen[i] = Number(input.value); draw(); });
      label.append(make("span", {}, axis.name), input, output);
      controls.append(label);
      return { input, output };
    });
    const picture = make("svg:svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    const words = make("p", { class: "explorer-words", "aria-live": "polite" });
    panel.append(controls, picture, words);

    const frame = (group) => {
      for (const tick of ticks(back(bottom), back(top), data.log)) {
        group.append(make("svg:path", { class: "grid", d: `M${LEFT} ${up(tick)}H${lines ? LAST : WIDTH}` }));
        group.append(make("svg:text", { x: LEFT - 6, y: up(tick) + 4, "text-anchor": "end" }, shown(tick)));
      }
      const every = Math.ceil(x.levels.length / 7);
      x.levels.forEach((level, i) => {
        if (i % every === 0) group.append(make("svg:text", { x: across(i), y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, level));
      });
      group.append(make("svg:text", { class: "name", x: (FIRST + LAST) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x.name));
      group.append(make("svg:text", { class: "name", x: 2, y: 10 }, data.value));
    };

    const line = (group, points, ink) => {
      const dots = points.map((p) => [across(p[p.length - 4]), up(p[p.length - 3])]);
      if (!data.dots) group.append(make("svg:path", { class: `line ${ink}`, d: dots.map((d, i) => `${i ? "L" : "M"}${d[0]} ${d[1]}`).join("") }));
      points.forEach((p, i) => {
        group.append(make("svg:path", { class: `whisker ${ink}`, d: `M${dots[i][0]} ${up(p[p.length - 2])}V${up(p[p.length - 1])}` }));
        group.append(make("svg:circle", { class: ink, cx: dots[i][0], cy: dots[i][1], r: 3.4 }));
      });
      return dots[dots.length - 1];
    };

    const draw = () => {
      picture.replaceChildren();
      frame(picture);
      outputs.forEach(({ input, output }, i) => {
        output.textContent = sliders[i].levels[chosen[i]];
        input.setAttribute("aria-valuetext", sliders[i].levels[chosen[i]]);
      });
      const here = data.points.filter((p) => chosen.every((value, i) => p[i] === value));
      const names = lines ? lines.levels : [""];
      const ends = [], told = [];
      names.forEach((name, i) => {
        const points = lines ? here.filter((p) => p[data.sliders] === i) : here;
        if (!points.length) return;
        const ink = INKS[i % INKS.length];
        const end = line(picture, points, ink);
        if (name) ends.push({ y: end[1], name, ink });
        const say = data.dots ? points : points.slice(-1);
        const values = say.map((p) => `${shown(p[p.length - 3])} at ${x.name} ${x.levels[p[p.length - 4]]}`);
        told.push(`${name ? name + " " : ""}${values.join(", ")}`);
      });
      for (const end of spread(ends)) {
        picture.append(make("svg:text", { class: `end ${end.ink}`, x: LAST + 8, y: end.y + 4 }, end.name));
      }
      const setting = sliders.map((axis, i) => `${axis.name} ${axis.levels[chosen[i]]}`).join(", ");
      words.textContent = told.length ? `${setting}: ${data.value} ${told.join(", ")}.` : `${setting}: nothing was measured here.`;
      picture.setAttribute("aria-label", words.textContent);
    };

    draw();
    panel.hidden = false;
    box.querySelector("details").open = false;
  };

  const all = () => document.querySelectorAll(".explorer").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all); else all();
})();
