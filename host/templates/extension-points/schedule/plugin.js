// Posts a question every weekday. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them
// off.

import { post } from "cordboard:plugin/chat@0.2.6";
import { currentPlace } from "cordboard:plugin/context@0.2.6";
import * as state from "cordboard:plugin/state@0.2.6";

const USAGE = "/{{command}} <here|off>";

// The job's schedule: minute, hour, day of month, month, day of week, in the host's time zone.
const WHEN = "30 8 * * mon-fri";

const message = (text, buttons = []) => ({ text, buttons, attachments: [], inPlace: false });

export const command = {
  specs() {
    const summary = "Ask a question here each working day";
    return [{ name: "{{command}}", summary, usage: USAGE, minRole: "member", order: "in-order" }];
  },

  run(command, args, text) {
    if (args[0] === "here") {
      state.set("place", new TextEncoder().encode(JSON.stringify(currentPlace())));
      return message("I will ask here each working day at 8:30.", [[{ label: "Off", command: "/{{command}} off" }]]);
    }
    if (args[0] === "off") {
      state.delete("place");
      return message("I won't ask again.");
    }
    throw `Usage: ${USAGE}`; // the caller sees a thrown string
  },
};

export const schedule = {
  jobs() {
    return [{ name: "ask", cron: WHEN }];
  },

  // `job.missed` is the number of earlier runs that were missed, for example because the host was down.
  run(job) {
    const place = state.get("place");
    if (place) {
      const question = "Good morning! What is the one thing to get done today?";
      post(JSON.parse(new TextDecoder().decode(place)), message(question));
    }
  },
};
