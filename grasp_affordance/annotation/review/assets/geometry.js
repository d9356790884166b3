// Grasp rectangles {x, y, theta, w, h} in image pixels: w along theta (the jaw plates), h across.
"use strict";

function axes(r) {
  const c = Math.cos(r.theta), s = Math.sin(r.theta);
  return { plate: [c, s], opening: [-s, c] };
}

function corners(r) {
  const { plate, opening } = axes(r);
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([a, b]) => [
    r.x + (a * r.w / 2) * plate[0] + (b * r.h / 2) * opening[0],
    r.y + (a * r.w / 2) * plate[1] + (b * r.h / 2) * opening[1],
  ]);
}

// Where the handles are: to turn (beyond a short side) and to open (on a plate).
function handles(r) {
  const { plate, opening } = axes(r);
  const reach = r.w / 2 + 14;
  return {
    turn: [r.x + reach * plate[0], r.y + reach * plate[1]],
    open: [r.x + r.h / 2 * opening[0], r.y + r.h / 2 * opening[1]],
  };
}

function inside(r, [u, v]) {
  const { plate, opening } = axes(r);
  const du = u - r.x, dv = v - r.y;
  return Math.abs(du * plate[0] + dv * plate[1]) <= r.w / 2
    && Math.abs(du * opening[0] + dv * opening[1]) <= r.h / 2;
}

function near(point, [u, v], distance) {
  return Math.hypot(point[0] - u, point[1] - v) <= distance;
}

// The rectangle after its part was dragged from one pixel to another.
function dragged(r, part, from, to) {
  if (part === "move") return { ...r, x: r.x + to[0] - from[0], y: r.y + to[1] - from[1] };
  if (part === "turn") {
    const turned = Math.atan2(to[1] - r.y, to[0] - r.x) % Math.PI;
    const theta = turned < 0 ? turned + Math.PI : turned;
    return { ...r, theta: theta >= Math.PI ? 0 : theta };
  }
  const { opening } = axes(r);
  const half = Math.abs((to[0] - r.x) * opening[0] + (to[1] - r.y) * opening[1]);
  return { ...r, h: Math.max(2 * half, 2) };
}
