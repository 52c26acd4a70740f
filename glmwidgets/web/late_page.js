// Says of when the page's widgets are, once they are there: what the kernel said while they were made, it says again.

import { hearing } from "./late_widget.js";
import { listen } from "./shared.js";

let told = null;

function render({ model }) {
  const tell = () => {
    const at = model.get("at");
    if (at === null || at === told) return;
    told = at;
    model.send({ kind: "stands", at });
  };
  tell();
  return listen(model, { "change:at": tell });
}

export default hearing({ render });
