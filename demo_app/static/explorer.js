// The Explorer: a plane of products on a canvas, and the replay of a search that the server retold.
"use strict";

const lab = document.getElementById("lab");
const canvas = document.getElementById("plane");
const pen = canvas.getContext("2d");
const ask = document.getElementById("ask");
const slider = document.getElementById("at");
const said = document.getElementById("said");
const peek = document.getElementById("peek");
const CELLS = -2;      // the layer of a step that reads one cell of an inverted file
const COLOURS = { seen: "#5aa9e6", hop: "#f4b860", best: "#5fd38d", out: "#e5646e" };
const INKS = { Black: "#5c5f66", White: "#f4f3ef", Grey: "#8e9298", "Navy Blue": "#3f5bb0", Blue: "#3470c4", Teal: "#168080", Green: "#3e8a4a", Olive: "#84863e", Yellow: "#f0c43a", Orange: "#e87e2c", Red: "#d83a40", Maroon: "#a03a58", Pink: "#ec8aa8", Purple: "#8a58b8", Brown: "#9a6a48", Beige: "#d6c09c" };

let points = [];        // [id, x, y, name, category, colour, gender]
let where = new Map();  // id to index in points
let allowed = null;     // ids the filter lets through, null: all
let replay = null;      // the trace
let timer = 0;

async function json(path, query) {
  const reply = await fetch(path + "?" + query, { credentials: "same-origin" });
  const data = await reply.json().catch(() => null);
  if (!reply.ok || !data) throw new Error(reply.status === 501 ? "native" : "failed");
  return data;
}

function place(i) {
  const [, x, y] = points[i];
  const margin = 24 * devicePixelRatio;
  return [margin + (x + 1) / 2 * (canvas.width - 2 * margin), margin + (1 - (y + 1) / 2) * (canvas.height - 2 * margin)];
}

function disc(i, radius, fill, ring) {
  const [x, y] = place(i);
  pen.beginPath();
  pen.arc(x, y, radius * devicePixelRatio, 0, 7);
  pen.fillStyle = fill;
  pen.fill();
  if (ring) { pen.strokeStyle = ring; pen.lineWidth = 2 * devicePixelRatio; pen.stroke(); }
}

function line(a, b, colour) {
  pen.beginPath();
  pen.moveTo(...place(a));
  pen.lineTo(...place(b));
  pen.strokeStyle = colour;
  pen.lineWidth = devicePixelRatio;
  pen.stroke();
}

function draw() {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  points.forEach(([id, , , , , colour], i) => {
    const out = allowed && !allowed.has(id);
    pen.globalAlpha = out ? 0.12 : replay ? 0.35 : 0.85;
    disc(i, out ? 2 : 3.2, INKS[colour] || "#9fb4b8");
  });
  pen.globalAlpha = 1;
  if (replay) drawReplay(Number(slider.value));
  const asked = where.get(Number(ask.like.value));
  if (asked !== undefined) disc(asked, 6, "#fff", "#fff");
}

function drawReplay(upTo) {
  const steps = replay.steps.slice(0, upTo);
  const last = steps[steps.length - 1];
  const mark = { kept: COLOURS.seen, pruned: COLOURS.seen, filtered: COLOURS.out };
  for (const step of steps) for (const [id, , verdict] of step.looked) {
    if (where.has(id)) disc(where.get(id), 2.6, mark[verdict]);
  }
  if (last && last.layer === CELLS) for (const [id] of last.looked) if (where.has(id)) disc(where.get(id), 4, COLOURS.hop);
  let before = null;
  for (const step of steps) {
    const at = where.get(step.id);
    if (at === undefined || step.layer < 0) continue;
    if (before !== null) line(before, at, "rgba(244,184,96,.55)");
    disc(at, 3.6, COLOURS.hop);
    before = at;
  }
  if (last && last.layer >= 0) {
    const at = where.get(last.id);
    for (const [id] of last.looked) if (where.has(id)) line(at, where.get(id), "rgba(90,169,230,.5)");
    disc(at, 6, COLOURS.hop, "#fff");
  }
  if (upTo >= replay.steps.length) for (const [id] of replay.found) if (where.has(id)) disc(where.get(id), 5.5, COLOURS.best, "#0f2327");
}

const told = (distance) => distance.toFixed(3).replace(/^-(?=0\.0+$)/, ""); // rounding leaves a product -0.000 from itself
const nameOf = (id) => (where.has(id) ? points[where.get(id)][3] : `product ${id}`);

