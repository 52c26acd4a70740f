// What a widget's module does first: it sees to it that its model hears the kernel.
//
// anywidget (0.11) gives a module two seconds from its widget's being told of. One that comes later, on a busy machine, is
// drawn all the same, but every message of the kernel then waits for a promise that was refused: map or table stay for
// ever as they were when they were made. So a module that is there asks its model whether it hears; one that does not is
// given the ears of any other widget, and asks the kernel for all that it missed.

// How models take messages before anywidget's puts its wait in front.
function earsOf(raw) {
  const waiting = raw._handle_comm_msg;
  let at = raw;
  while (at && (!Object.hasOwn(at, "_handle_comm_msg") || at._handle_comm_msg === waiting)) {
    at = Object.getPrototypeOf(at);
  }
  return at?._handle_comm_msg;
}

// Whether the model had to be helped.
export async function attend(model) {
  const id = model.get("_own"), manager = model.widget_manager;
  const raw = id && manager?.has_model?.(id) ? await manager.get_model(id) : null;
  if (!raw?.comm || !raw._handle_comm_msg) return false;
  try {
    await raw._handle_comm_msg({ content: { data: { method: "do you hear" } } });
    return false;
  } catch {
    const ears = earsOf(raw);
    if (!ears) return false;
    raw._handle_comm_msg = ears;
    raw.comm.on_msg(ears.bind(raw));
    raw.comm.send({ method: "request_state" }, {});
    return true;
  }
}

// A widget, or a function that makes one, whose model hears.
export function hearing(widget) {
  if (typeof widget === "function") return async () => hearing(await widget());
  return {
    ...widget,
    async initialize(given) {
      const made = await widget.initialize?.(given);
      attend(given.model);
      return made;
    },
  };
}
