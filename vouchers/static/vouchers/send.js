// A form or dialog is sent once, and only while its session lives: else it stays as it was typed, and
// is sent after signing in in another window. On every page of the admin, with its side bar.

"use strict";

(() => {
  const words = document.currentScript.dataset;
  const TOKEN = "[name=csrfmiddlewaretoken]";
  let isAsking = false;

  function told(form) {
    const place = form.querySelector("[data-told]") ?? document.createElement("p");
    place.dataset.told = "";
    place.className = "hm-notice";
    place.setAttribute("role", "alert");
    form.prepend(place);
    return place;
  }

  function signIn() {
    const link = document.createElement("a");
    [link.href, link.target, link.textContent] = [words.account, "_blank", words.signIn];
    return link;
  }

  // Signing in changes the token, so each form is sent with the newest. Null: signed out.
  async function freshToken() {
    const answer = await fetch(words.account, { headers: { Accept: "text/html" } });
    if (answer.redirected) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector(TOKEN)?.value ?? null;
  }

  async function send(form, go) {
    const place = form.querySelector(TOKEN);
    try {
      const token = await freshToken();
      if (!token) return told(form).replaceChildren(words.signedOut, " ", signIn());
      place.value = token;
    } catch {
      return told(form).replaceChildren(words.unreachable);
    } finally {
      isAsking = false;
    }
    form.querySelector("[data-told]")?.remove();
    go();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || !form.querySelector(TOKEN)) return;
    if (form.dataset.sent === "") {
      form.dataset.sent = "once";
      return;
    }
    event.preventDefault();
    if (form.dataset.sent || isAsking) return;
    isAsking = true;
    send(form, () => {
      form.dataset.sent = "";
      form.requestSubmit(event.submitter);
    });
  });

  // Dialogs are sent by htmx, and answered by the dialog again if something in it is wrong.
  document.addEventListener("htmx:confirm", (event) => {
    const form = event.target;
    if (!form.matches("form[hx-post]") || !form.querySelector(TOKEN)) return;
    event.preventDefault();
    if (form.dataset.sent || isAsking) return;
    isAsking = true;
    send(form, () => {
      form.dataset.sent = "once";
      event.detail.issueRequest(true);
    });
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const isDone = event.detail.xhr?.getResponseHeader("HX-Redirect");
    if (event.target.matches("form[hx-post]") && !isDone) delete event.target.dataset.sent;
  });

  // A page that is come back to may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
})();
