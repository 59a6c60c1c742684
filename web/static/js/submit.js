// The box for a task of one's own.

import { $, setText } from "./dom.js";

const PATH = "/api/v1/mesh/tasks";
const DRAFT = "aimesh-draft";

/** `onAccepted` gets the id of the task that was taken in. */
export function watchSubmit(onAccepted) {
  const form = $("submit");
  const box = $("submit-text");
  const button = $("submit-button");
  const note = $("submit-note");
  const say = (text, kind = "") => {
    setText(note, text);
    note.dataset.kind = kind;
  };
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
  };
  // what was written survives the way to the page that asks for the token
  box.value = sessionStorage.getItem(DRAFT) ?? "";
  grow();
  box.addEventListener("input", () => {
    grow();
    sessionStorage.setItem(DRAFT, box.value);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const task = box.value.trim();
    if (!task || button.disabled) return;
    button.disabled = true;
    say("Sending…");
    try {
      const id = await send(task);
      box.value = "";
      sessionStorage.removeItem(DRAFT);
      grow();
      say("Accepted. Its way is marked below.", "good");
      onAccepted(id);
    } catch (error) {
      say(error.message, "bad");
    } finally {
      button.disabled = false;
    }
  });
}

async function send(task) {
  const headers = { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(PATH, { method: "POST", headers, body: JSON.stringify({ task }), signal: AbortSignal.timeout(15000) });
  } catch {
    throw new Error("The mesh could not be reached. The task was not sent; try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.status === 401) {
    location.assign("/unlock");
    throw new Error("This mesh asks for its access token.");
  }
  if (!response.ok) throw new Error(`Not accepted: ${answer.detail ?? `the mesh answers ${response.status}`}`);
  return String(answer.task_id);
}
