// Where the pages do not fit beside each other, the present one is brought into view.

export function showPlace() {
  const list = document.querySelector(".nav");
  const here = list?.querySelector("[aria-current]");
  if (here) list.scrollLeft = here.offsetLeft - (list.clientWidth - here.offsetWidth) / 2;
}
