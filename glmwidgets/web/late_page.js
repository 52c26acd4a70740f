// Says of when the page's widgets are, once they are there: what the kernel said while they were made, it says again.
// Asked which of the widgets that were opened since then it has never heard of, it names these.

import { hearing } from "./late_widget.js";
import { listen } from "./shared.js";

let told = null;

// Those of some ids that a page's manager of widgets does not know; all of them where it cannot be asked.
export const unknown = (ids, manager) => ids.filter((id) => !manager?.has_model?.(id));

function render({ model }) {
  const tell = () => {
    const at = model.get("at");
    if (at === null || at === told) return;
    told = at;
    model.send({ kind: "stands", at });
  };
  const answer = ({ opened }) => {
    if (opened) model.send({ kind: "unknown", at: told, ids: unknown(opened, model.widget_manager) });
  };
  tell();
  return listen(model, { "change:at": tell, "msg:custom": answer });
}

export default hearing({ render });
