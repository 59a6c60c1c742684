// Shows the token to the mesh, which lets this browser in from then on.

const form = document.getElementById("unlock");
const note = document.getElementById("unlock-note");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  note.textContent = "";
  const token = document.getElementById("token").value.trim();
  const response = await fetch("/unlock", { method: "POST", headers: { Authorization: `Bearer ${token}` } }).catch(() => null);
  if (response?.ok) location.assign("/");
  else note.textContent = response ? "That is not the token. It is the value of AIMESH_API_TOKEN." : "The mesh could not be reached.";
});
