// Which jobs stand best against an adversary, for each data set and threat.
import { h, badge, percent, figure, number, jobTitle, time, normSymbol } from "./dom.js";
import { get } from "./api.js";

export async function show(body, { query, signal }) {
  const chosen = Object.fromEntries(["dataset", "norm", "epsilon"].map((name) => [name, query.get(name)]).filter(([, value]) => value));
  const search = new URLSearchParams({ limit: "200", ...chosen });
  const { data } = await get(`/v1/leaderboard?${search}`, signal);
  const boards = Map.groupBy ? Map.groupBy(data, boardOf) : grouped(data);
  body.append(h("h1", "Leaderboard"),
    h("p", "Jobs by the accuracy that all attacks together leave. A place has only who can be compared: an evaluation to its full budget that no diagnostic discredits."),
    ...(Object.keys(chosen).length ? [h("p", h("a", { href: "#/leaderboard" }, "All data sets and threats"))] : []),
    ...(boards.size ? [...boards].map(([name, rows]) => board(name, rows)) : [h("p", "No job has a report yet. ", h("a", { href: "#/submit" }, "Submit one."))]),
    h("p.small.dim", "As a table of a spreadsheet: ", h("code", `curl -H 'Accept: text/csv' '${location.origin}/v1/leaderboard${Object.keys(chosen).length ? `?${new URLSearchParams(chosen)}` : ""}'`)));
  return "Leaderboard";
}

const boardOf = (row) => `${row.dataset}, ${normSymbol(row.norm)}, ε ${row.epsilon}`;

function grouped(rows) {
  const boards = new Map();
  for (const row of rows) boards.set(boardOf(row), [...(boards.get(boardOf(row)) ?? []), row]);
  return boards;
}

const share = (figure) => (figure ? `${percent(number(figure.value))} [${percent(number(figure.low))}, ${percent(number(figure.high))}]` : "–");

function board(name, rows) {
  const { dataset, norm, epsilon } = rows[0];
  const certified = rows.some((row) => row.figures.certified_accuracy);
  const head = ["place", "job", "network", "method", "under attack", "clean", ...(certified ? ["certified"] : []), "verdict", "finished"];
  const cells = rows.map((row) => [
    row.place === null ? h("span.dim", { title: why(row) }, "–", h("span.unseen", ` ${why(row)}`)) : String(row.place),
    h("a", { href: `#/jobs/${row.job}` }, jobTitle({ id: row.job, name: row.name })), row.architecture ?? "its own", row.method ?? "–",
    share(row.figures.robust_accuracy), share(row.figures.clean_accuracy), ...(certified ? [share(row.figures.certified_accuracy)] : []), badge(row.verdict), time(row.finished_at),
  ]);
  const table = h("table.cards", { "aria-label": `Jobs on ${name}` }, h("caption.unseen", `Jobs on ${name}`), h("thead", h("tr", head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", cells.map((row) => h("tr", row.map((cell, column) => (column === 1 ? h("td.name", cell) : h("td", { "data-label": head[column] }, cell)))))));
  const unplaced = rows.filter((row) => row.place === null).length;
  return h("section.card", { "aria-label": name },
    h("h2", h("a", { href: `#/leaderboard?${new URLSearchParams({ dataset, norm, epsilon })}` }, name)),
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": `Jobs on ${name}` }, table),
    unplaced > 0 && h("p.small.dim", `${unplaced} without a place: ${unplaced === 1 ? "its evaluation is" : "their evaluations are"} weak or discredited.`));
}

function why(row) {
  if (row.discredited_by.length) return `discredited by ${row.discredited_by.join(", ")}`;
  return row.strong ? "no robust accuracy" : "a weak evaluation";
}
