// The button that goes from theme to theme.

import { $, setText } from "./dom.js";

const THEMES = ["auto", "light", "dark"];

function remember(theme) {
  try {
    localStorage.setItem("aimesh-theme", theme);
  } catch {
    // a browser may forbid storage; the theme then lasts until the page is left
  }
}

export function watchTheme() {
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "auto") + 1) % THEMES.length];
    root.dataset.theme = next;
    remember(next);
    setText($("theme-word"), next);
  });
  setText($("theme-word"), document.documentElement.dataset.theme || "auto");
}
