// The keyboard: everything on the page can be reached without a mouse.

import { $ } from "./dom.js";

const MOVES = {
  j: [0, 1], ArrowDown: [0, 1], k: [0, -1], ArrowUp: [0, -1],
  l: [1, 0], ArrowRight: [1, 0], h: [-1, 0], ArrowLeft: [-1, 0],
};

export function watchKeys({ columns, togglePause, clear }) {
  const help = $("help");
  $("help-button").addEventListener("click", () => help.showModal());
  $("help-close").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = event.target.closest?.("input[type=search], textarea, select");
    if (event.key === "Escape") {
      if (typing) typing.blur();
      else clear();
      return;
    }
    if (typing || event.target.matches?.("input")) return;
    const card = event.target.closest?.(".card");
    const move = MOVES[event.key];
    // arrows scroll the page unless a card has the focus
    if (move && (card || !event.key.startsWith("Arrow"))) columns.move(...move);
    else if (event.key === "Enter" && event.target === card) columns.select(card.dataset.task);
    else if (event.key === "/") $("filter").focus();
    else if (event.key === "n") $("submit-text").focus();
    else if (event.key === "p") togglePause();
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  });
}
