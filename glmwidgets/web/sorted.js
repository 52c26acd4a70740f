// A table of a page: a press on a column's head sorts the rows by it, and another the other way round.
const number = (text) => Number(text.replace("\u2212", "-"));

const order = (a, b) => {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? Infinity : -Infinity; // what is not known stays last
  const difference = number(a) - number(b);
  return Number.isNaN(difference) ? a.localeCompare(b, "en", { numeric: true }) : difference;
};

for (const table of document.querySelectorAll("table.quality")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rises = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rises ? "ascending" : "descending");
      const text = (row) => row.cells[column].textContent.trim();
      const turned = (by) => Number.isFinite(by) && !rises ? -by : by;
      const rows = [...table.tBodies[0].rows];
      table.tBodies[0].append(...rows.sort((a, b) => turned(order(text(a), text(b)))));
    });
  });
}
