// Gives a person a file where what the kernel writes would be lost: the browser's own download.

import { hearing } from "./late_widget.js";

function render({ model, el }) {
  el.classList.add("glmw-frame");
  const offer = ({ name }, [content]) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  model.on("msg:custom", offer);
  return () => model.off("msg:custom", offer);
}

export default hearing({ render });
