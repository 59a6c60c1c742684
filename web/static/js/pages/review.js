// The review of a task.

import { chip, clamped, lineCount, tokensOf } from "../parts.js";
import { fill, h, icon } from "../dom.js";
import { promptFold, promptsFor } from "./attempt.js";
import { seconds } from "../format.js";

const LINES = 40;

export function showReview(element, task, prompts) {
  const { review } = task;
  element.hidden = !review;
  const signature = `${review?.at}/${prompts.length}`;
  if (!review || element.dataset.signature === signature) return;
  element.dataset.signature = signature;
  const word = review.success ? "passed" : "failed";
  const text = h("p", { class: "review-text", text: review.text.trim() || "(the review is empty)" });
  fill(
    element,
    h("div", { class: "panel-head" }, h("h2", { id: "review-title", text: "Review" }), h("span", { class: `state is-${word}` }, icon(review.success ? "check" : "cross"), word)),
    h("div", { class: "facts" }, review.duration === null ? null : chip(seconds(review.duration), "", "the model's time"), tokensOf(review), chip(review.model, "is-quiet")),
    clamped(`${task.id}/review`, text, Math.max(lineCount(review.text), Math.ceil(review.text.length / 110)), LINES, "line"),
    promptsFor("reviewer", 0, prompts).map((prompt) => promptFold(`${task.id}/review/prompt`, prompt)),
  );
}
