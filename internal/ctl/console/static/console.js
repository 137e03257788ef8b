// Pages work without this file. It keeps what is shown up to date, copies commands and has them follow forms, previews a
// transform while it is typed, and adds keys. It changes nothing by itself: every change is a form.

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- what a screen reader says ---

function announce(text) {
  const place = $("#announced");
  if (!place || !text) return;
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 100);
}
announce(sessionStorage.getItem("announce"));
sessionStorage.removeItem("announce");

// An address is shared without what was just done.
if (location.search.includes("done=")) {
  const query = new URLSearchParams(location.search);
  query.delete("done");
  history.replaceState(history.state, "", location.pathname + (query.size ? `?${query}` : ""));
}

// --- reading an open page again ---

const seconds = Number(document.body.dataset.refresh || 0);
let failures = 0;
let typed = false; // into a form that the command at the foot follows

async function fetchPage(url, options) {
  const response = await fetch(url, { credentials: "same-origin", ...options });
  if (!response.ok && response.status !== 422) throw new Error(String(response.status));
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// swap puts the children of one element in the place of another's. What was folded stays so.
function swap(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const open = all("details", old).map((d) => [d.querySelector("summary")?.textContent, d.open]);
  for (const details of all("details", fresh)) {
    const known = open.find(([title]) => title === details.querySelector("summary")?.textContent);
    if (known) details.open = known[1];
  }
  const scrolled = all(".scroll, pre", old).map((e) => [e.scrollLeft, e.scrollTop]);
  old.replaceChildren(...fresh.childNodes);
  all(".scroll, pre", old).forEach((e, i) => scrolled[i] && e.scrollTo(...scrolled[i]));
}

async function refresh() {
  if (document.hidden) return;
  try {
    const page = await fetchPage(location.href);
    const changes = all("[data-announce]", page).map((e) => [e.dataset.announce, document.getElementById(e.id)?.dataset.announce]);
    const news = changes.filter(([now, before]) => before !== undefined && now !== before).map(([now]) => now).join(". ");
    for (const part of all("[data-live]")) {
      const fresh = document.getElementById(part.id) && page.getElementById(part.id);
      if (fresh && !part.contains(document.activeElement)) swap(part, fresh);
    }
    const footer = $("footer", page);
    if (footer && !typed && !$("footer").contains(document.activeElement)) {
      $("footer").replaceChildren(...footer.childNodes);
      addCopy();
    }
    failures = 0;
    if (page.body.dataset.refresh === undefined && seconds) { // it has ended: once more as a whole
      sessionStorage.setItem("announce", news);
      location.reload();
    } else {
      announce(news);
    }
  } catch {
    failures += 1;
  }
}

function again() {
  const wait = seconds * 1000 * Math.min(2 ** failures, 16);
  setTimeout(async () => {
    await refresh();
    if (document.body.dataset.refresh !== undefined) again();
  }, wait);
}

if (seconds > 0) again();

// --- copying commands ---

function addCopy() {
  for (const code of all("code.command")) {
    if (code.nextElementSibling?.matches("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
      announce("Copied");
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    code.after(" ", button);
  }
}
addCopy();

// --- forms: a second click does nothing ---

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.submitter?.formAction?.endsWith("/preview")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

// --- the command of a form, as it is typed ---

for (const form of all("form[data-command]")) {
  let timer = 0;
  let asked = 0;
  const own = $("code.command", form);
  const show = async () => {
    const mine = ++asked;
    const root = document.documentElement;
    try {
      const options = { method: "POST", credentials: "same-origin", body: new URLSearchParams(new FormData(form)) };
      const response = await fetch(`/command?form=${form.dataset.command}`, options);
      if (!response.ok) throw new Error(String(response.status));
      const line = await response.text();
      if (mine !== asked) return;
      (own ?? $("footer code.command")).textContent = line;
      root.classList.add("follows");
    } catch {
      root.classList.remove("follows"); // then the page says that the command is not of now
    }
  };
  form.addEventListener("input", () => {
    typed ||= !own;
    clearTimeout(timer);
    timer = setTimeout(show, 250);
  });
  addEventListener("pageshow", show); // a browser may have put back what was typed
}

// --- a transform, previewed while it is typed ---

const wizard = $("form.wizard");
if (wizard) {
  let timer = 0;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    try {
      const page = await fetchPage($("[formaction]", wizard).formAction, { method: "POST", body: new URLSearchParams(new FormData(wizard)) });
      if (mine === asked) $("#preview").replaceChildren(...$("#preview", page).childNodes);
    } catch {
      // The button still works.
    }
  };
  wizard.addEventListener("input", (event) => {
    const name = event.target.name;
    if (!["change", "mergePatch", "jsonPatch", "jsonata", "resource", "version"].includes(name)) return;
    clearTimeout(timer);
    if ($("#c-none")?.checked) return $("#preview").replaceChildren();
    timer = setTimeout(show, 400);
  });
  wizard.addEventListener("click", (event) => {
    if (!event.target.matches("[formaction]")) return;
    event.preventDefault();
    show();
  });
}

// --- keys ---

const keys = [
  ["/", "search", () => $("#q").focus()],
  ["g o", "overview", () => location.assign("/")],
  ["g f", "failures", () => location.assign("/failures")],
  ["g r", "replays", () => location.assign("/replays")],
  ["g n", "new replay", () => location.assign("/replays/new")],
  ["?", "these keys", help],
];
let first = "";

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select") || $("dialog[open]")) return;
  const pressed = first ? `${first} ${event.key}` : event.key;
  first = "";
  const known = keys.find(([key]) => key === pressed);
  if (known) {
    event.preventDefault();
    known[2]();
  } else if (event.key === "g") {
    first = "g";
    setTimeout(() => (first = ""), 1500);
  }
});

function help() {
  let dialog = $("dialog.keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keys";
    const list = document.createElement("dl");
    for (const [key, says] of keys) {
      const dt = document.createElement("dt");
      key.split(" ").forEach((k, i) => {
        const kbd = document.createElement("kbd");
        kbd.textContent = k;
        dt.append(i ? " then " : "", kbd);
      });
      const dd = document.createElement("dd");
      dd.textContent = says;
      list.append(dt, dd);
    }
    const form = document.createElement("form");
    form.method = "dialog";
    const close = document.createElement("button");
    close.textContent = "Close";
    form.append(close);
    dialog.append(title, list, form);
    document.body.append(dialog);
  }
  dialog.showModal();
}
