// Decides when to stop idle agents: after their idle timeout, or earlier if memory is scarce. 64-bit numbers are
// BigInt.

// Memory is scarce if fewer than this many bytes are free.
const SCARCE = 1n << 30n;

// The maximum idle timeout while memory is scarce, and the maximum time between reviews, in seconds.
const SHORT = 60n;

const least = (a, b) => (a < b ? a : b);

export const lifecycle = {
  review({ session, idleFor, freeMemory }) {
    const limit = freeMemory < SCARCE ? least(SHORT, session.idleTimeout) : session.idleTimeout;
    const left = limit - idleFor;
    // Request another review within `SHORT`, because memory may become scarce.
    return left > 0n ? { tag: "review-in", val: least(left, SHORT) } : { tag: "suspend" };
  },

  resumeNotice({ idleFor }) {
    const minutes = idleFor / 60n;
    return minutes ? `Good to see you again, after ${minutes} minute${minutes > 1n ? "s" : ""}.` : undefined;
  },
};
