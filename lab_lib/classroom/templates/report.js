"use strict";
// Find a student, and sort the table. Without JavaScript the page shows all students in the order of their names.
const table = document.querySelector("#grades table");
if (table) {
  const rows = [...table.tBodies[0].rows];
  const find = document.querySelector("#find");
  const told = find.dataset.shown;
  find.hidden = false;
  find.querySelector("input").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().trim();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(words);
      document.getElementById(row.dataset.student).hidden = row.hidden;
      shown += !row.hidden;
    }
    find.querySelector("output").textContent = words ? told.replace("{shown}", shown).replace("{all}", rows.length) : "";
  });
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[place].dataset.value ?? "";
      const compare = (a, b) =>
        place ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b));
      rows.sort((a, b) => (up ? compare(a, b) : compare(b, a)));
      table.tBodies[0].append(...rows);
    });
  });
}
// Unfold everything to print it.
const folded = () => document.querySelectorAll("details:not([open])");
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...folded()];
  for (const each of opened) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of opened) each.open = false;
});