function tell() {
  const upTo = Number(slider.value);
  if (!replay) return;
  const plan = `Plan: ${replay.plan}. ${replay.computed} distances computed in ${replay.steps.length} step${replay.steps.length === 1 ? "" : "s"}.`;
  if (upTo >= replay.steps.length) {
    said.textContent = `${plan} Found: ${replay.found.slice(0, 3).map(([id, d]) => `${nameOf(id)} (${told(d)})`).join(", ")} …`;
  } else if (upTo > 0) {
    const step = replay.steps[upTo - 1];
    const counts = { kept: 0, pruned: 0, filtered: 0 };
    step.looked.forEach(([, , verdict]) => { counts[verdict] += 1; });
    const done = step.layer === CELLS ? `Cell ${upTo}: its centroid is ${Math.sqrt(step.distance).toFixed(3)} away`
      : `${step.layer < 0 ? "Scan" : `Layer ${step.layer}`}: opened ${nameOf(step.id)}, distance ${told(step.distance)}`;
    said.textContent = `Step ${upTo} of ${replay.steps.length} · ${done}. Looked at ${step.looked.length}: ${counts.kept} kept, ${counts.pruned} pruned, ${counts.filtered} filtered out.`;
  } else said.textContent = plan;
}

function show(at) { slider.value = at; draw(); tell(); }

function play() {
  clearInterval(timer);
  if (!replay) return;
  const pause = Math.max(30, Math.min(350, 6000 / Math.max(1, replay.steps.length)));
  let at = 0;
  timer = setInterval(() => { show(++at); if (at >= replay.steps.length) clearInterval(timer); }, pause);
}

async function load() {
  said.textContent = "Laying the products out …";
  points = (await json("/explorer/points", "by=" + ask.by.value)).points;
  where = new Map(points.map((point, i) => [point[0], i]));
  draw();
}

function query() {
  const given = new URLSearchParams(new FormData(ask));
  for (const [name, value] of [...given]) if (!value) given.delete(name);
  return given;
}

async function search() {
  clearInterval(timer);
  const given = query();
  try {
    const narrowed = given.has("category") || given.has("gender");
    allowed = narrowed ? new Set((await json("/explorer/matching", given)).ids) : null;
    replay = await json("/explorer/trace", given);
    slider.max = replay.steps.length;
    show(replay.steps.length);
  } catch (error) {
    replay = null;
    slider.max = 0;
    said.textContent = error.message === "native"
      ? "This server answers with its own engine, which tells no trace. The comparison below is its own all the same."
      : "This product could not be searched from. Choose another one.";
    draw();
  }
  await compare(given);
}

async function compare(given) {
  const body = document.querySelector("#compare tbody");
  try {
    const { rows } = await json("/explorer/compare", given);
    body.replaceChildren(...rows.map(({ name, ms, recall }) => {
      const row = document.createElement("tr");
      for (const text of [name, `${ms.toFixed(2)} ms`, `${(recall * 100).toFixed(0)} %`]) row.append(Object.assign(document.createElement("td"), { textContent: text }));
      return row;
    }));
  } catch { body.replaceChildren(); }
}

function nearest(event) {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) * canvas.width / box.width;
  const y = (event.clientY - box.top) * canvas.height / box.height;
  let best = -1, closest = (16 * devicePixelRatio) ** 2;
  points.forEach((_, i) => {
    const [px, py] = place(i);
    const far = (px - x) ** 2 + (py - y) ** 2;
    if (far < closest) { closest = far; best = i; }
  });
  return best;
}

canvas.addEventListener("mousemove", (event) => {
  const at = nearest(event);
  peek.hidden = at < 0;
  if (at < 0) return;
  const box = canvas.getBoundingClientRect();
  const [x, y] = place(at).map((v, i) => v * (i ? box.height / canvas.height : box.width / canvas.width));
  peek.querySelector("img").src = `/picture/${points[at][0]}`;
  peek.querySelector("span").textContent = points[at][3];
  peek.style.setProperty("left", `${Math.min(x + 12, box.width - 160)}px`);
  peek.style.setProperty("top", `${Math.max(0, Math.min(y + 12, box.height - 180))}px`);
});
canvas.addEventListener("mouseleave", () => { peek.hidden = true; });
canvas.addEventListener("click", (event) => {
  const at = nearest(event);
  if (at >= 0) { ask.like.value = points[at][0]; search(); }
});
ask.addEventListener("submit", (event) => { event.preventDefault(); search(); });
ask.by.addEventListener("change", async () => { await load(); search(); });
slider.addEventListener("input", () => { clearInterval(timer); show(Number(slider.value)); });
document.getElementById("play").addEventListener("click", play);
document.getElementById("step").addEventListener("click", () => {
  clearInterval(timer);
  if (replay) show((Number(slider.value) + 1) % (replay.steps.length + 1));
});

function fit() {
  const box = canvas.getBoundingClientRect();
  canvas.width = box.width * devicePixelRatio;
  canvas.height = box.height * devicePixelRatio;
  draw();
}
addEventListener("resize", fit);
fit();
load().then(search);
