/* The map of the live screen. It draws the boundaries on file, coloured by the numbers in the tables
   beside it; a district that is opened has its streets and stores, and tables of its own. */
(() => {
  "use strict";
  const ASK_EVERY_MS = 2000;
  const BLUE = "#2563eb";
  const ORANGE = "#ea580c";

  const place = document.getElementById("live-map");
  const panel = place.closest(".where");
  const tables = document.getElementById("district");
  const words = place.dataset;
  let map = null;
  let drawn = []; // what is on the map: { layer, disc, number, name }
  let opened = tables.dataset.opened;
  let askedAt = Date.now();
  let turn = 0;

  const of = (address, number) => address.replace(/0$/, number);

  async function got(address) {
    const answer = await fetch(address);
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer;
  }

  // Numbers by place, from the tables that are shown.
  function numbers(selector) {
    const rows = panel.querySelectorAll(`${selector} tr[data-place]`);
    return new Map(
      Array.from(rows, ({ dataset }) => [dataset.place, { vouchers: Number(dataset.vouchers), refused: Number(dataset.refused) }]),
    );
  }

  function paint(found, shapes) {
    const most = (of) => Math.max(1, ...Array.from(found.values(), (one) => one[of]));
    const [mostVouchers, mostRefused] = [most("vouchers"), most("refused")];
    for (const { layer, disc, number, name } of shapes) {
      const { vouchers, refused } = found.get(number) || { vouchers: 0, refused: 0 };
      const share = Math.sqrt(vouchers / mostVouchers);
      if (disc) {
        layer.setStyle({ fillOpacity: 0.05 + 0.7 * share });
        disc.setRadius(refused ? 4 + 12 * Math.sqrt(refused / mostRefused) : 0);
        disc.setStyle({ opacity: refused ? 1 : 0, fillOpacity: refused ? 0.8 : 0 });
      } else {
        layer.setRadius(vouchers || refused ? 4 + 8 * share : 3);
        layer.setStyle({ fillColor: refused > vouchers ? ORANGE : BLUE, fillOpacity: vouchers || refused ? 0.9 : 0.25 });
      }
      layer.setTooltipContent(text(name, `${vouchers} ${words.vouchers}`, `${refused} ${words.refused}`));
    }
  }

  function text(...lines) {
    const box = document.createElement("div");
    for (const line of lines) box.appendChild(document.createElement("div")).textContent = line;
    return box;
  }

  function show() {
    if (!opened) return paint(numbers("[data-part=districts]"), drawn);
    paint(numbers("[data-level=streets]"), drawn.filter((one) => one.disc));
    paint(numbers("[data-level=stores]"), drawn.filter((one) => !one.disc));
  }

  function area(group, { id, name, geometry }) {
    const layer = L.geoJSON(geometry, { style: { color: "#64748b", weight: 1, fillColor: BLUE } }).addTo(group);
    const style = { radius: 0, weight: 1, color: "#fff", fillColor: ORANGE, interactive: false };
    const disc = L.circleMarker(layer.getBounds().getCenter(), style).addTo(group);
    layer.bindTooltip("", { sticky: true });
    if (!opened) layer.on("click", () => go(String(id)));
    return { layer, disc, number: String(id), name };
  }

  function dot(group, { id, name, longitude_deg, latitude_deg }) {
    const style = { radius: 3, weight: 1, color: "#fff", fillColor: BLUE };
    const layer = L.circleMarker([latitude_deg, longitude_deg], style).addTo(group).bindTooltip("");
    if (!opened) layer.on("click", () => go(String(id)));
    return { layer, disc: null, number: String(id), name };
  }

  async function draw() {
    const mine = ++turn;
    const shapes = await (await got(opened ? of(words.districtShapes, opened) : words.shapes)).json();
    if (mine !== turn) return;
    const isEmpty = !shapes.areas.length && !shapes.spots.length;
    place.hidden = isEmpty;
    document.getElementById("live-map-words").hidden = isEmpty;
    if (isEmpty) return;
    if (!map) {
      map = L.map(place, { preferCanvas: true, attributionControl: false, zoomSnap: 0.25 });
      L.control.scale({ imperial: false }).addTo(map);
      huiminTiles(map, words);
    }
    for (const { layer, disc } of drawn) for (const one of [layer, disc]) one?.remove();
    const group = L.featureGroup();
    drawn = [...shapes.areas.map((one) => area(group, one)), ...shapes.spots.map((one) => dot(group, one))];
    map.invalidateSize({ animate: false });
    map.fitBounds(group.getBounds(), { animate: false, padding: [8, 8] });
    for (const { layer, disc } of drawn) for (const one of [layer, disc]) one?.addTo(map);
    place.dataset.drawn = drawn.length;
    show();
  }

  async function ask() {
    const mine = opened;
    askedAt = Date.now();
    const html = await (await got(of(words.district, mine))).text();
    if (mine !== opened) return;
    const isSpread = tables.querySelector("details")?.open;
    tables.innerHTML = html;
    if (isSpread) tables.querySelector("details")?.setAttribute("open", "");
    show();
  }

  function failed() {
    place.hidden = false;
    if (!map) place.replaceChildren(text(words.failed));
  }

  // To a district, or to the city.
  function go(number, isNew = true) {
    if (number === opened) return;
    opened = number;
    if (isNew) history.pushState(null, "", number ? `?district=${number}` : "?");
    if (!number) tables.replaceChildren();
    panel.classList.toggle("is-open", Boolean(number));
    (number ? ask() : Promise.resolve()).then(draw).catch(failed);
  }

  const chosen = (search) => new URLSearchParams(search).get("district") || "";

  panel.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='?']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(chosen(link.search));
  });
  addEventListener("popstate", () => go(chosen(location.search), false));
  document.addEventListener("huimin:board", () => {
    if (!opened) show();
    else if (Date.now() - askedAt >= ASK_EVERY_MS) ask().catch(() => {});
  });

  draw().catch(failed);
})();
