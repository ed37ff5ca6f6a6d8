// How many a campaign reaches: counted when the button is pressed, and again by itself when terms
// that it depends on were saved after somebody had counted. A count may take seconds in a large city.

"use strict";

(() => {
  const TICK_MS = 1000;
  let isCounting = false;
  let isAgain = false;

  // The set-up page puts its panel in anew while a count is under way, so the box is looked up.
  const box = () => document.querySelector("[data-reach]");
  const part = (name) => box()?.querySelector(`[data-reach-${name}]`);

  function say(text) {
    const place = part("status");
    if (!place) return;
    place.textContent = text;
    place.hidden = !text;
  }

  function ready() {
    const button = part("count");
    if (!button) return;
    button.hidden = false;
    button.disabled = isCounting;
  }

  // A bar without a figure moves by itself: how far the count is may not be known.
  function show(seconds, percent) {
    const place = part("progress");
    if (!place) return;
    const bar = place.querySelector("progress");
    if (percent === null) bar.removeAttribute("value");
    else bar.value = percent;
    const text = percent === null ? box().dataset.counting : box().dataset.counted.replace("{percent}", percent);
    place.querySelector("span").textContent = text.replace("{seconds}", seconds);
    place.hidden = false;
  }

  async function percentNow() {
    try {
      const answer = await fetch(box().dataset.url, { headers: { Accept: "application/json" } });
      return answer.redirected ? null : (await answer.json()).percent;
    } catch {
      return null;
    }
  }

  async function fetched() {
    const { url, lost } = box().dataset;
    const body = new FormData();
    body.append("csrfmiddlewaretoken", box().querySelector("[name=csrfmiddlewaretoken]").value);
    try {
      const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
      return answer.redirected ? { refused: lost } : await answer.json();
    } catch {
      return { refused: lost };
    }
  }

  async function count() {
    if (isCounting) {
      isAgain = true;
      return;
    }
    isCounting = true;
    ready();
    const began = Date.now();
    const tick = async () => {
      const percent = await percentNow();
      if (isCounting) show(Math.round((Date.now() - began) / 1000), percent);
    };
    const ticking = setInterval(tick, TICK_MS);
    const found = await fetched();
    clearInterval(ticking);
    isCounting = false;
    if (part("progress")) part("progress").hidden = true;
    say(found.refused || "");
    if (found.words) {
      part("words").innerHTML = found.words;
      delete box().dataset.stale;
      document.dispatchEvent(new CustomEvent("huimin:reach", { detail: found.density }));
    }
    ready();
    if (isAgain) {
      isAgain = false;
      count();
    }
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-reach-count]")) count();
  });
  // A section of the set-up page was saved.
  document.addEventListener("huimin:saved", ({ detail }) => {
    ready();
    if (box() && "stale" in box().dataset && box().dataset.sections.split(" ").includes(detail)) count();
  });

  ready();
  if (box() && "stale" in box().dataset && document.getElementById("hm-map")) count();
})();
