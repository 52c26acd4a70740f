// A table that is wider than its room: a column is seen whole or not at all, for half a number is another number, and
// an arrow says that there are more.

import { element } from "./shared.js";

const ARROW = 14; // pixels of the arrow

// Pixels to cover at the left and the right edge of a room, of columns as their [left, right] in it; 0 where none is
// beyond the edge. A column that takes more than the room is cut all the same, beside the arrow.
export function coversOf(columns, room) {
  const beyond = [columns.some(([from]) => from < -1), columns.some(([, to]) => to > room + 1)];
  const hidden = [columns.filter(([from]) => from < ARROW), columns.filter(([, to]) => to > room - ARROW)];
  const left = Math.max(ARROW, ...hidden[0].map(([, to]) => to));
  const right = Math.max(ARROW, ...hidden[1].map(([from]) => room - from));
  const most = room / (beyond[0] && beyond[1] ? 2 : 1);
  return [left, right].map((wide, edge) => beyond[edge] ? (wide < most ? wide : ARROW) : 0);
}

export function sideways(el, head) {
  // Keys reach every column by themselves, and readers read them all.
  const covers = ["\u2039", "\u203a"].map((arrow, edge) => {
    const cover = element("div", "glmw-sideways", el);
    cover.ariaHidden = "true";
    cover.textContent = arrow;
    cover.addEventListener("click", () => el.scrollBy({ left: (edge ? 1 : -1) * Math.max(40, el.clientWidth - 60) }));
    return cover;
  });
  const places = () => {
    const start = el.getBoundingClientRect().left + el.clientLeft;
    return [...head.rows[0]?.cells ?? []].map((th) => {
      const { left, right } = th.getBoundingClientRect();
      return [left - start, right - start];
    });
  };

  function cover() {
    const columns = places(), room = el.clientWidth, wide = coversOf(columns, room);
    covers.forEach((cover, edge) => {
      cover.hidden = !wide[edge];
      if (!wide[edge]) return;
      const names = columns.flatMap(([from, to], c) =>
        (edge ? to > room - wide[1] + 1 : from < wide[0] - 1) ? [head.rows[0].cells[c].textContent] : []
      );
      cover.title = `more columns: ${names.filter(Boolean).join(", ")}`;
      Object.assign(cover.style, {
        left: `${el.scrollLeft + (edge ? room - wide[1] : 0)}px`,
        top: `${el.scrollTop}px`,
        width: `${wide[edge]}px`,
        height: `${el.clientHeight}px`,
      });
    });
  }

  // Bring a column into sight that keys went to.
  function reach(column) {
    const [from, to] = places()[column] ?? [0, 0], room = el.clientWidth;
    if (to > room - ARROW) el.scrollLeft += Math.min(to - room + ARROW + 1, from);
    else if (from < ARROW) el.scrollLeft += from - ARROW - 1;
  }

  return { cover, reach };
}
