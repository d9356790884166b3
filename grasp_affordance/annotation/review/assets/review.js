// Pages through the pairs of one folder of labels; the server keeps the decisions.
"use strict";

const element = (id) => document.getElementById(id);
const canvas = element("view"), pen = canvas.getContext("2d");
let pairs = [], size = [640, 480], at = 0, rectangles = [], selected = 0, drag = null;
let image = new Image(), mask = null;

async function ask(path, method = "GET", body = undefined) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

function guarded(action) {
  return async (...values) => {
    try {
      element("message").textContent = "";
      await action(...values);
    } catch (error) {
      element("message").textContent = `Not saved: ${error.message}`;
    }
  };
}

function load(source) {
  return new Promise((resolve, reject) => {
    const loading = new Image();
    loading.onload = () => resolve(loading);
    loading.onerror = () => reject(new Error(`${source} is missing`));
    loading.src = source;
  });
}

async function show(index) {
  at = Math.min(Math.max(index, 0), pairs.length - 1);
  const pair = pairs[at], decision = pair.decision;
  rectangles = ((decision && decision.rectangles) || pair.rectangles).map((r) => ({ ...r }));
  selected = 0;
  describe();
  image = await load(`/frames/${pair.frames[0]}.png`);
  mask = pair.mask ? tinted(await load(`/labels/${pair.mask}`)) : null;
  if (pairs[at] === pair) draw();
}

function describe() {
  const pair = pairs[at], decision = pair.decision;
  element("where").textContent = `${at + 1} of ${pairs.length}: ${pair.frames.join(" → ")}`;
  const reason = pair.reason ? `${pair.reason} (${pair.detail})` : "";
  element("verdict").textContent = `${pair.status} ${reason}`;
  const word = decision === null ? "" : decision.accepted ? "accepted" : "rejected";
  element("decision").textContent = word;
  element("decision").className = word;
  document.body.dataset.index = pair.index;
  document.body.dataset.decision = word;
}

function tinted(source) {
  const layer = document.createElement("canvas");
  [layer.width, layer.height] = size;
  const context = layer.getContext("2d");
  context.drawImage(source, 0, 0);
  const pixels = context.getImageData(0, 0, ...size);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const on = pixels.data[i] > 127;
    pixels.data.set([60, 220, 90, on ? 90 : 0], i);
  }
  context.putImageData(pixels, 0, 0);
  return layer;
}

function draw() {
  pen.drawImage(image, 0, 0);
  if (mask && element("mask").checked) pen.drawImage(mask, 0, 0);
  rectangles.forEach((r, number) => {
    const points = corners(r);
    pen.lineWidth = number === selected ? 2 : 1;
    points.forEach((from, side) => {
      const to = points[(side + 1) % 4];
      pen.strokeStyle = side % 2 === 0 ? "#e61e1e" : "#101010";
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(...to);
      pen.stroke();
    });
  });
  const r = rectangles[selected];
  if (r) {
    const { turn, open } = handles(r);
    pen.fillStyle = "#fff";
    pen.strokeStyle = "#101010";
    pen.lineWidth = 1;
    pen.beginPath();
    pen.arc(...turn, 4, 0, 2 * Math.PI);
    pen.rect(open[0] - 4, open[1] - 4, 8, 8);
    pen.fill();
    pen.stroke();
  }
}

const accept = guarded(async () => {
  const pair = pairs[at];
  const edited = JSON.stringify(rectangles) !== JSON.stringify(pair.rectangles);
  if (rectangles.length === 0) throw new Error("an accepted label needs a rectangle");
  await decide({ accepted: true, rectangles: edited ? rectangles : null });
});
const reject = guarded(() => decide({ accepted: false, rectangles: null }));
const undo = guarded(async () => {
  const pair = pairs[at];
  pair.decision = await ask(decisionOf(pair), "DELETE");
  await show(at);
});

function decisionOf(pair) {
  return `/api/decisions/${pair.index}?reviewed=${pair.digest}`;
}

async function decide(decision) {
  const pair = pairs[at];
  pair.decision = await ask(decisionOf(pair), "PUT", decision);
  if (pairs[at] === pair) describe();
}

function add() {
  const model = rectangles[selected] || { w: 30, h: 50, theta: 0 };
  rectangles.push({ ...model, x: size[0] / 2, y: size[1] / 2 });
  selected = rectangles.length - 1;
  draw();
}

function remove() {
  rectangles.splice(selected, 1);
  selected = 0;
  draw();
}

function pixel(event) {
  const box = canvas.getBoundingClientRect();
  return [
    (event.clientX - box.left) * size[0] / box.width,
    (event.clientY - box.top) * size[1] / box.height,
  ];
}

canvas.addEventListener("pointerdown", (event) => {
  const point = pixel(event), current = rectangles[selected];
  let part = null;
  if (current) {
    const { turn, open } = handles(current);
    part = near(turn, point, 8) ? "turn" : near(open, point, 8) ? "open" : null;
  }
  if (part === null) {
    const order = [selected, ...rectangles.keys()];
    const hit = order.find((number) => rectangles[number] && inside(rectangles[number], point));
    if (hit === undefined) return;
    selected = hit;
    part = "move";
  }
  drag = { part, from: point, start: { ...rectangles[selected] } };
  canvas.setPointerCapture(event.pointerId);
  draw();
});
canvas.addEventListener("pointermove", (event) => {
  if (drag === null) return;
  rectangles[selected] = dragged(drag.start, drag.part, drag.from, pixel(event));
  draw();
});
canvas.addEventListener("pointerup", () => { drag = null; });

const turnPage = (step) => guarded(() => show(at + step));
const keys = {
  ArrowLeft: turnPage(-1), ArrowRight: turnPage(1), a: accept, r: reject, u: undo, n: add,
  Delete: remove, Tab: () => { selected = (selected + 1) % Math.max(rectangles.length, 1); draw(); },
};
document.addEventListener("keydown", (event) => {
  const action = keys[event.key];
  if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  action();
});
const buttons = {
  back: keys.ArrowLeft, next: keys.ArrowRight, accept, reject, undo, add, delete: remove,
};
for (const [id, action] of Object.entries(buttons)) element(id).addEventListener("click", action);
element("mask").addEventListener("change", draw);

guarded(async () => {
  const data = await ask("/api/pairs");
  pairs = data.pairs;
  size = data.size;
  [canvas.width, canvas.height] = size;
  document.title = `Review of ${data.folder}`;
  await show(0);
  document.body.dataset.ready = "yes";
})();
