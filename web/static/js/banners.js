// Notices above the content, for what must not be overlooked.

import { $, h, icon, setText } from "./dom.js";

/** Show banners, each [key, kind, icon, text], touching only those that change. */
export function showBanners(found) {
  const list = $("banners");
  const kept = new Map([...list.children].map((node) => [node.dataset.key, node]));
  found.forEach(([key, kind, name, text], index) => {
    let node = kept.get(key);
    kept.delete(key);
    if (!node) node = h("li", { data: { key } }, icon(name), h("span"));
    node.className = `banner is-${kind}`;
    setText(node.querySelector("span"), text);
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  for (const node of kept.values()) node.remove();
}
