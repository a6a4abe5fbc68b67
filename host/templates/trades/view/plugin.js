// Shows answers when they are complete, and until then how far the agent is. `/{{command}}` switches that on and off for a session.

import { active } from "cordboard:plugin/context@0.1.0";
import { setMode } from "cordboard:plugin/session-control@0.1.0";

const MODE = "{{name}}"; // as sessions name it

const message = (text) => ({ text, buttons: [], attachments: [], inPlace: false });
const counted = (number, noun) => `${number} ${noun}${number == 1 ? "" : "s"}`;

export const command = {
  specs() {
    const summary = "Shows answers when they are complete, or as usual";
    return [{ name: "{{command}}", summary, usage: "/{{command}}", leastRole: "member", order: "in-order" }];
  },

  run(command, args, text) {
    const session = active();
    if (!session) throw "No active session. Use /new to start one."; // a string is shown to the caller
    const mode = session.mode === MODE ? undefined : MODE;
    setMode(session.name, mode);
    return message(`Answers of \`${session.name}\` are shown ${mode ? "when they are complete" : "as usual"}.`);
  },
};

export const view = {
  modes() {
    return [{ name: MODE, description: "The answer, when it is complete" }];
  },

  // Called for each frame with the whole turn so far. Message i takes the place of message i of the frame before.
  render(mode, { done, parts, error, elapsed }, limits) {
    if (!done) return { live: progress(parts, elapsed), messages: [] };
    // What the agent has written; between two parts it did something.
    const answer = parts.filter((part) => part.tag === "text").map((part) => part.val.trim()).filter(Boolean);
    if (error) answer.push(`⚠ ${error}`);
    return { live: undefined, messages: [message(answer.join("\n\n") || "Done.")] };
  },
};

function progress(parts, elapsed) {
  const steps = parts.filter((part) => part.tag === "action").length;
  return steps ? `Working… ${counted(steps, "step")}, ${counted(elapsed, "second")}` : "Working…";
}
