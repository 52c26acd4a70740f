// Says how long the explorer's map took to paint, each time that its values are others: the rest of the status line
// comes from the kernel, which does not know.

import { hearing } from "./late_widget.js";

function render({ el }) {
  el.classList.add("glmw-paint");
  const hear = ({ target, detail }) => {
    const explorer = el.closest(".glmw-explorer");
    if (!detail.fresh || !explorer?.querySelector(".glmw-slices")?.contains(target)) return;
    const words = `paint ${detail.ms < 1 ? detail.ms.toFixed(1) : Math.round(detail.ms)} ms`;
    if (el.textContent !== words) el.textContent = words;
  };
  document.addEventListener("glmw:paint", hear);
  return () => document.removeEventListener("glmw:paint", hear);
}

export default hearing({ render });
