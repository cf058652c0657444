// Makes the report comfortable; it is complete without. Loads nothing.
(() => {
  "use strict";
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const byId = (id) => document.getElementById(id);

  // What a closed part holds is text until somebody opens it.
  const fill = (details) => {
    for (const child of [...details.children]) {
      if (child.localName === "noscript") {
        child.insertAdjacentHTML("beforebegin", child.textContent);
        child.remove();
      }
    }
  };
  const open = (details) => {
    fill(details);
    details.open = true;
  };
  document.addEventListener("toggle", (event) => {
    if (event.target.localName === "details" && event.target.open) fill(event.target);
  }, true);

  // The theme: the system's until somebody chooses. A browser that keeps
  // nothing for files forgets the choice.
  const themes = ["system", "light", "dark"];
  const stored = () => {
    try { return localStorage.getItem("ringfence-theme"); } catch { return null; }
  };
  let theme = themes.includes(stored()) ? stored() : "system";
  const themed = () => {
    document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
    for (const button of all("[data-do=theme]")) button.textContent = `Theme: ${theme}`;
    try { localStorage.setItem("ringfence-theme", theme); } catch { /* not kept */ }
  };

  // A long list is text too. Its rows are made one list at a time while nothing
  // else is to be done, or at once where they are needed; their traces stay text.
  const form = byId("filter");
  const rows = [];
  const make = (list) => {
    const held = list.firstElementChild;
    if (held && held.localName === "noscript") {
      list.innerHTML = held.textContent.replace(
        /(<details [^>]*">.*?<\/summary>)(<div class="trace">.*?)(<\/details>)/gs,
        "$1<noscript>$2<\/noscript>$3",
      );
    }
    for (const details of list.children) {
      rows.push({
        details,
        rail: list.parentElement,
        verdict: details.dataset.verdict,
        identity: details.dataset.identity,
        text: null,
      });
    }
  };
  const lists = all(".probes");
  const makeAll = () => lists.splice(0).forEach(make);
  const idle = window.requestIdleCallback || setTimeout;
  let ready = 0;
  const makeNext = () => {
    if (lists.length) make(lists.shift());
    else if (ready < rows.length) rows.slice(ready, ready += 250).forEach(textOf);
    else return;
    idle(makeNext);
  };

  // A link to a closed part opens it.
  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!id) return;
    if (!byId(id)) makeAll();
    const target = byId(id);
    if (!target) return;
    const row = target.closest("[data-verdict]");
    if (row && row.hidden) {
      form.reset();
      filter();
    }
    for (let at = target; at; at = at.parentElement) {
      if (at.localName === "details") open(at);
    }
    target.scrollIntoView({ block: "start" });
    const focus = target.localName === "details" ? target.querySelector("summary") : null;
    if (focus) focus.focus({ preventScroll: true });
  };
  addEventListener("hashchange", reveal);

  // Filters.
  const rails = all(".rail");
  const decoder = document.createElement("textarea");
  const textOf = (row) => {
    if (row.text === null) {
      const parts = [...row.details.children].map((child) => {
        if (child.localName !== "noscript") return child.textContent;
        const plain = child.textContent.replace(/<[^>]*>/g, " ");
        if (!plain.includes("&")) return plain;
        decoder.innerHTML = plain;
        return decoder.value;
      });
      row.text = parts.join(" ").replace(/\s+/g, " ").toLowerCase();
    }
    return row.text;
  };
  const filter = () => {
    makeAll();
    const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [verdict, identity, rail] = ["verdict", "identity", "rail"].map((name) => byId(`filter-${name}`).value);
    let shown = 0;
    const used = new Set();
    for (const row of rows) {
      const fits = (!verdict || row.verdict === verdict) && (!identity || row.identity === identity)
        && (!rail || row.rail.id === rail) && (!words.length || words.every((word) => textOf(row).includes(word)));
      if (row.details.hidden === fits) row.details.hidden = !fits;
      if (fits) {
        shown += 1;
        used.add(row.rail);
      }
    }
    const some = Boolean(words.length || verdict || identity || rail);
    for (const section of rails) section.hidden = some && !used.has(section);
    const probes = rows.length === 1 ? "probe" : "probes";
    byId("filter-count").textContent = shown === rows.length ? `${rows.length} ${probes}` : `${shown} of ${rows.length} ${probes} shown`;
  };
  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 60);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    clearTimeout(waiting);
    setTimeout(filter);
  });

  const actions = {
    theme: () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      themed();
    },
    print: () => print(),
    open: () => {
      makeAll();
      for (const row of rows) if (!row.details.hidden) open(row.details);
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) actions[button.dataset.do]();
  });
  // On paper the controls stand open, and all else as it stands on the screen.
  addEventListener("beforeprint", () => {
    makeAll();
    all(".framework").forEach(open);
  });

  for (const hidden of all(".tools, .filter")) hidden.hidden = false;
  themed();
  reveal();
  idle(makeNext);
})();
