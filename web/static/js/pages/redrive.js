// Sending a dead letter back: first only to be told what would happen, then really.

import { h, icon, setText } from "../dom.js";
import { part, post } from "./api.js";
import { shown } from "../text.js";

const PATH = "/api/v1/mesh/dead-letters";

/** Return the buttons for a dead letter; `onDone` is called when it was sent back. */
export function redriveBox(letterId, onDone) {
  const note = h("p", { class: "note", role: "status" });
  const say = (text, kind) => {
    setText(note, text);
    note.dataset.kind = kind;
  };
  const attempt = async (button, isDry) => {
    button.disabled = true;
    say(isDry ? "Asking what would be done…" : "Sending it back…", "");
    try {
      const { redriven } = await post(`${PATH}/${part(letterId)}/redrive`, { dry_run: isDry });
      if (isDry) say(`It would be sent back, as replay ${redriven.replay_count}. Nothing was sent.`, "good");
      else say(`Sent back as ${shown(redriven.to, 200)}, replay ${redriven.replay_count}.`, "good");
      if (!isDry) onDone();
    } catch (error) {
      if (error.status === undefined) throw error;
      say(`${error.status === 409 ? "It is not sent back" : "That did not work"}: ${shown(error.message, 300)}`, "bad");
    } finally {
      button.disabled = false;
    }
  };
  const button = (text, name, isDry) =>
    h("button", { type: "button", class: isDry ? "" : "is-first", data: { key: `${letterId}/${isDry}` }, on: { click: (event) => attempt(event.currentTarget, isDry) } }, icon(name), text);
  return h("div", { class: "redrive" }, button("Try it (dry run)", "question", true), button("Redrive", "fix", false), note);
}
