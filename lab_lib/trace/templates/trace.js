"use strict";
// Steps through the rows of the table, and marks the parts of the chain that each is about.
const rows = [...document.querySelectorAll("tr[data-parts]")];
const parts = [...document.querySelectorAll("g[data-part]")];
const told = document.querySelector("output");
let step = -1;

function show(number) {
  step = Math.max(0, Math.min(number, rows.length - 1));
  const row = rows[step];
  const lit = new Set(row.dataset.parts.split("|"));
  rows.forEach((each) => each.classList.toggle("now", each === row));
  parts.forEach((each) => each.classList.toggle("now", lit.has(each.dataset.part)));
  told.textContent = `${step + 1}/${rows.length} ${row.dataset.said}`;
}

document.querySelector("nav").hidden = false;
document.getElementById("back").addEventListener("click", () => show(step - 1));
document.getElementById("on").addEventListener("click", () => show(step + 1));
rows.forEach((row, number) => row.addEventListener("click", () => show(number)));
document.addEventListener("keydown", (event) => {
  const to = { ArrowRight: step + 1, ArrowLeft: step - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  show(to);
});
if (rows.length) show(0);
