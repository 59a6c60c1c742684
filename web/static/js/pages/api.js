// Asking the mesh: answers as objects, failures in words.

const GIVE_UP_MS = 20000;

/** What the mesh answers instead of what was asked for: `status` is 0 where it did not answer. */
class Failure extends Error {
  constructor(status, message, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Get an answer; `query` leaves out what is empty. */
export function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return ask(text ? `${path}?${text}` : path, { cache: "no-store" });
}

/** Send something, and return what the mesh says to it. */
export function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, { ...options, signal: AbortSignal.timeout(GIVE_UP_MS) });
  } catch (error) {
    throw new Failure(0, error.name === "TimeoutError" ? "the mesh does not answer" : "the mesh could not be reached");
  }
  if (response.status === 401) {
    location.assign("/unlock");
    throw new Failure(401, "this mesh asks for its access token");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Failure(response.status, String(answer.detail ?? `the mesh answers ${response.status}`), answer);
  return answer;
}

/** A part of an address made of any text. */
export const part = (text) => encodeURIComponent(String(text));
