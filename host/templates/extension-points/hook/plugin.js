// Posts session events. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them off.

import { post } from "cordboard:plugin/chat@0.2.6";
import { currentPlace } from "cordboard:plugin/context@0.2.6";
import * as state from "cordboard:plugin/state@0.2.6";

const USAGE = "/{{command}} <here|off>";
const message = (text, buttons = []) => ({ text, buttons, attachments: [], inPlace: false });

export const command = {
  specs() {
    const summary = "Post session events here";
    return [{ name: "{{command}}", summary, usage: USAGE, minRole: "admin", order: "in-order" }];
  },

  run(command, args, text) {
    if (args[0] === "here") {
      state.set("place", new TextEncoder().encode(JSON.stringify(currentPlace())));
      return message("Session events are posted here.", [[{ label: "Off", command: "/{{command}} off" }]]);
    }
    if (args[0] === "off") {
      state.delete("place");
      return message("Session events are no longer posted.");
    }
    throw `Usage: ${USAGE}`; // the caller sees a thrown string
  },
};

export const hook = {
  onEvent(event) {
    const [place, text] = [state.get("place"), eventText(event)];
    if (!place || !text) return;
    try {
      post(JSON.parse(new TextDecoder().decode(place)), message(text));
    } catch (why) {
      console.warn(why.payload ?? why);
    }
  },
};

// Returns the text to post for an event, or nothing if the event isn't posted. The contract lists all event kinds.
function eventText({ kind, session }) {
  const became = { created: "was created", archived: "was archived", asking: "needs you", broken: "needs you" }[kind];
  return session && became && `\`${session.name}\` ${became}.`;
}
