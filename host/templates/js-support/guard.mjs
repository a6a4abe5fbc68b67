// Wraps plugin.js so that exceptions are logged with their message and position. `cordboard plugin build` overwrites
// this file.

import * as plugin from "../plugin.js";

export * from "../plugin.js";

/** The maximum number of stack lines to log. */
const MAX_FRAMES = 8;

/** Logs an exception that causes a trap. Strings and objects that have a payload don't: they are errors for the caller. */
function logTrap(error) {
  if (typeof error === "string" || (error !== null && typeof error === "object" && "payload" in error)) return;
  const isOwn = (frame) => frame !== "" && !/guard\.mjs|initializer\.js/.test(frame);
  const frames = String(error?.stack ?? "").split("\n").filter(isOwn).slice(0, MAX_FRAMES);
  console.error([`uncaught ${error}`, ...frames.map((frame) => `    at ${frame}`)].join("\n"));
}

function guarded(original) {
  const rethrow = (error) => {
    logTrap(error);
    throw error;
  };
  return function (...args) {
    try {
      const result = original.apply(this, args);
      return result instanceof Promise ? result.catch(rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  };
}

for (const extension of Object.values(plugin)) {
  for (const name of Object.getOwnPropertyNames(Object(extension))) {
    const property = Object.getOwnPropertyDescriptor(extension, name);
    if (property.writable && typeof property.value === "function") extension[name] = guarded(property.value);
  }
}
