// Posts text from HTTP requests. `/{{command}} here` turns posts on in this place, and `/{{command}} off` turns them
// off.

import { post } from "cordboard:plugin/chat@0.2.6";
import { currentPlace } from "cordboard:plugin/context@0.2.6";
import * as state from "cordboard:plugin/state@0.2.6";

const USAGE = "/{{command}} <here|off>";
const LONGEST = 1000; // the maximum number of posted characters

const message = (text, buttons = []) => ({ text, buttons, attachments: [], inPlace: false });

export const command = {
  specs() {
    const summary = "Post the text of HTTP requests here";
    return [{ name: "{{command}}", summary, usage: USAGE, minRole: "admin", order: "in-order" }];
  },

  run(command, args, text) {
    if (args[0] === "here") {
      state.set("place", new TextEncoder().encode(JSON.stringify(currentPlace())));
      return message("HTTP requests are posted here.", [[{ label: "Off", command: "/{{command}} off" }]]);
    }
    if (args[0] === "off") {
      state.delete("place");
      return message("HTTP requests are no longer posted.");
    }
    throw `Usage: ${USAGE}`; // the caller sees a thrown string
  },
};

export const webhook = {
  // Called after the host has checked the token or signature. The text is still untrusted, so Markdown in it is
  // escaped.
  receive({ method, body }) {
    const text = new TextDecoder().decode(body).trim().slice(0, LONGEST);
    if (method !== "POST" || !text) return answer(405, "send the text with POST");
    const place = state.get("place");
    if (!place) return answer(409, "no chat is set: send `/{{command}} here` in the chat that should get the posts");
    post(JSON.parse(new TextDecoder().decode(place)), message(escaped(text)));
    return answer(200, "posted");
  },
};

function answer(status, text) {
  return { status, headers: [["content-type", "text/plain; charset=utf-8"]], body: new TextEncoder().encode(`${text}\n`) };
}

// Escapes Markdown.
const escaped = (text) => text.replace(/[\\`*_~|[\]#>&+-]/g, "\\$&");
