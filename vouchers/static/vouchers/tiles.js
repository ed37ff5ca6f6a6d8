// The tiles of the operator's setting, if there are any, under a map; our drawings already come in
// their datum.

"use strict";

window.huiminTiles = (map, { tiles, attribution }) => {
  if (!tiles) return;
  const box = document.createElement("div");
  box.textContent = attribution;
  L.tileLayer(tiles, { maxZoom: 18, attribution: box.innerHTML }).addTo(map);
  L.control.attribution({ prefix: false }).addTo(map);
};
