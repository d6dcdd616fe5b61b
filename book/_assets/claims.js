// Choose among the claims by study, verdict and paper. Without this script the page shows all of them.
"use strict";

(() => {
  const KINDS = { study: "Study", is: "Verdict", paper: "Paper" };

  const start = () => {
    const box = document.querySelector(".claims-filter");
    const table = document.querySelector("table.claims-table");
    if (!box || !table) return;
    const rows = [...table.querySelectorAll("tbody tr")];
    const of = (row, kind) => [...row.classList].find((name) => name.startsWith(`${kind}-`))?.slice(kind.length + 1) ?? "";
    const papers = new Map();
    for (const row of rows) {
      const link = row.querySelector(".source a");
      if (link && !papers.has(of(row, "paper"))) papers.set(of(row, "paper"), link.textContent.trim());
    }
    const said = (kind, value) => (kind === "paper" ? papers.get(value) ?? value : value.replaceAll("-", " "));
    const asked = new URLSearchParams(location.hash.startsWith("#where:") ? location.hash.slice(7) : "");
    const count = document.createElement("output");

    const fields = Object.entries(KINDS).map(([kind, word]) => {
      const select = document.createElement("select");
      select.append(new Option("all", ""));
      const values = [...new Set(rows.map((row) => of(row, kind)))].filter(Boolean);
      values.sort((a, b) => (kind === "study" ? 0 : said(kind, a).localeCompare(said(kind, b))));
      for (const value of values) select.append(new Option(said(kind, value), value));
      if (values.includes(asked.get(kind))) select.value = asked.get(kind);
      const label = document.createElement("label");
      label.append(word, " ", select);
      box.append(label);
      select.addEventListener("change", show);
      return [kind, select];
    });
    box.append(count);

    function show() {
      let n = 0;
      for (const row of rows) {
        row.hidden = !fields.every(([kind, select]) => !select.value || of(row, kind) === select.value);
        n += !row.hidden;
      }
      count.textContent = `${n} of ${rows.length} rows`;
      const wanted = fields.filter(([, select]) => select.value).map(([kind, select]) => [kind, select.value]);
      const hash = wanted.length ? `#where:${new URLSearchParams(wanted)}` : location.pathname + location.search;
      history.replaceState(null, "", hash);
    }
    show();
    box.hidden = false;
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
