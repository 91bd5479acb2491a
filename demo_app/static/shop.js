// The shop works without this script; with it, pages change in place. No library.
"use strict";

const shop = document.getElementById("shop");
let latest = 0; // answers that come back out of turn are dropped

async function fetched(link, part) {
  const reply = await fetch(link, { headers: part ? { "X-Part": part } : {}, credentials: "same-origin" });
  if (!reply.ok) throw new Error(String(reply.status));
  return reply.text();
}

// Show `link`: only the results when the filters stay as they are, the whole shop when they change.
async function show(link, part, remember = true) {
  const mine = ++latest;
  document.body.classList.add("busy");
  try {
    const text = await fetched(link, part);
    if (mine !== latest) return;
    swap(text, part);
    if (remember) history.pushState({}, "", link);
  } catch {
    location.href = link; // the server's own page says best what is wrong
  } finally {
    if (mine === latest) document.body.classList.remove("busy");
  }
}

function swap(text, part) {
  const focus = document.activeElement && document.activeElement.name
    ? [document.activeElement.name, document.activeElement.value] : null;
  if (part === "results") {
    document.getElementById("main").innerHTML = text;
    followLink();
    scrollTo({ top: 0 });
    document.getElementById("main").focus({ preventScroll: true });
    return;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  const scrolled = [...document.querySelectorAll(".panel, .values.long")].map((e) => e.scrollTop);
  const open = document.getElementById("panel").open;
  page.getElementById("panel").open = open;
  page.getElementById("panel").classList.add("ready");
  for (const id of ["shop", "search"]) document.getElementById(id).replaceChildren(...page.getElementById(id).children);
  [...document.querySelectorAll(".panel, .values.long")].forEach((e, i) => { e.scrollTop = scrolled[i] || 0; });
  if (focus) {
    const again = [...document.getElementsByName(focus[0])].find((e) => e.type !== "checkbox" || e.value === focus[1]);
    if (again) again.focus({ preventScroll: true });
  }
}

// Keep the search that the filter form will repeat in step with the results.
function followLink() {
  const query = new URL(document.getElementById("results").dataset.link, location.href).searchParams;
  const form = document.getElementById("filters");
  form.querySelectorAll("input[type=hidden]").forEach((input) => input.remove());
  for (const name of ["q", "mode", "like", "by", "upload"]) {
    if (!query.has(name)) continue;
    const input = Object.assign(document.createElement("input"), { type: "hidden", name, value: query.get(name) });
    form.prepend(input);
  }
  document.getElementById("q").value = query.get("q") || "";
}

function linkOf(form) {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  if (!query.has("city")) query.delete("km");
  return "/?" + query;
}

async function openHood(link) {
  const dialog = document.getElementById("hood");
  const body = document.getElementById("hood-body");
  body.textContent = "Asking …";
  dialog.showModal();
  try { body.innerHTML = await fetched(link, "hood"); } catch { location.href = link; }
}

document.addEventListener("click", async (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const at = event.target.closest("a[data-go], a[data-filter], a[data-hood], [data-copy], [data-close]");
  if (!at) { if (event.target.id === "hood") event.target.close(); return; }
  if (at.dataset.copy !== undefined) return copy(at);
  if (at.dataset.close !== undefined) { const d = at.closest("dialog"); if (d) d.close(); return; }
  if (!shop) return;
  event.preventDefault();
  const link = at.getAttribute("href");
  if (at.dataset.hood !== undefined) openHood(link);
  else show(link, at.dataset.go !== undefined ? "results" : null);
});

async function copy(button) {
  const pre = button.parentElement.querySelector("pre");
  try {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(pre); // no clipboard without https: leave it selected
    button.textContent = "Selected: press Ctrl+C";
  }
}

if (shop) {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("#filters");
    if (form) show(linkOf(form), null);
    if (event.target.id === "mode" && document.getElementById("q").value) show(linkOf(event.target.form), null);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters" && event.target.id !== "search") return;
    event.preventDefault();
    show(linkOf(event.target), null);
  });
  const followLoading = () => {
    if (document.getElementById("loading")) show(location.href, null, false).then(() => setTimeout(followLoading, 1500));
  };
  setTimeout(followLoading, 1500);
  addEventListener("popstate", () => show(location.href, null, false));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const drop = event.target.closest && event.target.closest(".drop");
      if (!drop) return;
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) drop.querySelector("input").files = event.dataTransfer.files;
    });
  }
  if (matchMedia("(max-width: 860px)").matches) document.getElementById("panel").open = false;
  document.getElementById("panel").classList.add("ready");
}
