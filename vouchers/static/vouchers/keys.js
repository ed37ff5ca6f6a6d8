// The menus of acts above a page, which the theme opens by mouse alone, by keyboard too: Enter or the
// space bar opens one and goes to its first act, Escape comes back.

"use strict";

(() => {
  const MENU = "li[x-data] > a:not([href])";
  const OPENED = "body > nav a";
  let opener = null;

  document.addEventListener("DOMContentLoaded", () => {
    for (const menu of document.querySelectorAll(MENU)) {
      menu.tabIndex = 0;
      menu.setAttribute("role", "button");
      menu.setAttribute("aria-haspopup", "true");
    }
  });

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.matches?.(MENU) && ["Enter", " "].includes(key)) {
      event.preventDefault();
      opener = target;
      target.click();
      setTimeout(() => [...document.querySelectorAll(OPENED)].find((act) => act.offsetParent)?.focus(), 200);
    } else if (key === "Escape" && opener && target.closest?.("body > nav")) {
      document.body.click();
      opener.focus();
    }
  });
})();
