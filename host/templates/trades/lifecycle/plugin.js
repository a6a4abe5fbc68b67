// Decides when to let go of idle agents: after their idle timeout, and sooner while memory is scarce. Numbers of 64 bits are BigInt.

// With less free memory than this, in bytes, nobody idles for long.
const SCARCE = 1n << 30n;

// How long an agent may idle then, in seconds; also how often it is looked at, and the shortest idleness that is told.
const SHORT = 60n;

const least = (a, b) => (a < b ? a : b);

export const lifecycle = {
  review({ session, idleFor, freeMemory }) {
    const patience = freeMemory < SCARCE ? least(SHORT, session.idleTimeout) : session.idleTimeout;
    const left = patience - idleFor;
    // Memory may get scarce meanwhile.
    return left > 0n ? { tag: "review-in", val: least(left, SHORT) } : { tag: "suspend" };
  },

  resumeNotice({ idleFor }) {
    const minutes = idleFor / 60n;
    return minutes ? `Good to see you again, after ${minutes} minute${minutes > 1n ? "s" : ""}.` : undefined;
  },
};
