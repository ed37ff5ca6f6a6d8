// The set-up page: a section is saved when it is left or its button is pressed, one save after the
// other. What is typed stays in the window's storage until it is saved, also when the session ends.

"use strict";

(() => {
  const page = document.querySelector("[data-setup]");
  if (!page) return;
  const words = page.dataset;
  const dirty = new Set(); // keys of sections with something typed and not saved
  let queue = Promise.resolve();

  const forms = (root = document) => [...root.querySelectorAll("form[data-section]")];
  const formOf = (key) => document.querySelector(`#${key} form[data-section]`);
  const storageKey = (key) => `${words.key}:${key}`;

  // Whatever a place is folded into is opened; of a whole section its own fold.
  function unfold(place) {
    place.querySelector?.(":scope > [data-fold]")?.setAttribute("open", "");
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }

  function say(form, text) {
    const place = form.querySelector("[data-status]");
    if (place) place.textContent = text;
  }

  function notice(text, link) {
    const place = document.querySelector("[data-notice]");
    place.textContent = text;
    if (link) {
      place.append(" ");
      const anchor = place.appendChild(document.createElement("a"));
      anchor.href = link.href;
      anchor.textContent = link.text;
    }
    place.hidden = !text;
  }

  function keep(form) {
    const values = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    sessionStorage.setItem(storageKey(form.dataset.section), JSON.stringify(values));
  }

  function forget(key) {
    dirty.delete(key);
    sessionStorage.removeItem(storageKey(key));
  }

  function fill(form, values) {
    const typed = new Map();
    for (const [name, value] of values) typed.set(name, [...(typed.get(name) ?? []), value]);
    for (const field of form.elements) {
      if (!field.name || ["csrfmiddlewaretoken", "section"].includes(field.name)) continue;
      const given = typed.get(field.name) ?? [];
      if (field.type === "checkbox" || field.type === "radio") field.checked = given.includes(field.value);
      else if (field.tagName === "SELECT" && field.multiple) for (const one of field.options) one.selected = given.includes(one.value);
      else if (field.type !== "submit" && given.length) field.value = given[0];
      if (given.length && field.type !== "hidden" && field.value !== field.defaultValue) unfold(field);
    }
  }

  // What a session that ended left behind. It keeps the edit it was typed on, so that an edit of
  // another person in between is still noticed.
  function restore() {
    for (const form of forms()) {
      const kept = form.dataset.section && sessionStorage.getItem(storageKey(form.dataset.section));
      if (!kept || form !== formOf(form.dataset.section)) continue;
      if ("refused" in form.dataset) dirty.add(form.dataset.section);
      else {
        fill(form, JSON.parse(kept));
        dirty.add(form.dataset.section);
        notice(words.restored);
        say(form, words.unsaved);
      }
    }
  }

  function swap(fresh, saved, isSaved) {
    const focused = document.activeElement?.id;
    document.getElementById("hm-panel").replaceWith(fresh.getElementById("hm-panel"));
    const seen = fresh.querySelector('#hm-panel [name=seen_edit], form[data-section] [name=seen_edit]')?.value;
    for (const section of fresh.querySelectorAll(".hm-setup-section")) {
      const here = document.getElementById(section.id);
      // What a person has open stays open.
      if (here.querySelector("[data-fold]")?.open) unfold(section);
      if (section.id === saved || !dirty.has(section.id)) here.replaceWith(section);
      else if (isSaved) for (const field of here.querySelectorAll("[name=seen_edit]")) field.value = seen;
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("huimin:saved", { detail: isSaved ? saved : "" }));
  }

  async function send(form, pressed) {
    const key = form.dataset.section;
    const body = new FormData(form);
    if (pressed?.name) body.append(pressed.name, pressed.value);
    if (dirty.has(key)) keep(form);
    say(form, words.saving);
    let answer, fresh;
    try {
      answer = await fetch(location.pathname, { method: "POST", body, headers: { Accept: "text/html" } });
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      say(form, words.unsaved);
      return notice(words.lost);
    }
    if (!fresh.querySelector("[data-setup]")) {
      say(form, words.unsaved);
      return notice(words.signedOut, { href: answer.url, text: words.signIn });
    }
    const isSaved = fresh.querySelector("[data-setup]").dataset.outcome !== "refused";
    notice("");
    if (isSaved) forget(key);
    swap(fresh, key, isSaved);
    if (!key) {
      for (const place of page.querySelectorAll(".hm-setup-head [data-problems]")) place.remove();
      const problems = fresh.querySelector(".hm-setup-head [data-problems]");
      if (problems) page.querySelector("[data-notice]").before(problems);
    }
    const now = key ? formOf(key) : null;
    if (now) say(now, isSaved ? words.saved : words.refused);
    if (!isSaved) {
      if (key) dirty.add(key);
      const problems = document.querySelector(key ? `#${key} [data-problems]` : "[data-problems]");
      if (pressed && problems) problems.focus();
    }
  }

  // The form is looked up when its turn comes: a save before may have put it in anew.
  function save(find, pressed) {
    queue = queue.then(() => {
      const form = find();
      return form ? send(form, pressed) : undefined;
    });
  }

  document.addEventListener("input", ({ target }) => {
    const form = target.closest?.("form[data-section]");
    if (!form?.dataset.section) return;
    dirty.add(form.dataset.section);
    keep(form);
    say(form, words.unsaved);
  });

  document.addEventListener("focusout", ({ target }) => {
    const form = target.closest?.("form[data-section]");
    if (!form?.dataset.section || form.dataset.section === "stores") return;
    setTimeout(() => {
      if (form.isConnected && dirty.has(form.dataset.section) && !form.contains(document.activeElement))
        save(() => (dirty.has(form.dataset.section) ? formOf(form.dataset.section) : null));
    });
  });

  // What else the panel says depends on the count, too.
  document.addEventListener("huimin:reach", () => {
    queue = queue.then(async () => {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
      const fresh = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("hm-panel");
      if (!fresh) return;
      document.getElementById("hm-panel").replaceWith(fresh);
      document.dispatchEvent(new CustomEvent("huimin:saved", { detail: "" }));
    });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-section]");
    if (!form) return;
    event.preventDefault();
    const key = form.dataset.section;
    const pressed = event.submitter && { name: event.submitter.name, value: event.submitter.value };
    // The panel's buttons work on what is saved.
    if (!key) for (const one of [...dirty]) save(() => (dirty.has(one) ? formOf(one) : null));
    const isSecond = key && form !== formOf(key);
    save(() => (isSecond ? form : document.querySelector(key ? `#${key} form[data-section]` : ".hm-fit")), pressed);
  });

  // A link to a field opens what it stands in and gives it the focus; one that drops what was typed
  // loads the page anew.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href*="#"]');
    if (!link) return;
    if ("discard" in link.dataset) {
      event.preventDefault();
      const key = link.hash.slice(1);
      forget(key);
      location.replace(link.href);
      location.reload();
      return;
    }
    if (link.pathname !== location.pathname) return;
    const place = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!place) return;
    unfold(place);
    if (!place.matches("section")) {
      event.preventDefault();
      place.scrollIntoView({ block: "center" });
      (place.matches("input, select, textarea") ? place : place.querySelector("input, select, textarea"))?.focus();
    }
  });

  restore();
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && page.contains(named)) {
    unfold(named);
    named.scrollIntoView();
  }
  document.querySelector("[data-problems]")?.focus();
  page.dataset.ready = "";
})();
