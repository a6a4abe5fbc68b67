// Shows progress while the agent works, and the answer only once it is complete. `/{{command}}` turns this view on and
// off for a session.

import { activeSession } from "cordboard:plugin/context@0.2.6";
import { setMode } from "cordboard:plugin/session-control@0.2.6";

const MODE = "{{name}}"; // the name of the view mode

const message = (text) => ({ text, buttons: [], attachments: [], inPlace: false });
const counted = (number, noun) => `${number} ${noun}${number == 1 ? "" : "s"}`;

export const command = {
  specs() {
    const summary = "Switch between complete answers and the usual view";
    return [{ name: "{{command}}", summary, usage: "/{{command}}", minRole: "member", order: "in-order" }];
  },

  run(command, args, text) {
    const session = activeSession();
    if (!session) throw "No active session. Use /new to start one."; // the caller sees a thrown string
    const mode = session.mode === MODE ? undefined : MODE;
    setMode(session.name, mode);
    return message(`Answers of \`${session.name}\` are shown ${mode ? "when they are complete" : "as usual"}.`);
  },
};

export const view = {
  modes() {
    return [{ name: MODE, description: "The answer, once it is complete" }];
  },

  // Called for each frame, with the whole turn so far. Each message replaces the previous frame's message with the same
  // index.
  render(mode, { done, parts, error, elapsed }, limits) {
    if (!done) return { live: progress(parts, elapsed), messages: [] };
    // The agent's texts, which are separated by its actions.
    const answer = parts.filter((part) => part.tag === "text").map((part) => part.val.trim()).filter(Boolean);
    if (error) answer.push(`⚠ ${escape(error)}`);
    return { live: undefined, messages: [message(answer.join("\n\n") || "Done.")] };
  },
};

function progress(parts, elapsed) {
  const steps = parts.filter((part) => part.tag === "action").length;
  return steps ? `Working… ${counted(steps, "step")}, ${counted(elapsed, "second")}` : "Working…";
}

// Escapes Markdown, because replies are Markdown and the text is untrusted.
function escape(text) {
  return text.replace(/[\\`*_{}[\]<>()#+!|~-]/g, "\\$&");
}
