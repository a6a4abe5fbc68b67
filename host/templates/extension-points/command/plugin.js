// `/{{command}} [name]`: greets a person, and counts the greetings per name.

import { currentCaller } from "cordboard:plugin/context@0.2.6";
import { get, set } from "cordboard:plugin/state@0.2.6";

export const command = {
  specs() {
    return [
      { name: "{{command}}", summary: "Greet a person", usage: "/{{command}} [name]", minRole: "member", order: "in-order" },
    ];
  },

  run(command, args, text) {
    const name = args[0] ?? currentCaller()?.name ?? "you";
    if (name.includes("\n")) throw "That is not a name."; // the caller sees a thrown string
    const key = `greeted/${name}`;
    const stored = get(key);
    const times = Number(stored ? new TextDecoder().decode(stored) : 0) + 1;
    set(key, new TextEncoder().encode(String(times)));
    const quoted = name.includes(" ") ? `"${name}"` : name;
    const again = { label: "Again", command: `/{{command}} ${quoted}` };
    return { text: greeting(name, times), buttons: [[again]], attachments: [], inPlace: false };
  },
};

function greeting(name, times) {
  return `Hello, ${escape(name)}! I have greeted you ${times} ${times === 1 ? "time" : "times"}.`;
}

// Escapes Markdown, because replies are Markdown and the text is untrusted.
function escape(text) {
  return text.replace(/[\\`*_{}[\]<>()#+!|~-]/g, "\\$&");
}
