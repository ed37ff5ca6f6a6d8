// The map of a campaign. It draws what the page's data address says, on a canvas and without tiles;
// in a draft it lets polygons be drawn, and keeps their text in the form's field in step.

"use strict";

(() => {
  const place = document.getElementById("hm-map");
  if (!place) return;
  const words = place.dataset;
  const SHANGHAI = [31.23, 121.47];
  const MANY = 60; // stores from which rings hide each other: they are drawn when asked for

  const map = L.map(place, { preferCanvas: true, attributionControl: false, zoomSnap: 0.5 }).setView(SHANGHAI, 10);
  L.control.scale({ imperial: false }).addTo(map);
  huiminTiles(map, words);

  const latLng = (store) => [store.latitude_deg, store.longitude_deg];
  const textOf = (...lines) => {
    const box = document.createElement("div");
    for (const line of lines.filter(Boolean)) box.appendChild(document.createElement("div")).textContent = line;
    return box;
  };

  function districts(areas) {
    const style = { color: "#64748b", weight: 1, fillColor: "#94a3b8", fillOpacity: 0.12, interactive: false };
    return L.layerGroup(areas.map((area) => L.geoJSON(area.geometry, { style, pmIgnore: true, interactive: false })));
  }

  function streets(areas) {
    const style = { color: "#94a3b8", weight: 0.5, fill: false, interactive: false };
    return L.layerGroup(areas.map((area) => L.geoJSON(area.geometry, { style, pmIgnore: true, interactive: false })));
  }

  function within(areas) {
    const style = { color: "#059669", weight: 2.5, dashArray: "6 3", fillOpacity: 0.06 };
    return L.layerGroup(
      areas.map((area) => L.geoJSON(area.geometry, { style, pmIgnore: true }).bindTooltip(textOf(area.name), { sticky: true })),
    );
  }

  function circles(stores) {
    const style = { color: "#2563eb", weight: 1, opacity: 0.35, fillOpacity: 0.05, interactive: false, pmIgnore: true };
    return L.layerGroup(stores.map((store) => L.circle(latLng(store), { ...style, radius: store.radius_m })));
  }

  function rings(stores, rings_m) {
    const style = { color: "#2563eb", weight: 1, opacity: 0.6, dashArray: "4 4", fill: false, interactive: false, pmIgnore: true };
    const drawn = stores.flatMap((store) =>
      rings_m.filter((m) => m < store.radius_m).map((m) => L.circle(latLng(store), { ...style, radius: m })),
    );
    return L.layerGroup(drawn);
  }

  function dots(stores) {
    return L.layerGroup(
      stores.map((store) => {
        const astray = store.is_outside_district;
        const style = { radius: 5, weight: 1, color: "#fff", fillColor: astray ? "#dc2626" : "#2563eb", fillOpacity: 1, pmIgnore: true };
        const radius = `${store.radius_m.toLocaleString(words.language)} m`;
        return L.circleMarker(latLng(store), style).bindPopup(
          textOf(store.name, store.merchant, [store.district, radius].filter(Boolean).join(" · "), astray && words.outside),
        );
      }),
    );
  }

  function polygons(areas) {
    const style = { color: "#7c3aed", weight: 2, fillOpacity: 0.12 };
    return L.featureGroup(areas.flatMap((area) => L.geoJSON(area.geometry, { style }).getLayers()));
  }

  // Where those live whom the conditions take: squares of at least ten people, the denser the darker.
  function density(squares) {
    const perArea = ([, south, size, people]) => people / (size * size * Math.cos((south * Math.PI) / 180));
    const most = Math.max(0, ...squares.map(perArea));
    return L.layerGroup(
      squares.map((square) => {
        const [west, south, size, people] = square;
        const fillOpacity = 0.1 + 0.6 * Math.sqrt(perArea(square) / most);
        return L.rectangle([[south, west], [south + size, west + size]], { stroke: false, fillColor: "#0d9488", fillOpacity, pmIgnore: true })
          .bindTooltip(words.people.replace("{count}", people.toLocaleString(words.language)), { sticky: true });
      }),
    );
  }

  function letEdit(group, field) {
    map.pm.setLang(words.language.startsWith("zh") ? "zh" : "en");
    map.pm.addControls({
      drawMarker: false, drawCircleMarker: false, drawPolyline: false, drawCircle: false, drawText: false,
      cutPolygon: false, rotateMode: false,
    });
    map.pm.setGlobalOptions({ layerGroup: group, allowSelfIntersection: false });
    const datum = document.getElementById("id_datum");
    // What was drawn on shifted tiles is not mixed with what is typed.
    const fix = () => {
      field.readOnly = true;
      document.getElementById("hm-drawn-datum").hidden = false;
    };
    if (datum.value && datum.value !== "WGS-84") fix();
    const write = () => {
      const geometries = group.getLayers().map((layer) => layer.toGeoJSON().geometry);
      field.value = JSON.stringify({ type: "GeometryCollection", geometries });
      if (!words.tiles || words.datum === "WGS-84") return;
      datum.value = words.datum;
      fix();
    };
    const follow = (layer) => layer.on("pm:update pm:edit pm:dragend", write);
    group.eachLayer(follow);
    map.on("pm:create", ({ layer }) => { follow(layer); write(); });
    map.on("pm:remove", write);
  }

  function draw(data) {
    const layers = {
      [words.districts]: districts(data.districts),
      ...(data.streets.length && { [words.streets]: streets(data.streets) }),
      [words.circles]: circles(data.stores),
      [words.rings]: rings(data.stores, data.rings_m),
      [words.polygons]: polygons(data.polygons),
      ...(data.within.length && { [words.within]: within(data.within) }),
      [words.stores]: dots(data.stores),
    };
    for (const [name, layer] of Object.entries(layers)) {
      if (name !== words.rings || data.stores.length < MANY) layer.addTo(map);
    }
    const control = L.control.layers(null, layers, { collapsed: false }).addTo(map);
    let squares = null;
    document.addEventListener("huimin:reach", ({ detail }) => {
      if (squares) control.removeLayer(squares.remove());
      squares = density(detail).addTo(map);
      for (const one of squares.getLayers()) one.bringToBack();
      control.addOverlay(squares, words.density);
      place.dataset.squares = detail.length;
    });
    const reach = L.featureGroup(layers[words.circles].getLayers().concat(layers[words.polygons].getLayers()));
    if (reach.getLayers().length) map.fitBounds(reach.getBounds());
    if (words.edits) letEdit(layers[words.polygons], document.getElementById(words.edits));
    place.dataset.drawn = data.stores.length;
  }

  fetch(words.url, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then(draw)
    .catch(() => place.replaceChildren(textOf(words.failed)));
})();
