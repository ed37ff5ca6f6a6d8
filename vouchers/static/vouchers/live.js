/* The live screen: boards and alerts from the stream; where it cannot be had, asked for. */
(() => {
  "use strict";
  const ALERTS_SHOWN = 60;
  const ASK_EVERY_MS = 5000;
  const OPEN_AGAIN_MS = 15000;
  const OLD_AFTER_MS = 20000;

  const board = document.getElementById("board");
  const alerts = document.getElementById("alerts");
  const link = document.getElementById("link");
  const known = new Set(Array.from(alerts.children, (line) => line.id));
  let heardAt = Date.now();
  let source = null;

  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  // Only what has changed is replaced, and tables that were opened stay open.
  function showBoard(html) {
    const fresh = parsed(html);
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const old = board.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!old) {
        board.replaceChildren(fresh);
        break;
      }
      const opened = Array.from(old.querySelectorAll("details"), (one) => one.open);
      part.querySelectorAll("details").forEach((one, at) => { one.open = Boolean(opened[at]); });
      if (old.innerHTML !== part.innerHTML) old.replaceWith(part);
    }
    heard();
    document.dispatchEvent(new Event("huimin:board"));
  }

  function showAlert(html) {
    const line = parsed(html).firstElementChild;
    if (!line || known.has(line.id)) return;
    known.add(line.id);
    // Transactions end out of order, so one may belong below others.
    const when = timeOf(line);
    const older = Array.from(alerts.children).find((other) => timeOf(other) <= when);
    alerts.insertBefore(line, older || null);
    line.classList.add("is-new");
    while (alerts.children.length > ALERTS_SHOWN) alerts.lastElementChild.remove();
    document.getElementById("quiet").hidden = true;
    setTimeout(() => line.classList.remove("is-new"), 5000);
  }

  function timeOf(line) {
    return Date.parse(line.querySelector("time").dateTime);
  }

  function heard() {
    heardAt = Date.now();
    say(true);
  }

  function say(isLive) {
    link.textContent = isLive ? link.dataset.live : link.dataset.lost;
    link.className = isLive ? "is-live" : "is-lost";
  }

  function open() {
    source = new EventSource(board.dataset.stream);
    source.addEventListener("board", (event) => showBoard(event.data));
    source.addEventListener("alert", (event) => showAlert(event.data));
    source.addEventListener("reset", () => location.reload());
    // A browser tries again by itself, but not where it was answered no.
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      source = null;
      setTimeout(open, OPEN_AGAIN_MS);
    });
  }

  async function ask() {
    if (Date.now() - heardAt > OLD_AFTER_MS) say(false);
    if (source) return;
    try {
      const answer = await fetch(board.dataset.parts);
      if (!answer.ok || answer.redirected) return;
      const parts = await answer.json();
      showBoard(parts.board);
      parts.alerts.reverse().forEach(showAlert);
    } catch {
      say(false);
    }
  }

  open();
  setInterval(ask, ASK_EVERY_MS);
})();
