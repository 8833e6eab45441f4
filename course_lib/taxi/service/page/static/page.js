"use strict";
// The rider's page: two zones by name, a time, one answer. Everything comes from this service.

const byId = (id) => document.getElementById(id);
const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

let places = [];
const chosen = { pickup: null, dropoff: null };
let asked = 0; // a late answer to an earlier question must not replace the answer to the last one

// ---- zones by name: the combobox pattern of WAI-ARIA ------------------------------------------------------------
const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f'’.]/g, "").toLowerCase().trim();

function matches(text) {
  const words = plain(text).split(/[^a-z0-9]+/).filter(Boolean);
  if (!words.length) return [];
  const found = places.filter((place) => words.every((word) => plain(place.name).includes(word)));
  const starts = (place) => (plain(place.name).startsWith(words[0]) ? 0 : 1);
  return found.sort((a, b) => starts(a) - starts(b) || a.name.localeCompare(b.name)).slice(0, 12);
}

function combobox(name) {
  const input = byId(name), list = byId(`${name}-list`);
  let options = [], active = -1;

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const choose = (place) => {
    chosen[name] = place;
    input.value = place.name;
    complain(name, "");
    close();
  };
  const highlight = (index) => {
    active = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === index)));
    input.setAttribute("aria-activedescendant", list.children[index].id);
    list.children[index].scrollIntoView({ block: "nearest" });
  };
  const show = (found) => {
    options = found;
    list.replaceChildren(...found.map((place, i) => {
      const item = document.createElement("li");
      item.id = `${name}-option-${i}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      const borough = document.createElement("small");
      borough.textContent = ` ${place.borough}`;
      item.append(place.name, borough);
      item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(place); });
      return item;
    }));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    active = -1;
  };
  input.addEventListener("input", () => {
    chosen[name] = null;
    complain(name, "");
    show(matches(input.value));
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show(matches(input.value));
      if (!options.length || list.hidden) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      highlight((active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length);
    } else if (event.key === "Enter" && !list.hidden && options.length) {
      event.preventDefault();
      choose(options[Math.max(active, 0)]);
    }
  });
  // leaving the field with a name that can mean only one zone is as good as choosing it
  input.addEventListener("blur", () => {
    if (!chosen[name]) {
      const found = matches(input.value);
      const same = found.filter((place) => plain(place.name) === plain(input.value));
      if (same.length || found.length === 1) choose((same.length ? same : found)[0]);
    }
    close();
  });
}

// ---- the question -----------------------------------------------------------------------------------------------
function complain(name, message) {
  byId(`${name}-error`).textContent = message;
  const field = byId(name);
  if (field) field.setAttribute("aria-invalid", String(Boolean(message)));
}

// New York's offset at a wall time, such as -05:00
function offset(wall) {
  const name = (date) => new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", timeZoneName: "longOffset" })
    .formatToParts(date).find((part) => part.type === "timeZoneName").value.replace("GMT", "") || "+00:00";
  const first = name(new Date(`${wall}-05:00`));
  return name(new Date(`${wall}${first}`));
}

function nowInNewYork() {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", {
    timeZone: "America/New_York", hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(new Date()).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

function rider() {
  try {
    let id = localStorage.getItem("rider");
    if (!id) localStorage.setItem("rider", (id = crypto.getRandomValues(new Uint32Array(3)).join("-")));
    return id;
  } catch {
    return null; // no storage here: the canary then decides per request
  }
}

function readForm() {
  let good = true;
  for (const name of ["pickup", "dropoff"]) {
    if (chosen[name]) continue;
    good = false;
    complain(name, byId(name).value.trim() ? "No zone has this name. Choose one from the list." : "Where? Type a part of the name.");
  }
  if (good && chosen.pickup.id === chosen.dropoff.id) {
    complain("dropoff", "That is where you start.");
    good = false;
  }
  const wall = byId("time").value;
  complain("time", wall ? "" : "When? Choose a day and a time.");
  if (!good || !wall) {
    forget();
    document.querySelector("[aria-invalid=true]").focus();
    return null;
  }
  return { pickup: chosen.pickup.id, dropoff: chosen.dropoff.id, time: wall.slice(0, 16) + ":00" + offset(wall), rider: rider() };
}

// no old answer beside a new question that has none
function forget() {
  asked += 1;
  byId("answer").hidden = byId("pictures").hidden = true;
  byId("model").textContent = "";
}

async function ask(ride, wall) {
  const number = ++asked;
  byId("form-error").textContent = "";
  let answer, body;
  try {
    answer = await fetch("predict", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(ride),
    });
    body = await answer.json();
  } catch {
    forget();
    byId("form-error").textContent = "The service can't be reached. Try again in a moment.";
    return;
  }
  if (number !== asked) return;
  if (!answer.ok) {
    forget();
    const errors = (body.errors || []).filter((error) => byId(`${error.field}-error`));
    errors.forEach((error) => complain(error.field, error.message));
    if (!errors.length) byId("form-error").textContent = body.detail || "There is no answer just now.";
    return;
  }
  byId("words").textContent = body.text;
  byId("route").textContent = `${chosen.pickup.name} to ${chosen.dropoff.name}`;
  byId("answer").hidden = byId("pictures").hidden = false;
  byId("model").textContent = `Answered by ${body.model.name}, version ${body.model.version}, request ${body.request_id}.`;
  drawMap(chosen.pickup, chosen.dropoff);
  const query = new URLSearchParams({ pickup: ride.pickup, dropoff: ride.dropoff, date: wall.slice(0, 10) });
  const day = await fetch(`day?${query}`).then((response) => (response.ok ? response.json() : null)).catch(() => null);
  if (day && number === asked) drawDay(day.minutes, Number(wall.slice(11, 13)), chosen.pickup, chosen.dropoff);
}

// ---- pictures ---------------------------------------------------------------------------------------------------
function drawMap(from, to) {
  const map = byId("map"), size = 400, margin = 14;
  const shrink = Math.cos((40.7 * Math.PI) / 180);
  const xs = places.map((p) => p.lon * shrink), ys = places.map((p) => p.lat);
  const [left, bottom] = [Math.min(...xs), Math.min(...ys)];
  const scale = (size - 2 * margin) / Math.max(Math.max(...xs) - left, Math.max(...ys) - bottom);
  const at = (p) => [margin + (p.lon * shrink - left) * scale, size - margin - (p.lat - bottom) * scale];
  const [[x1, y1], [x2, y2]] = [at(from), at(to)];
  const dots = places.map((p) => { const [x, y] = at(p); return svg("circle", { class: "zone", cx: x, cy: y, r: 3 }); });
  // names beside their dots, apart from each other, inside the picture
  const label = (p, x, y, lift) => svg("text", {
    class: "end-name", x: Math.min(Math.max(x, 60), size - 60), y: Math.min(Math.max(y + lift, 14), size - 6), "text-anchor": "middle",
  }, p.name);
  const above = y1 <= y2 ? [-12, 24] : [24, -12];
  map.replaceChildren(
    ...dots, svg("line", { class: "way", x1, y1, x2, y2 }),
    svg("circle", { class: "end", cx: x1, cy: y1, r: 7 }), svg("circle", { class: "end", cx: x2, cy: y2, r: 7 }),
    label(from, x1, y1, above[0]), label(to, x2, y2, above[1]),
  );
  map.setAttribute("aria-label", `Map: ${from.name} in ${from.borough}, and ${to.name} in ${to.borough}`);
}

function drawDay(minutes, hour, from, to) {
  const day = byId("day"), left = 30, bottom = 230, top = 28, width = 362 / 24;
  const most = Math.max(10, Math.ceil(Math.max(...minutes) / 10) * 10);
  const y = (value) => bottom - ((bottom - top) * value) / most;
  const parts = [];
  for (let tick = 0; tick <= most; tick += most > 40 ? 20 : 10) {
    parts.push(svg("line", { class: "axis", x1: left, x2: 396, y1: y(tick), y2: y(tick) }));
    parts.push(svg("text", { x: left - 5, y: y(tick) + 4, "text-anchor": "end" }, tick));
  }
  minutes.forEach((value, i) => {
    const bar = svg("rect", {
      class: i === hour ? "bar now" : "bar", x: left + 2 + i * width, width: width - 2, y: y(value), height: bottom - y(value),
    });
    bar.append(svg("title", {}, `${i}:00, ${value.toFixed(0)} minutes`));
    parts.push(bar);
    if (i % 6 === 0) parts.push(svg("text", { x: left + 2 + i * width + width / 2, y: bottom + 16, "text-anchor": "middle" }, `${i}:00`));
  });
  parts.push(svg("text", { x: 2, y: 12 }, "minutes"), svg("text", { x: 396, y: bottom + 30, "text-anchor": "end" }, "hour of pickup"));
  day.replaceChildren(...parts);
  const range = [Math.min(...minutes), Math.max(...minutes)].map((value) => value.toFixed(0));
  day.setAttribute("aria-label", `Minutes from ${from.name} to ${to.name} by hour of the day: from ${range[0]} to ${range[1]}`);
}

// ---- start ------------------------------------------------------------------------------------------------------
combobox("pickup");
combobox("dropoff");
byId("time").value = nowInNewYork();
byId("ride").addEventListener("submit", (event) => {
  event.preventDefault();
  const ride = readForm();
  if (ride) ask(ride, byId("time").value);
});
fetch("zones").then((response) => response.json()).then((body) => { places = body.zones; })
  .catch(() => { byId("form-error").textContent = "The list of zones can't be loaded. Reload the page in a moment."; });
