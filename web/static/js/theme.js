// Before the first paint: the theme that was chosen by hand. Not a module, so that it runs at once.
try {
  document.documentElement.dataset.theme = localStorage.getItem("aimesh-theme") || "auto";
} catch {
  document.documentElement.dataset.theme = "auto"; // a browser may forbid storage
}
