// Wraps plugin.js, so that an exception is logged with its message and position.
// `cordboard plugin build` overwrites this file.

import * as plugin from "../plugin.js";

export * from "../plugin.js";

/** The maximum number of stack lines to log. */
const PLACES = 8;

/** Logs an exception that traps. Strings and objects with a payload don't: they are errors for the caller. */
function tell(error) {
  if (typeof error === "string" || (error !== null && typeof error === "object" && "payload" in error)) return;
  const own = (place) => place !== "" && !/guard\.mjs|initializer\.js/.test(place);
  const places = String(error?.stack ?? "").split("\n").filter(own).slice(0, PLACES);
  console.error([`uncaught ${error}`, ...places.map((place) => `    at ${place}`)].join("\n"));
}

function guarded(offered) {
  const passed = (error) => {
    tell(error);
    throw error;
  };
  return function (...args) {
    try {
      const given = offered.apply(this, args);
      return given instanceof Promise ? given.catch(passed) : given;
    } catch (error) {
      return passed(error);
    }
  };
}

for (const extension of Object.values(plugin)) {
  for (const name of Object.getOwnPropertyNames(Object(extension))) {
    const about = Object.getOwnPropertyDescriptor(extension, name);
    if (about.writable && typeof about.value === "function") extension[name] = guarded(about.value);
  }
}
